#include "host/dataplane/caller.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <memory>
#include <utility>

#include "host/dataplane/socket_options.hpp"

namespace taskgraph::dataplane {

Caller::~Caller() {
  destroy<Node>(take_posted());
}

void Caller::posted(Node* batch, bool, core::Time now) {
  while (batch != nullptr) {
    const std::unique_ptr<Node> one(batch);
    batch = batch->next;
  }
  if (now >= protocol_.deadline()) drop();
  if (protocol_.is_closed()) {
    connect(now);
  } else {
    protocol_.go_on(now);
  }
  flush();
  watch_deadline();
}

void Caller::connect(core::Time now) {
  if (now < protocol_.retry_at()) return wake_at(protocol_.retry_at());
  const std::uint16_t port = peer_.port.load(std::memory_order_relaxed);
  if (port == 0) return;
  protocol_.connecting(port, now);
  process::Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket.is_open()) return drop();
  tune(socket.get());
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  const int result = ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  if (result != 0 && errno != EINPROGRESS) return drop();
  open(std::move(socket), true);  // loopback answers at once, and is told of like any other
}

void Caller::connected() {
  protocol_.connected(runtime::now());
}

void Caller::filled(std::size_t bytes) {
  if (!protocol_.filled(bytes, runtime::now())) drop();
}

void Caller::received(std::string_view bytes) {
  if (!protocol_.received(bytes, runtime::now())) drop();
}

void Caller::closed(const std::string&) {
  drop();
}

void Caller::drop() {
  close();
  protocol_.dropped(runtime::now());
  if (peer_.port.load(std::memory_order_relaxed) != 0) wake_at(protocol_.retry_at());
}

/// The tick may come early, and asks again then: an answer in time costs no timer of its own.
void Caller::watch_deadline() {
  const core::Time deadline = protocol_.deadline();
  if (deadline != core::Time::never()) wake_at(deadline);
}

}  // namespace taskgraph::dataplane
