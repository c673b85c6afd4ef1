#include "host/plugin/probe.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "host/plugin/loader.hpp"
#include "host/plugin/probe_report.hpp"

namespace taskgraph::plugin {
namespace {

using Clock = std::chrono::steady_clock;

/// How often a probe is asked whether it still lives where the kernel has no pidfd for it.
constexpr std::chrono::milliseconds kTick{5};
/// Below it the probe's pipes must not lie in this process, as the child's numbers 0 to 3 are set one after the other.
constexpr int kLowestPipeFd = 10;

class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd() { close(); }

  int get() const { return fd_; }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

 private:
  int fd_ = -1;
};

struct Pipe {
  Fd read;
  Fd write;
};

/// All close-on-exec; the read end never blocks.
bool open_pipe(Pipe& pipe) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return false;
  pipe.read = Fd(ends[0]);
  const Fd low(ends[1]);
  pipe.write = Fd(::fcntl(low.get(), F_DUPFD_CLOEXEC, kLowestPipeFd));
  return pipe.write.get() >= 0 && ::fcntl(pipe.read.get(), F_SETFL, O_NONBLOCK) == 0;
}

/// Starts the probe; 0 or an errno. It gets /dev/null as stdin and stdout, `output` as stderr, `report` as kReportFd,
/// no other descriptor, no blocked or ignored signal, and a process group of its own.
int start(const std::filesystem::path& executable, const std::filesystem::path& path, int report, int output,
          pid_t& pid) {
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  sigset_t none;
  sigset_t all;
  sigemptyset(&none);
  sigfillset(&all);
  ::posix_spawn_file_actions_init(&files);
  ::posix_spawnattr_init(&attributes);
  int error = 0;
  const auto step = [&error](int result) {
    if (error == 0) error = result;
  };
  step(::posix_spawn_file_actions_adddup2(&files, output, STDERR_FILENO));
  step(::posix_spawn_file_actions_adddup2(&files, report, kReportFd));
  step(::posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0));
  step(::posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0));
  step(::posix_spawn_file_actions_addclosefrom_np(&files, kReportFd + 1));
  step(::posix_spawnattr_setsigmask(&attributes, &none));
  step(::posix_spawnattr_setsigdefault(&attributes, &all));
  step(::posix_spawnattr_setpgroup(&attributes, 0));
  step(::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP));
  std::string name = "taskgraph-host";
  std::string option = kProbeOption;
  std::string library = path.string();
  std::string report_fd = std::to_string(kReportFd);
  std::string parent = std::to_string(::getpid());
  char* const arguments[] = {name.data(), option.data(), library.data(), report_fd.data(), parent.data(), nullptr};
  if (error == 0) step(::posix_spawn(&pid, executable.c_str(), &files, &attributes, arguments, environ));
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&files);
  return error;
}

