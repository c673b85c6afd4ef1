/// A child process, held by a pidfd: it can be signalled and awaited without ever meeting another process of its
/// number.
#pragma once

#include <sys/types.h>

#include <csignal>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "host/process/descriptor.hpp"

namespace taskgraph::process {

/// How a process ended.
struct Ending {
  enum class Kind { exited, signalled } kind = Kind::exited;
  int number = 0;            ///< exit code or signal
  bool core_dumped = false;  ///< of signalled

  bool is_by(int signal) const { return kind == Kind::signalled && number == signal; }
  /// "exited with 70", "ended by SIGSEGV (core dumped)".
  std::string text() const;
};

struct SpawnSettings {
  std::filesystem::path executable;
  std::vector<std::string> arguments;  ///< without the program's name
  /// What the child gets as descriptors 0, 1, 2, 3, ...; all else is closed there. Those of this process stay open.
  std::vector<int> descriptors;
};

/// Move-only. One thread. A child that is not reaped is killed and awaited by the destructor.
class Child {
 public:
  /// By posix_spawn, with an empty signal mask, default dispositions and the environment of this process.
  /// Throws std::system_error.
  static Child spawn(const SpawnSettings& settings);

  Child(Child&&) noexcept = default;
  Child& operator=(Child&& other) noexcept;
  ~Child();

  pid_t pid() const { return pid_; }
  /// Readable when the child has ended: for epoll. Open until the end of this object.
  int pidfd() const { return pidfd_.get(); }
  /// Nothing happens when it has ended.
  void signal(int number) const;
  /// nullopt while it runs. Never blocks; the same answer ever after.
  std::optional<Ending> try_reap();
  /// Blocks until it has ended.
  Ending reap();

 private:
  Child(pid_t pid, Descriptor pidfd) : pid_(pid), pidfd_(std::move(pidfd)) {}
  std::optional<Ending> wait(int flags);
  void end();

  pid_t pid_ = -1;
  Descriptor pidfd_;
  std::optional<Ending> ending_;
};

}  // namespace taskgraph::process
