#include "host/dataplane/session_protocol.hpp"

#include <charconv>
#include <cstring>
#include <string>
#include <utility>

#include "host/core/mutant.hpp"
#include "host/dataplane/message_head.hpp"
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
    case 416:
      return "Range Not Satisfiable";
    default:
      return "Bad Request";
  }
}

/// Of `bytes=N-`. Any other sort of range may be ignored (RFC 9110, 14.2): all is sent.
std::size_t first_byte(std::string_view range) {
  constexpr std::string_view kUnit = "bytes=";
  if (!range.starts_with(kUnit) || !range.ends_with('-')) return 0;
  range.remove_prefix(kUnit.size());
  range.remove_suffix(1);
  std::size_t first = 0;
  const auto [end, error] = std::from_chars(range.data(), range.data() + range.size(), first);
  return error == std::errc() && end == range.data() + range.size() ? first : 0;
}

}  // namespace

bool SessionProtocol::filled(std::size_t bytes, core::Time now) {
  reader_.body_filled(bytes);
  return received({}, now);
}

bool SessionProtocol::received(std::string_view bytes, core::Time now) {
  for (std::string_view batch;;) {
    if (is_usual_batch(bytes, batch)) {
      if (!frames(batch)) return false;
      continue;
    }
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

/// A batch whose request differs from one before in nothing but its length and body, and all of it: taken where it
/// lies.
bool SessionProtocol::is_usual_batch(std::string_view& bytes, std::string_view& batch) const {
  constexpr std::string_view kEnd = "\r\n\r\n";
  if (usual_head_.empty() || reader_.in_head() || reader_.in_body() || !bytes.starts_with(usual_head_)) return false;
  const std::string_view rest = bytes.substr(usual_head_.size());
  std::size_t length = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), length);
  const std::string_view behind = rest.substr(static_cast<std::size_t>(end - rest.data()));
  if (error != std::errc() || rest.front() == '0' || length > shared_.limits.body_bytes_max) return false;
  if (!behind.starts_with(kEnd) || behind.size() - kEnd.size() < length) return false;
  batch = behind.substr(kEnd.size(), length);
  bytes = behind.substr(kEnd.size() + length);
  return true;
}

bool SessionProtocol::handle(const http::Request& request, core::Time now) {
  const bool is_post = request.head.method() == http::Method::post;
  const std::string_view path = request.head.path();
  if (is_post && path == "/v1/hello" && state_ == State::fresh) return hello(request);
  if (is_post && path == "/v1/prove" && state_ == State::greeted) return proof(request);
  if (state_ != State::proven) return refuse(401);
  if (fetched_.has_value()) shared_.blobs.forget(*std::exchange(fetched_, std::nullopt));
  if (is_post && path == "/v1/frames") {
    usual_head_ = "POST /v1/frames HTTP/1.1\r\nHost: " + std::string(request.head.host()) + "\r\nContent-Length: ";
    return frames(request.body.view());
  }
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

bool SessionProtocol::frames(std::string_view batch) {
  peer_->answer_begins();
  ++answers_due_;
  ++batches_;
  return shared_.deliveries.deliver_batch(*peer_, batch) || refuse(400);
}

std::uint32_t SessionProtocol::take_batches() {
  return std::exchange(batches_, 0);
}

void SessionProtocol::answer_batch() {
  if (answers_due_ == 0) return;
  --answers_due_;
  std::string message = begun_message(out_.spare());
  const Identity& own = shared_.identity;
  peer_->answer({own.job, own.life, peer_->life}, message);
  MessageHead head;
  head << "HTTP/1.1 200 OK\r\nContent-Length: " << message.size() - kHeadRoomBytes << "\r\n\r\n";
  const std::size_t begin = head.put(message);
  out_.send(std::move(message), begin);
}

void SessionProtocol::blob(const http::Request& request, core::Time now) {
  const auto id = blob_id(request.head.path().substr(kBlobPath.size()));
  auto body = id.has_value() ? shared_.blobs.fetch(*id, now) : std::nullopt;
  if (!body.has_value()) return respond(404);
  const std::size_t size = body->size();
  const std::size_t from = first_byte(request.head.field("range"));
  if (from >= size) return respond(416);
  MessageHead head;
  if (from == 0) {
    head << "HTTP/1.1 200 OK\r\n";
  } else {
    head << "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes " << from << "-" << size - 1 << "/" << size << "\r\n";
  }
  head << "Content-Length: " << size - from << "\r\n\r\n";
  std::string message = begun_message(out_.spare());
  const std::size_t begin = head.put(message);
  out_.send(std::move(message), begin);
  out_.send(*std::move(body), from);  // from where it lies
  fetched_ = id;
}

void SessionProtocol::respond(int status, std::string_view body) {
  MessageHead head;
  head << "HTTP/1.1 " << static_cast<unsigned>(status) << " " << name_of(status)
       << "\r\nContent-Length: " << body.size() << "\r\n\r\n";
  std::string message = begun_message(out_.spare()).append(body);
  const std::size_t begin = head.put(message);
  out_.send(std::move(message), begin);
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