/// One probe process, from its start to its end.
class Probe {
 public:
  Probe(pid_t pid, Fd report, Fd output, std::chrono::milliseconds limit)
      : pid_(pid),
        pidfd_(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))),
        report_fd_(std::move(report)),
        output_fd_(std::move(output)),
        limit_(limit),
        deadline_(Clock::now() + limit) {}

  std::optional<StepRefusal> run() {
    while (!report_complete() && !dead() && Clock::now() < deadline_) wait_for_news();
    const bool in_time = report_complete() || dead();
    // What it wrote before it died is still in the pipes. Its children, if it has left any, go with it: the group's id
    // is not free for others before the probe is reaped.
    read_all();
    ::kill(-pid_, SIGKILL);
    ::kill(pid_, SIGKILL);
    reap();
    if (report_complete()) return judge();
    return StepRefusal{Step::loader, in_time ? ended() : hung()};
  }

 private:
  bool report_complete() const { return got_ == sizeof(kStarted) + sizeof(Report); }

  /// True once it has ended; it stays unreaped, so that its id stays its own.
  bool dead() const {
    siginfo_t info{};
    const int result = ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT);
    return result == 0 ? info.si_pid == pid_ : errno == ECHILD;
  }

  void wait_for_news() {
    std::array<pollfd, 3> fds{
        {{pidfd_.get(), POLLIN, 0}, {report_fd_.get(), POLLIN, 0}, {output_fd_.get(), POLLIN, 0}}};
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline_ - Clock::now());
    const auto most = pidfd_.get() < 0 ? std::min(left, kTick) : left;
    if (most.count() > 0)
      ::poll(fds.data(), fds.size(), static_cast<int>(std::min<std::int64_t>(most.count(), INT_MAX)));
    read_all();
  }

  void read_all() {
    read_report();
    read_output();
  }

  void read_report() {
    while (report_fd_.get() >= 0 && !report_complete()) {
      const ssize_t count = ::read(report_fd_.get(), bytes_.data() + got_, bytes_.size() - got_);
      if (count > 0) {
        got_ += static_cast<std::size_t>(count);
      } else if (count == 0) {
        report_fd_.close();
      } else if (errno != EINTR) {
        return;
      }
    }
  }

  /// Keeps the last bytes only; bounded per call, as a plugin may write without end.
  void read_output() {
    std::array<char, 4'096> chunk{};
    for (int reads = 0; reads < 32 && output_fd_.get() >= 0; ++reads) {
      const ssize_t count = ::read(output_fd_.get(), chunk.data(), chunk.size());
      if (count > 0) {
        output_.append(chunk.data(), static_cast<std::size_t>(count));
        if (output_.size() > kOutputBytesKept) output_.erase(0, output_.size() - kOutputBytesKept);
      } else if (count == 0) {
        output_fd_.close();
      } else if (errno != EINTR) {
        return;
      }
    }
  }

  void reap() {
    while (::waitpid(pid_, &status_, 0) < 0) {
      if (errno == EINTR) continue;
      reaped_by_other_ = true;  // this process ignores SIGCHLD
      return;
    }
  }

  std::optional<StepRefusal> judge() const {
    Report report;
    std::memcpy(&report, bytes_.data() + sizeof(kStarted), sizeof(report));
    if (report.kind == ReportKind::loaded) return judge_entry(report.facts);
    const std::size_t size = std::min<std::size_t>(report.text_size, sizeof(report.text));
    return StepRefusal{Step::loader, std::string(report.text, size)};
  }

  std::string ended() const {
    std::string how = "its status is not known";
    if (!reaped_by_other_ && WIFEXITED(status_)) how = fmt::format("exit status {}", WEXITSTATUS(status_));
    if (!reaped_by_other_ && WIFSIGNALED(status_)) {
      const char* name = ::sigdescr_np(WTERMSIG(status_));
      how = fmt::format("killed by signal {} ({})", WTERMSIG(status_), name == nullptr ? "real-time" : name);
    }
    if (got_ == 0)
      return fmt::format("the process that tries it ended before it began: {}{}; the plugin has not run", how, wrote());
    return fmt::format("its constructors ended the process: {} before the plugin was loaded{}; {}", how, wrote(),
                       crashed() ? kCureOfCrash : kConstructorCure);
  }

  bool crashed() const {
    if (reaped_by_other_ || !WIFSIGNALED(status_)) return false;
    const int signal = WTERMSIG(status_);
    return signal == SIGSEGV || signal == SIGBUS || signal == SIGILL || signal == SIGFPE;
  }

  std::string hung() const {
    return fmt::format("its constructors did not return within {} s{}; {}", static_cast<double>(limit_.count()) / 1'000,
                       wrote(), kConstructorCure);
  }

  /// The last line of what it wrote to stderr.
  std::string wrote() const {
    std::string_view text = output_;
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.remove_suffix(1);
    const std::size_t line = text.rfind('\n');
    if (line != std::string_view::npos) text.remove_prefix(line + 1);
    const std::string shown = one_line(text, kProbeOutputBytesMax);
    return shown.empty() ? "" : fmt::format(", after it wrote \"{}\"", shown);
  }

  static constexpr std::size_t kOutputBytesKept = 8 * kProbeOutputBytesMax;
  static constexpr std::string_view kCureOfCrash =
      "build it again in case the file is damaged, then debug the constructors of its global objects";

  pid_t pid_;
  Fd pidfd_;
  Fd report_fd_;
  Fd output_fd_;
  std::chrono::milliseconds limit_;
  Clock::time_point deadline_;
  std::array<char, sizeof(kStarted) + sizeof(Report)> bytes_{};
  std::size_t got_ = 0;
  std::string output_;
  int status_ = 0;
  bool reaped_by_other_ = false;
};

StepRefusal not_started(const std::filesystem::path& executable, int error) {
  return {Step::loader, fmt::format("the process that tries it, {}, cannot be started: {}; the plugin has not run",
                                    executable.string(), std::strerror(error))};
}

}  // namespace

std::optional<StepRefusal> probe(const std::filesystem::path& path, const ProbeOptions& options) {
  Pipe report;
  Pipe output;
  if (!open_pipe(report) || !open_pipe(output)) return not_started(options.executable, errno);
  pid_t pid = -1;
  const int error = start(options.executable, path, report.write.get(), output.write.get(), pid);
  if (error != 0) return not_started(options.executable, error);
  // Ours must go, or the pipes never end.
  report.write.close();
  output.write.close();
  return Probe(pid, std::move(report.read), std::move(output.read), options.limit).run();
}

}  // namespace taskgraph::plugin
