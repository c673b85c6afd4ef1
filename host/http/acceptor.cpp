#include "host/http/acceptor.hpp"

#include <fcntl.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <cstring>
#include <utility>

namespace taskgraph::http {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr std::chrono::milliseconds kSweepPeriodMin{5};
constexpr std::chrono::milliseconds kSweepPeriodMax{500};
constexpr std::chrono::milliseconds kRetryTime{20};

/// A deadline is noticed a tenth of the shortest time late, at most.
std::chrono::nanoseconds sweep_period(const ServerLimits& limits) {
  const core::Duration shortest =
      std::min({limits.head_time, limits.body_time, limits.idle_time, limits.write_time, limits.linger_time});
  return std::clamp<std::chrono::nanoseconds>(std::chrono::nanoseconds(shortest.ns / 10), kSweepPeriodMin,
                                              kSweepPeriodMax);
}

PeerAddress peer_address(const Socket& socket) {
  error_code ignored;
  const asio::ip::address address = socket.remote_endpoint(ignored).address();
  PeerAddress peer{};
  if (address.is_v6()) return address.to_v6().to_bytes();
  const auto bytes = address.to_v4().to_bytes();
  peer[10] = peer[11] = 0xff;
  std::copy(bytes.begin(), bytes.end(), peer.begin() + 12);
  return peer;
}

bool is_shortage(const error_code& error) {
  using boost::system::errc::errc_t;
  for (const errc_t shortage : {errc_t::too_many_files_open, errc_t::too_many_files_open_in_system,
                                errc_t::no_buffer_space, errc_t::not_enough_memory}) {
    if (error == shortage) return true;
  }
  return false;
}

}  // namespace

void keep_from_children(int descriptor) {
  ::fcntl(descriptor, F_SETFD, FD_CLOEXEC);
}

Server::Acceptor::Acceptor(asio::io_context& io, Socket socket, std::shared_ptr<Listener> listener)
    : io_(io),
      listener_(std::move(listener)),
      sweep_period_(sweep_period(listener_->limits)),
      port_(socket.local_endpoint().port()),
      socket_(std::move(socket)),
      sweep_timer_(socket_.get_executor()),
      retry_timer_(socket_.get_executor()),
      close_timer_(socket_.get_executor()) {}

void Server::Acceptor::start() {
  listener_->on_connection_closed = [weak = weak_from_this(), strand = socket_.get_executor(),
                                     listener = listener_.get()] {
    if (listener->open.load(std::memory_order_relaxed) > 0) return;
    asio::post(strand, [weak] {
      if (const auto self = weak.lock()) self->report_closed();
    });
  };
  asio::post(socket_.get_executor(), [self = shared_from_this()] { self->accept(); });
}

void Server::Acceptor::accept() {
  if (!socket_.is_open()) return;
  socket_.async_accept(asio::make_strand(io_),
                       [self = shared_from_this()](const error_code& error, http::Socket socket) {
                         if (!self->socket_.is_open()) return;
                         if (error) return self->on_accept_failed(error);
                         self->on_accepted(std::move(socket));
                         self->accept();
                       });
}

void Server::Acceptor::on_accepted(http::Socket socket) {
  keep_from_children(socket.native_handle());
  const PeerAddress peer = peer_address(socket);
  ConnectionTable::Admission admission =
      listener_->with_table([&](ConnectionTable& table) { return table.admit(peer); });
  if (admission.evicted != nullptr) {
    listener_->counters.evicted.fetch_add(1, std::memory_order_relaxed);
    admission.evicted->end(Ending::graceful);
  }
  if (!admission.admitted) return refuse(std::move(socket));
  listener_->counters.accepted.fetch_add(1, std::memory_order_relaxed);
  listener_->open.fetch_add(1, std::memory_order_relaxed);
  const Strand strand = socket.get_executor();
  auto session = std::make_shared<Session>(std::move(socket), listener_);
  listener_->with_table([&](ConnectionTable& table) { table.add(peer, session); });
  asio::post(strand, [session] { session->start(); });
  sweep_later();
}

/// Best effort: a peer that has sent a lot already may see a reset instead.
void Server::Acceptor::refuse(http::Socket socket) {
  listener_->counters.refused.fetch_add(1, std::memory_order_relaxed);
  const Response response = error_response(503, "too many connections, all of them busy; try again");
  std::string text;
  append_head(text, response, true);
  text += response.body.view();
  error_code ignored;
  socket.non_blocking(true, ignored);
  socket.write_some(asio::buffer(text), ignored);
  socket.shutdown(http::Socket::shutdown_send, ignored);
  socket.close(ignored);
}

/// What is short comes back when connections go; until then a loop of failing accepts would only burn a core.
void Server::Acceptor::on_accept_failed(const error_code& error) {
  if (!is_shortage(error)) return accept();  // that connection was gone before it was accepted
  const auto evicted = listener_->with_table([](ConnectionTable& table) { return table.evict_idle(); });
  if (evicted != nullptr) {
    listener_->counters.evicted.fetch_add(1, std::memory_order_relaxed);
    evicted->end(Ending::graceful);
  }
  retry_timer_.expires_after(kRetryTime);
  retry_timer_.async_wait([self = shared_from_this()](const error_code&) { self->accept(); });
}

/// One timer for all connections, as long as there are any.
void Server::Acceptor::sweep_later() {
  if (sweeping_) return;
  sweeping_ = true;
  sweep_timer_.expires_after(sweep_period_);
  sweep_timer_.async_wait([self = shared_from_this()](const error_code& error) {
    self->sweeping_ = false;
    if (error) return;
    const core::Time now = self->listener_->now();
    const auto overdue = self->listener_->with_table([&](ConnectionTable& table) { return table.overdue(now); });
    for (const auto& connection : overdue) connection->end(Ending::overdue);
    if (self->listener_->open.load(std::memory_order_relaxed) > 0) self->sweep_later();
  });
}

void Server::Acceptor::end_all(Ending ending) {
  const auto connections = listener_->with_table([](ConnectionTable& table) { return table.all(); });
  for (const auto& connection : connections) connection->end(ending);
}

void Server::Acceptor::close(std::function<void()> closed, bool at_once) {
  asio::post(socket_.get_executor(), [self = shared_from_this(), closed = std::move(closed), at_once]() mutable {
    error_code ignored;
    self->socket_.close(ignored);
    self->retry_timer_.cancel();
    if (closed) self->closed_ = std::move(closed);
    self->end_all(at_once ? Ending::at_once : Ending::graceful);
    if (!at_once) {
      self->close_timer_.expires_after(std::chrono::nanoseconds(self->listener_->limits.close_time.ns));
      self->close_timer_.async_wait([self](const error_code& error) {
        if (!error) self->end_all(Ending::at_once);
      });
    }
    self->report_closed();
  });
}

void Server::Acceptor::report_closed() {
  if (socket_.is_open() || listener_->open.load(std::memory_order_relaxed) > 0) return;
  close_timer_.cancel();
  sweep_timer_.cancel();
  if (closed_) std::exchange(closed_, nullptr)();
}

}  // namespace taskgraph::http
