#include "host/dataplane/session_protocol.hpp"

#include <cstring>
#include <string>
#include <utility>

#include "host/core/mutant.hpp"
#include "host/wire/decoder.hpp"
#include "host/wire/encoder.hpp"

namespace taskgraph::dataplane {
namespace {

constexpr std::string_view kBlobPath = "/v1/blobs/";
constexpr std::size_t kHelloBytesMax = 3 * wire::kUuidBytes + kNonceBytes;

const char* name_of(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 401:
      return "Unauthorized";
    case 404:
      return "Not Found";
    case 409:
      return "Conflict";
    default:
      return "Bad Request";
  }
}

/// The head of a response to a body of `body_bytes`, and room for `room_bytes` of it.
std::string head(int status, std::size_t body_bytes, std::size_t room_bytes = 0) {
  constexpr std::size_t kHeadBytes = 80;
  std::string text;
  text.reserve(kHeadBytes + room_bytes);
  text.append("HTTP/1.1 ").append(std::to_string(status)).append(" ").append(name_of(status));
  text.append("\r\nContent-Length: ").append(std::to_string(body_bytes)).append("\r\n\r\n");
  return text;
}

}  // namespace

bool SessionProtocol::filled(std::size_t bytes, core::Time now) {
  reader_.body_filled(bytes);
  return received({}, now);
}

bool SessionProtocol::received(std::string_view bytes, core::Time now) {
  for (;;) {
    switch (reader_.advance(bytes)) {
      case http::RequestReader::Step::need_more:
        return true;
      case http::RequestReader::Step::head:
        if (state_ != State::proven) reader_.limit_body(kHelloBytesMax);
        break;
      case http::RequestReader::Step::request:
        if (!handle(reader_.take_request(), now)) return false;
        break;
      case http::RequestReader::Step::rejected:
        return refuse(400);
    }
  }
}

bool SessionProtocol::handle(const http::Request& request, core::Time now) {
  const bool is_post = request.head.method() == http::Method::post;
  const std::string_view path = request.head.path();
  if (is_post && path == "/v1/hello" && state_ == State::fresh) return hello(request);
  if (is_post && path == "/v1/prove" && state_ == State::greeted) return proof(request);
  if (state_ != State::proven) return refuse(401);
  if (is_post && path == "/v1/frames") return frames(request);
  if (request.head.method() != http::Method::get || !path.starts_with(kBlobPath)) return refuse(404);
  blob(request, now);
  return true;
}

bool SessionProtocol::hello(const http::Request& request) {
  wire::Decoder in(request.body.view());
  const auto job = in.uuid<core::JobId>("the job");
  handshake_.caller = in.uuid<core::LifeId>("the caller");
  handshake_.listener = in.uuid<core::LifeId>("the listener");
  const std::string_view nonce = in.raw("the nonce", kNonceBytes);
  in.expect_end("the greeting");
  if (!in.ok()) return refuse(400);
  // Another life listens at this port than the one that is meant, or that of another job.
  const bool is_meant =
      handshake_.listener == shared_.identity.life || core::mutated(core::Mutant::skip_identity_check);
  if (job != shared_.identity.job || !is_meant) return refuse(409);
  std::memcpy(handshake_.caller_nonce.data(), nonce.data(), kNonceBytes);
  handshake_.listener_nonce = shared_.identity.random_nonce();
  const Proof ours = shared_.identity.prove(Side::listener, handshake_);
  state_ = State::greeted;
  respond(200, std::string(bytes_of(handshake_.listener_nonce)) + std::string(bytes_of(ours)));
  return true;
}

bool SessionProtocol::proof(const http::Request& request) {
  const Proof expected = shared_.identity.prove(Side::caller, handshake_);
  const bool is_proof = is_equal(expected, request.body.view()) || core::mutated(core::Mutant::skip_proof);
  if (!is_proof) return refuse(401);
  state_ = State::proven;
  peer_ = &shared_.peers.peer(handshake_.caller);
  respond(200);
  return true;
}

bool SessionProtocol::frames(const http::Request& request) {
  peer_->answer_begins();
  ++answers_due_;
  ++batches_;
  return shared_.deliveries.deliver_batch(*peer_, request.body.view()) || refuse(400);
}

std::uint32_t SessionProtocol::take_batches() {
  return std::exchange(batches_, 0);
}

void SessionProtocol::answer_batch() {
  if (answers_due_ == 0) return;
  --answers_due_;
  std::string body;
  const Identity& own = shared_.identity;
  peer_->answer({own.job, own.life, peer_->life}, body);
  respond(200, body);
}

void SessionProtocol::blob(const http::Request& request, core::Time now) {
  const auto id = blob_id(request.head.path().substr(kBlobPath.size()));
  const auto body = id.has_value() ? shared_.blobs.fetch(*id, now) : std::nullopt;
  if (!body.has_value()) return respond(404);
  out_.send(head(200, body->size()));
  out_.send(*body);  // from where it lies
}

void SessionProtocol::respond(int status, std::string_view body) {
  out_.send(head(status, body.size(), body.size()).append(body));
}

bool SessionProtocol::refuse(int status) {
  respond(status);
  return false;
}

void SessionProtocol::dropped() {
  for (; answers_due_ != 0; --answers_due_) {
    std::string lost;  // the core sends it again
    const Identity& own = shared_.identity;
    peer_->answer({own.job, own.life, peer_->life}, lost);
  }
}

}  // namespace taskgraph::dataplane
