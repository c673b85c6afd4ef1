/// The listening half of a Server: accepts, looks for what is overdue, closes.
#pragma once

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <functional>
#include <memory>

#include "host/http/server.hpp"
#include "host/http/session.hpp"

namespace taskgraph::http {

/// Asio opens sockets that children would inherit, and with them the port.
void keep_from_children(int descriptor);

/// On its strand but for the constructor and what says otherwise. Kept alive by its own waits.
class Server::Acceptor : public std::enable_shared_from_this<Acceptor> {
 public:
  using Socket = boost::asio::basic_socket_acceptor<boost::asio::ip::tcp, Strand>;

  Acceptor(boost::asio::io_context& io, Socket socket, std::shared_ptr<Listener> listener);

  /// Any thread, once.
  void start();
  /// Any thread.
  void close(std::function<void()> closed, bool at_once);
  Listener& listener() const { return *listener_; }
  std::uint16_t port() const { return port_; }

 private:
  using Timer = boost::asio::basic_waitable_timer<std::chrono::steady_clock,
                                                  boost::asio::wait_traits<std::chrono::steady_clock>, Strand>;

  void accept();
  void on_accepted(http::Socket socket);
  void refuse(http::Socket socket);
  void on_accept_failed(const boost::system::error_code& error);
  void sweep_later();
  void end_all(Ending ending);
  void report_closed();

  // fixed after construction
  boost::asio::io_context& io_;
  const std::shared_ptr<Listener> listener_;
  const std::chrono::nanoseconds sweep_period_;
  const std::uint16_t port_;

  // on the strand
  Socket socket_;
  Timer sweep_timer_;
  Timer retry_timer_;
  Timer close_timer_;
  bool sweeping_ = false;
  std::function<void()> closed_;
};

}  // namespace taskgraph::http
