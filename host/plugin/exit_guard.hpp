/// A plugin that calls exit() while it is loaded or initialised must not look like success.
#pragma once

#include "host/plugin/refusal.hpp"

namespace taskgraph::plugin {

/// While one lives, exit() and quick_exit() of whatever thread end the process with the exit code "plugin refused"
/// after writing the refusal to stderr. `refusal` must outlive it. One at a time. [main] It cannot see _exit(); the
/// probe has seen that the constructors do not call it.
class ExitGuard {
 public:
  explicit ExitGuard(const Refusal& refusal);
  ~ExitGuard();
  ExitGuard(const ExitGuard&) = delete;
  ExitGuard& operator=(const ExitGuard&) = delete;

 private:
  std::string message_;
};

}  // namespace taskgraph::plugin
