#include "host/process/core_dump.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <optional>

namespace taskgraph::process {
namespace {

constexpr std::size_t kNameBytesMax = 15;  // of a thread's name, as the kernel keeps it

/// nullopt: it cannot be known from outside, as the time.
std::optional<std::string> value_of(char letter, const DumpedProcess& process) {
  switch (letter) {
    case '%':
      return "%";
    case 'p':
      return std::to_string(process.pid);
    case 'i':
      return process.thread == 0 ? std::nullopt : std::optional(std::to_string(process.thread));
    case 's':
      return std::to_string(process.signal);
    case 'u':
      return std::to_string(::getuid());
    case 'g':
      return std::to_string(::getgid());
    case 'h':
      return process.host_name;
    case 'e':
      return process.executable.substr(process.executable.rfind('/') + 1).substr(0, kNameBytesMax);
    case 'E': {
      std::string path = process.executable;
      std::replace(path.begin(), path.end(), '/', '!');
      return path;
    }
    default:
      return std::nullopt;
  }
}

std::string first_line(const char* path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

}  // namespace

std::string core_dump_place(std::string_view pattern, bool uses_pid, const DumpedProcess& process) {
  if (pattern.empty()) pattern = "core";
  if (pattern.front() == '|' || pattern.front() == '@') {
    return "core dump handed to " + std::string(pattern.substr(0, pattern.find(' ')));
  }
  std::string file;
  bool has_pid = false;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '%') {
      file += pattern[i];
    } else if (++i < pattern.size()) {  // a single % at the end is dropped
      has_pid |= pattern[i] == 'p';
      file += value_of(pattern[i], process).value_or("*");
    }
  }
  if (uses_pid && !has_pid) file += "." + std::to_string(process.pid);
  if (file.front() != '/') file = process.directory + "/" + file;
  return "core dump: " + file;
}

std::string core_dump_place(pid_t pid, pid_t thread, int signal) {
  std::error_code error;
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  const DumpedProcess process{.pid = pid,
                              .thread = thread,
                              .signal = signal,
                              .executable = std::filesystem::read_symlink("/proc/self/exe", error),
                              .directory = std::filesystem::current_path(error),
                              .host_name = host.data()};
  const std::string uses_pid = first_line("/proc/sys/kernel/core_uses_pid");
  return core_dump_place(first_line("/proc/sys/kernel/core_pattern"), !uses_pid.empty() && uses_pid != "0", process);
}

}  // namespace taskgraph::process
