#include "host/dataplane/caller_protocol.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "host/core/mutant.hpp"
#include "host/dataplane/message_head.hpp"
#include "host/wire/encoder.hpp"

namespace taskgraph::dataplane {

core::Time CallerProtocol::deadline() const {
  const bool waits = state_ != State::closed && state_ != State::idle;
  if (core::mutated(core::Mutant::wait_for_ever)) return core::Time::never();
  return waits ? heard_at_ + kSilenceMax : core::Time::never();
}

void CallerProtocol::connecting(std::uint16_t port, core::Time now) {
  state_ = State::connecting;
  port_ = port;
  heard_at_ = now;
  reader_.reset();
}

void CallerProtocol::connected(core::Time now) {
  state_ = State::greeting;
  handshake_ = Handshake{identity_.life, to_, identity_.random_nonce(), {}};
  Call call{"POST /v1/hello", {}, begun_message(out_.spare()), kNonceBytes + kProofBytes, {}};
  wire::Encoder out(call.message);
  out.uuid(identity_.job);
  out.uuid(handshake_.caller);
  out.uuid(handshake_.listener);
  out.raw(bytes_of(handshake_.caller_nonce));
  out.flush();
  request(std::move(call), now);
}

void CallerProtocol::request(Call&& call, core::Time now) {
  heard_at_ = now;
  if (call.room.empty()) {
    reader_.expect(call.response_bytes_max);
  } else {
    reader_.expect_into(call.room);
  }
  MessageHead head;
  head << call.target << " HTTP/1.1\r\nHost: 127.0.0.1:" << port_ << "\r\n"
       << call.fields << "Content-Length: " << call.message.size() - kHeadRoomBytes << "\r\n\r\n";
  const std::size_t begin = head.put(call.message);
  out_.send(std::move(call.message), begin);
}

bool CallerProtocol::filled(std::size_t bytes, core::Time now) {
  reader_.filled(bytes);
  return received({}, now);
}

bool CallerProtocol::received(std::string_view bytes, core::Time now) {
  heard_at_ = now;
  do {
    switch (reader_.advance(bytes)) {
      case ResponseReader::Step::need_more:
        return true;
      case ResponseReader::Step::malformed:
        return false;
      case ResponseReader::Step::response:
        if (!responded(reader_.take(), now)) return false;
        go_on(now);
    }
  } while (!bytes.empty());
  return true;
}

bool CallerProtocol::responded(const Response& response, core::Time now) {
  switch (state_) {
    case State::greeting: {
      const std::string_view said = response.body;
      if (response.status != 200 || said.size() != kNonceBytes + kProofBytes) return false;
      std::memcpy(handshake_.listener_nonce.data(), said.data(), kNonceBytes);
      const Proof expected = identity_.prove(Side::listener, handshake_);
      if (!is_equal(expected, said.substr(kNonceBytes))) return false;
      state_ = State::proving;
      const Proof ours = identity_.prove(Side::caller, handshake_);
      request({"POST /v1/prove", {}, begun_message(out_.spare()).append(bytes_of(ours)), 0, {}}, now);
      return true;
    }
    case State::proving:
      if (response.status != 200) return false;
      state_ = State::idle;
      retry_after_ = kRetryFirst;
      return true;
    case State::calling:
      state_ = State::idle;
      return calls_.answered(response);
    case State::closed:
    case State::connecting:
    case State::idle:
      return false;  // nobody asked
  }
  return false;
}

void CallerProtocol::go_on(core::Time now) {
  if (state_ != State::idle) return;
  Call call;
  call.message = begun_message(out_.spare());
  if (!calls_.next_call(call)) return out_.keep_spare(std::move(call.message));
  state_ = State::calling;
  request(std::move(call), now);
}

void CallerProtocol::dropped(core::Time now) {
  const State was = std::exchange(state_, State::closed);
  if (was == State::closed) return;
  if (was == State::calling && core::mutated(core::Mutant::take_partial_body) && reader_.in_body()) {
    calls_.answered(reader_.take());
  } else if (was == State::calling) {
    calls_.failed(reader_);
  }
  retry_at_ = now + retry_after_;
  retry_after_ = std::min(retry_after_ * 2, kRetryMax);
}

}  // namespace taskgraph::dataplane
