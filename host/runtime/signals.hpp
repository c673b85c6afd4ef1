/// How people and service managers stop a host: the first SIGTERM or SIGINT drains, a later one stops at once.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "host/core/ids.hpp"
#include "host/runtime/executor.hpp"

namespace boost::asio {
class io_context;
}

namespace taskgraph::runtime {

/// One per process, on one thread: that of `io`. That thread must run no hooks of tasks, or a task that computes for
/// minutes keeps the second signal waiting.
class StopSignals {
 public:
  enum class Request : std::uint8_t { drain, stop_at_once };
  /// Called on the thread of `io`, once with each request, in this order. `signal` is SIGTERM or SIGINT.
  using Handler = std::function<void(Request, int signal)>;
  using Clock = std::function<core::Time()>;

  /// Signals so soon after the first are one request with it: timeout(1) and some service managers signal a process and
  /// its group at once.
  static constexpr core::Duration kSameRequest = core::milliseconds(500);

  /// From here on SIGTERM and SIGINT no longer end the process. Throws boost::system::system_error when the system
  /// refuses.
  StopSignals(boost::asio::io_context& io, Handler handler, Clock clock = &runtime::now);
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;
  /// The two signals end the process again.
  ~StopSignals();

  /// Stops waiting, so that `io` can run out of work. The signals stay caught; later ones are ignored.
  void cancel();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

/// A peer or a reader that went away is an error of that write, not the end of this process. Main thread, at the start.
void ignore_broken_pipes();

}  // namespace taskgraph::runtime
