#include "host/process/descendants.hpp"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <system_error>

namespace taskgraph::process {
namespace {

/// The parent of `pid` by /proc/PID/stat, whose second field may hold blanks and parentheses. 0 when it is gone.
pid_t parent_of(const std::string& pid) {
  std::ifstream file("/proc/" + pid + "/stat");
  std::string line;
  std::getline(file, line);
  const std::size_t name_end = line.rfind(')');
  if (name_end == std::string::npos) return 0;
  int parent = 0;
  return std::sscanf(line.c_str() + name_end + 1, " %*c %d", &parent) == 1 ? parent : 0;
}

/// Where the kernel keeps no lists of children.
std::vector<pid_t> children_by_search() {
  std::vector<pid_t> found;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    if (parent_of(name) == ::getpid()) found.push_back(static_cast<pid_t>(std::stol(name)));
  }
  return found;
}

}  // namespace

void become_subreaper() {
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) {
    throw std::system_error(errno, std::generic_category(), "prctl PR_SET_CHILD_SUBREAPER");
  }
}

std::vector<pid_t> children() {
  std::vector<pid_t> found;
  std::error_code error;
  for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task", error)) {
    std::ifstream list(thread.path() / "children");
    if (!list.is_open()) return children_by_search();
    for (pid_t pid = 0; list >> pid;) found.push_back(pid);
  }
  if (error) throw std::system_error(error, "/proc/self/task");
  return found;
}

std::size_t end_orphans(const std::function<bool(pid_t)>& is_known) {
  std::size_t ended = 0;
  int empty_rounds = 0;  // the kernel's list may lack a child while another one ends: one look does not prove it
  for (int round = 0; round < kRoundsMax; ++round) {
    bool none = true;
    for (const pid_t pid : children()) {
      if (is_known(pid)) continue;
      none = false;
      ::kill(pid, SIGKILL);  // our own unreaped child: the number is its
      while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
      }
      ++ended;
    }
    empty_rounds = none ? empty_rounds + 1 : 0;
    if (empty_rounds == 2) return ended;
  }
  throw std::runtime_error("descendants of a worker go on forking; they were killed " + std::to_string(kRoundsMax) +
                           " times");
}

}  // namespace taskgraph::process
