#include "host/process/child.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace taskgraph::process {
namespace {

void check(int error, const char* what) {
  if (error != 0) throw std::system_error(error, std::generic_category(), what);
}

/// posix_spawn's two option objects.
struct Attributes {
  Attributes() {
    check(::posix_spawnattr_init(&value), "posix_spawnattr_init");
    sigset_t none;
    ::sigemptyset(&none);
    sigset_t all;
    ::sigfillset(&all);
    check(::posix_spawnattr_setsigmask(&value, &none), "posix_spawnattr_setsigmask");
    check(::posix_spawnattr_setsigdefault(&value, &all), "posix_spawnattr_setsigdefault");
    check(::posix_spawnattr_setflags(&value, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF),
          "posix_spawnattr_setflags");
  }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;
  ~Attributes() { ::posix_spawnattr_destroy(&value); }
  posix_spawnattr_t value{};
};
struct FileActions {
  FileActions() { check(::posix_spawn_file_actions_init(&value), "posix_spawn_file_actions_init"); }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;
  ~FileActions() { ::posix_spawn_file_actions_destroy(&value); }
  posix_spawn_file_actions_t value{};
};

/// Copies of `wanted` above all the places that they go to, so that no dup2 overwrites one that is still needed.
std::vector<Descriptor> moved_up(const std::vector<int>& wanted) {
  std::vector<Descriptor> copies;
  for (const int descriptor : wanted) {
    copies.emplace_back(::fcntl(descriptor, F_DUPFD_CLOEXEC, static_cast<int>(wanted.size()) + 3));
    if (!copies.back().is_open()) check(errno, "fcntl F_DUPFD_CLOEXEC");
  }
  return copies;
}

std::string signal_name(int number) {
  const char* name = ::sigabbrev_np(number);
  return name == nullptr ? "signal " + std::to_string(number) : std::string("SIG") + name;
}

}  // namespace

std::string Ending::text() const {
  if (kind == Kind::exited) return "exited with " + std::to_string(number);
  return "ended by " + signal_name(number) + (core_dumped ? " (core dumped)" : "");
}

Child Child::spawn(const SpawnSettings& settings) {
  const Attributes attributes;
  FileActions actions;
  const std::vector<Descriptor> copies = moved_up(settings.descriptors);
  for (std::size_t i = 0; i < copies.size(); ++i) {
    check(::posix_spawn_file_actions_adddup2(&actions.value, copies[i].get(), static_cast<int>(i)),
          "posix_spawn_file_actions_adddup2");
  }
  check(::posix_spawn_file_actions_addclosefrom_np(&actions.value, static_cast<int>(copies.size())),
        "posix_spawn_file_actions_addclosefrom_np");
  std::string program = settings.executable.string();
  std::vector<std::string> texts = settings.arguments;
  std::vector<char*> arguments{program.data()};
  for (std::string& text : texts) arguments.push_back(text.data());
  arguments.push_back(nullptr);
  pid_t pid = -1;
  check(::posix_spawn(&pid, program.c_str(), &actions.value, &attributes.value, arguments.data(), ::environ),
        ("starting " + program).c_str());
  // Nobody else reaps our children, so that the number is still this child's.
  Descriptor pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  const int error = errno;
  Child child(pid, std::move(pidfd));
  if (!child.pidfd_.is_open()) check(error, "pidfd_open");  // `child` ends it
  return child;
}

Child& Child::operator=(Child&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(pidfd_, other.pidfd_);
  std::swap(ending_, other.ending_);
  return *this;
}

Child::~Child() {
  if (pid_ > 0 && !ending_.has_value() && pidfd_.is_open()) end();
}

void Child::end() {
  signal(SIGKILL);
  reap();
}

void Child::signal(int number) const {
  if (ending_.has_value()) return;
  ::syscall(SYS_pidfd_send_signal, pidfd_.get(), number, nullptr, 0);
}

std::optional<Ending> Child::wait(int flags) {
  if (ending_.has_value()) return ending_;
  siginfo_t info{};
  int result = 0;
  do {
    result = ::waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(pidfd_.get()), &info, WEXITED | flags);
  } while (result != 0 && errno == EINTR);
  check(result == 0 ? 0 : errno, "waitid");
  if (info.si_pid == 0) return std::nullopt;
  const bool exited = info.si_code == CLD_EXITED;
  ending_ = Ending{exited ? Ending::Kind::exited : Ending::Kind::signalled, info.si_status, info.si_code == CLD_DUMPED};
  return ending_;
}

std::optional<Ending> Child::try_reap() {
  return wait(WNOHANG);
}

Ending Child::reap() {
  return *wait(0);
}

}  // namespace taskgraph::process
