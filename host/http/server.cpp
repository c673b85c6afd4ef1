#include "host/http/server.hpp"

#include <ctime>
#include <utility>

#include "host/core/assert.hpp"
#include "host/http/acceptor.hpp"

namespace taskgraph::http {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

core::Time boot_time() {
  timespec time{};
  ::clock_gettime(CLOCK_BOOTTIME, &time);
  return {std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec};
}

}  // namespace

boost::system::result<std::unique_ptr<Server>> Server::open(asio::io_context& io, ServerOptions options,
                                                            std::vector<Route> routes) {
  TG_ASSERT(is_token(options.token));
  if (!options.address.is_loopback()) return make_error_code(boost::system::errc::operation_not_permitted);
  Acceptor::Socket socket(asio::make_strand(io));
  const asio::ip::tcp::endpoint endpoint(options.address, options.port);
  error_code error;
  socket.open(endpoint.protocol(), error);
  if (!error) keep_from_children(socket.native_handle());
  if (!error) socket.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) socket.bind(endpoint, error);
  if (!error) socket.listen(asio::socket_base::max_listen_connections, error);
  if (error) return error;
  const std::uint16_t port = socket.local_endpoint(error).port();
  if (error) return error;
  Clock now = options.now ? std::move(options.now) : boot_time;
  auto listener =
      std::make_shared<Listener>(options.limits, std::move(routes), port, std::move(options.token), std::move(now));
  auto acceptor = std::make_shared<Acceptor>(io, std::move(socket), std::move(listener));
  acceptor->start();
  return std::unique_ptr<Server>(new Server(std::move(acceptor)));
}

Server::Server(std::shared_ptr<Acceptor> acceptor) : acceptor_(std::move(acceptor)) {}

Server::~Server() {
  acceptor_->close(nullptr, true);
}

std::uint16_t Server::port() const {
  return acceptor_->port();
}

ServerStats Server::stats() const {
  const Listener& listener = acceptor_->listener();
  const auto read = [](const std::atomic<std::uint64_t>& counter) { return counter.load(std::memory_order_relaxed); };
  ServerStats stats;
  stats.connections_open = read(listener.open);
  stats.connections_accepted = read(listener.counters.accepted);
  stats.connections_refused = read(listener.counters.refused);
  stats.connections_evicted = read(listener.counters.evicted);
  stats.connections_overdue = read(listener.counters.overdue);
  stats.requests = read(listener.counters.requests);
  stats.requests_rejected = read(listener.counters.rejected);
  return stats;
}

void Server::close(std::function<void()> closed) {
  acceptor_->close(std::move(closed), false);
}

std::vector<Route> health_routes(std::function<std::string()> not_ready) {
  Route live;
  live.pattern = "/livez";
  live.access = Access::open;
  live.handler = [](const Request&, Responder responder) { responder.send(json_response(200, "{\"live\": true}\n")); };
  Route ready;
  ready.pattern = "/readyz";
  ready.access = Access::open;
  ready.handler = [not_ready = std::move(not_ready)](const Request&, Responder responder) {
    const std::string why = not_ready();
    responder.send(why.empty() ? json_response(200, "{\"ready\": true}\n") : error_response(503, why));
  };
  return {std::move(live), std::move(ready)};
}

}  // namespace taskgraph::http
