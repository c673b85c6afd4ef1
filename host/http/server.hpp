/// A strict HTTP/1.1 server on loopback.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/address_v4.hpp>
#include <boost/system/result.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "host/http/limits.hpp"
#include "host/http/listener.hpp"
#include "host/http/router.hpp"

namespace taskgraph::http {

struct ServerOptions {
  boost::asio::ip::address address = boost::asio::ip::address_v4::loopback();
  std::uint16_t port = 0;  ///< 0: the kernel chooses
  std::string token;       ///< is_token(), or it is a bug of ours
  ServerLimits limits;
  Clock now;  ///< any thread; empty: CLOCK_BOOTTIME
};

/// Made, closed and destroyed by one thread; all work is done by the threads that run the io_context, which must
/// outlive it. Handlers may be called until close() has reported, or until the io_context has stopped.
///
/// Memory: limits.connections_max connections, each with limits.pipelined_requests_max requests and its output; bodies
/// under way: limits.bodies_bytes_max of all together.
class Server {
 public:
  /// Binds and listens. Refuses any address but loopback (operation_not_permitted); else what bind() says.
  static boost::system::result<std::unique_ptr<Server>> open(boost::asio::io_context& io, ServerOptions options,
                                                             std::vector<Route> routes);
  /// Closes all that is left at once.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  std::uint16_t port() const;
  ServerStats stats() const;

  /// Once: no new connections and requests; those that were taken are answered, for limits.close_time at most. Then
  /// `closed` is called, by a thread of the io_context: no socket is open any more.
  void close(std::function<void()> closed);

 private:
  class Acceptor;
  explicit Server(std::shared_ptr<Acceptor> acceptor);

  const std::shared_ptr<Acceptor> acceptor_;
};

/// GET /livez: 200 as long as there is a thread to answer. GET /readyz: 200, or 503 with what `not_ready` returns,
/// which is any thread's to call and empty when all is well. Both without a token.
std::vector<Route> health_routes(std::function<std::string()> not_ready);

}  // namespace taskgraph::http
