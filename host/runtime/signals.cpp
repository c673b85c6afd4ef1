#include "host/runtime/signals.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <utility>

namespace taskgraph::runtime {

struct StopSignals::State : std::enable_shared_from_this<StopSignals::State> {
  State(boost::asio::io_context& io, Handler to_call, Clock to_ask)
      : signals(io, SIGTERM, SIGINT), handler(std::move(to_call)), clock(std::move(to_ask)) {}

  void wait(Request request) {
    signals.async_wait([self = shared_from_this(), request](const boost::system::error_code& error, int signal) {
      if (error || self->cancelled) return;
      const core::Time now = self->clock();
      if (request == Request::stop_at_once && now - self->first_at < kSameRequest) return self->wait(request);
      // Waits again first: the handler may end the wait, and a second signal must not be missed while it runs.
      if (request == Request::drain) {
        self->first_at = now;
        self->wait(Request::stop_at_once);
      }
      self->handler(request, signal);
    });
  }

  boost::asio::signal_set signals;
  Handler handler;
  Clock clock;
  core::Time first_at;
  bool cancelled = false;
};

StopSignals::StopSignals(boost::asio::io_context& io, Handler handler, Clock clock)
    : state_(std::make_shared<State>(io, std::move(handler), std::move(clock))) {
  state_->wait(Request::drain);
}

StopSignals::~StopSignals() {
  cancel();
}

void StopSignals::cancel() {
  state_->cancelled = true;
  boost::system::error_code ignored;
  state_->signals.cancel(ignored);
}

void ignore_broken_pipes() {
  struct sigaction ignore {};
  ignore.sa_handler = SIG_IGN;
  static_cast<void>(::sigaction(SIGPIPE, &ignore, nullptr));
}

}  // namespace taskgraph::runtime
