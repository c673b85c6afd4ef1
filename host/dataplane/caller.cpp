#include "host/dataplane/caller.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include "host/wire/encoder.hpp"

namespace taskgraph::dataplane {

Caller::~Caller() {
  destroy<Node>(take_posted());
}

void Caller::posted(Node* batch, bool, core::Time) {
  while (batch != nullptr) {
    const std::unique_ptr<Node> one(batch);
    batch = batch->next;
  }
  go_on();
  flush();
}

void Caller::go_on() {
  if (state_ == State::closed) return connect();
  if (state_ != State::idle) return;
  if (auto call = next_call()) {
    state_ = State::calling;
    request(call->target, call->body, call->response_bytes_max);
  }
}

void Caller::connect() {
  const core::Time now = runtime::now();
  if (now < retry_at_) return wake_at(retry_at_);
  connected_port_ = port();
  if (connected_port_ == 0) return;
  process::Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket.is_open()) return drop();
  const int one = 1;
  ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(connected_port_);
  const int result = ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  if (result != 0 && errno != EINPROGRESS) return drop();
  state_ = State::connecting;
  reader_.reset();
  open(std::move(socket), true);  // loopback answers at once, and is told of like any other
}

void Caller::connected() {
  state_ = State::greeting;
  handshake_ = Handshake{identity_.life, to_, random_nonce(), {}};
  std::string body;
  wire::Encoder out(body);
  out.uuid(identity_.job);
  out.uuid(handshake_.caller);
  out.uuid(handshake_.listener);
  out.raw(bytes_of(handshake_.caller_nonce));
  out.flush();
  request("POST /v1/hello", body, kNonceBytes + kProofBytes);
}

void Caller::request(const std::string& target, const std::string& body, std::size_t response_bytes_max) {
  reader_.expect(response_bytes_max);
  send(target + " HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(connected_port_) +
       "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
}

void Caller::filled(std::size_t bytes) {
  reader_.filled(bytes);
  received({});
}

void Caller::received(std::string_view bytes) {
  do {
    switch (reader_.advance(bytes)) {
      case ResponseReader::Step::need_more:
        return;
      case ResponseReader::Step::malformed:
        return drop();
      case ResponseReader::Step::response:
        if (!responded(reader_.take())) return drop();
        go_on();
    }
  } while (!bytes.empty() && is_open());
}

bool Caller::responded(Response&& response) {
  switch (state_) {
    case State::greeting: {
      const std::string_view said = response.body.view();
      if (response.status != 200 || said.size() != kNonceBytes + kProofBytes) return false;
      std::memcpy(handshake_.listener_nonce.data(), said.data(), kNonceBytes);
      const Proof expected = prove(identity_.secret, Side::listener, handshake_);
      if (!is_equal(expected, said.substr(kNonceBytes))) return false;
      state_ = State::proving;
      const Proof ours = prove(identity_.secret, Side::caller, handshake_);
      request("POST /v1/prove", std::string(bytes_of(ours)), 0);
      return true;
    }
    case State::proving:
      if (response.status != 200) return false;
      state_ = State::idle;
      retry_after_ = kRetryFirst;
      return true;
    case State::calling:
      state_ = State::idle;
      return answered(std::move(response));
    case State::closed:
    case State::connecting:
    case State::idle:
      return false;  // nobody asked
  }
  return false;
}

void Caller::closed(const std::string&) {
  drop();
}

void Caller::drop() {
  close();
  if (std::exchange(state_, State::closed) == State::calling) failed();
  retry_at_ = runtime::now() + retry_after_;
  retry_after_ = std::min(retry_after_ * 2, kRetryMax);
  if (port() != 0) wake_at(retry_at_);
}

}  // namespace taskgraph::dataplane
