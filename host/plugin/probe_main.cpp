#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "host/config/exit_codes.hpp"
#include "host/plugin/loader.hpp"
#include "host/plugin/probe.hpp"
#include "host/plugin/probe_report.hpp"

namespace taskgraph::plugin {
namespace {

/// True when all bytes were written.
bool send(int fd, const void* bytes, std::size_t size) {
  return ::write(fd, bytes, size) == static_cast<ssize_t>(size);
}

bool parse(std::string_view text, int& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

void probe_main(int argc, char** argv) {
  int report_fd = -1;
  int parent = -1;
  if (argc != 5 || !parse(argv[3], report_fd) || !parse(argv[4], parent)) {
    constexpr std::string_view kText = "taskgraph-host: --probe-plugin is used by the host itself only\n";
    send(STDERR_FILENO, kText.data(), kText.size());
    ::_exit(static_cast<int>(config::ExitCode::usage));
  }
  // Dies with the thread that waits for it, whatever the plugin does; one that died before is seen by its id.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(EXIT_FAILURE);
  // A crash is an answer here, not something to be kept.
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  ::fcntl(report_fd, F_SETFD, FD_CLOEXEC);
  if (!send(report_fd, &kStarted, sizeof(kStarted))) ::_exit(EXIT_FAILURE);

  const Loaded loaded = load_library(argv[2]);
  Report report;
  if (loaded.refused) {
    report.kind = ReportKind::refused;
    report.text_size = static_cast<std::uint32_t>(std::min(loaded.refused->size(), sizeof(report.text)));
    std::memcpy(report.text, loaded.refused->data(), report.text_size);
  } else {
    report.kind = ReportKind::loaded;
    report.facts = read_entry(loaded.symbol);
  }
  // No destructor, no atexit handler: what was asked for is known.
  ::_exit(send(report_fd, &report, sizeof(report)) ? EXIT_SUCCESS : EXIT_FAILURE);
}

}  // namespace taskgraph::plugin
