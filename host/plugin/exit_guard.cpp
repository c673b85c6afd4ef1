#include "host/plugin/exit_guard.hpp"

#include <unistd.h>

#include <atomic>
#include <cstdlib>

#include "host/config/exit_codes.hpp"

namespace taskgraph::plugin {
namespace {

std::atomic<const std::string*> guarding{nullptr};

void at_exit() {
  const std::string* const message = guarding.load();
  if (message == nullptr) return;
  // The exit code says it, too, when the line cannot be written.
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, message->data(), message->size());
  ::_exit(static_cast<int>(config::ExitCode::plugin_refused));
}

}  // namespace

ExitGuard::ExitGuard(const Refusal& refusal) : message_(refusal.message() + "\n") {
  [[maybe_unused]] static const bool registered = std::atexit(at_exit) == 0 && std::at_quick_exit(at_exit) == 0;
  guarding.store(&message_);
}

ExitGuard::~ExitGuard() {
  guarding.store(nullptr);
}

}  // namespace taskgraph::plugin
