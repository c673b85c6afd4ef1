#include "host/dataplane/session.hpp"

#include <cstring>
#include <memory>
#include <utility>

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

std::string head(int status, std::size_t body_bytes) {
  return "HTTP/1.1 " + std::to_string(status) + " " + name_of(status) +
         "\r\nContent-Length: " + std::to_string(body_bytes) + "\r\n\r\n";
}

}  // namespace

Session::~Session() {
  destroy<Event>(take_posted());
}

void Session::posted(Node* batch, bool ticked, core::Time now) {
  while (batch != nullptr) {
    const std::unique_ptr<Event> event(static_cast<Event*>(batch));
    batch = batch->next;
    if (event->socket.is_open()) {
      ++connection_;
      state_ = State::fresh;
      reader_.emplace(shared_.limits);
      open(std::move(event->socket), false);
      wake_at(now + kProofTime);
    } else if (event->connection == connection_ && answers_due_ != 0) {
      answer_batch();
    }
  }
  if (ticked && is_open() && state_ != State::proven) drop();
  flush();
}

void Session::filled(std::size_t bytes) {
  reader_->body_filled(bytes);
  received({});
}

void Session::received(std::string_view bytes) {
  do {
    switch (reader_->advance(bytes)) {
      case http::RequestReader::Step::need_more:
        return;
      case http::RequestReader::Step::head:
        if (state_ != State::proven) reader_->limit_body(kHelloBytesMax);
        break;
      case http::RequestReader::Step::request:
        handle(reader_->take_request());
        break;
      case http::RequestReader::Step::rejected:
        return refuse(400);
    }
  } while (is_open());
}

void Session::handle(const http::Request& request) {
  const bool post = request.head.method() == http::Method::post;
  const std::string_view path = request.head.path();
  if (post && path == "/v1/hello" && state_ == State::fresh) return hello(request);
  if (post && path == "/v1/prove" && state_ == State::greeted) return proof(request);
  if (state_ != State::proven) return refuse(401);
  if (post && path == "/v1/frames") return frames(request);
  if (request.head.method() == http::Method::get && path.starts_with(kBlobPath)) return blob(request);
  refuse(404);
}

void Session::hello(const http::Request& request) {
  wire::Decoder in(request.body.view());
  const auto job = in.uuid<core::JobId>("the job");
  handshake_.caller = in.uuid<core::LifeId>("the caller");
  handshake_.listener = in.uuid<core::LifeId>("the listener");
  const std::string_view nonce = in.raw("the nonce", kNonceBytes);
  in.expect_end("the greeting");
  if (!in.ok()) return refuse(400);
  // Another life listens at this port than the one that is meant, or that of another job.
  if (job != shared_.identity.job || handshake_.listener != shared_.identity.life) return refuse(409);
  std::memcpy(handshake_.caller_nonce.data(), nonce.data(), kNonceBytes);
  handshake_.listener_nonce = random_nonce();
  const Proof ours = prove(shared_.identity.secret, Side::listener, handshake_);
  state_ = State::greeted;
  respond(200, std::string(bytes_of(handshake_.listener_nonce)) + std::string(bytes_of(ours)));
}

void Session::proof(const http::Request& request) {
  const Proof expected = prove(shared_.identity.secret, Side::caller, handshake_);
  if (!is_equal(expected, request.body.view())) return refuse(401);
  state_ = State::proven;
  peer_ = &peers_.peer(handshake_.caller);
  respond(200);
}

void Session::frames(const http::Request& request) {
  peer_->answer_begins();
  ++answers_due_;
  if (!shared_.deliveries.deliver_batch(*peer_, request.body.view())) return refuse(400);
  // Behind all strands that the batch has made ready: the response carries what they answer at once.
  auto turn = std::make_unique<Event>();
  turn->connection = connection_;
  post(turn.release());
}

void Session::answer_batch() {
  --answers_due_;
  std::string body;
  bool kick = false;
  const Identity& own = shared_.identity;
  peer_->answer({own.job, own.life, peer_->life}, body, kick);
  send(head(200, body.size()) + body);
  if (kick) peer_->frames->kick();
}

void Session::blob(const http::Request& request) {
  const auto id = blob_id(request.head.path().substr(kBlobPath.size()));
  const auto body = id.has_value() ? shared_.blobs.find(*id, runtime::now()) : std::nullopt;
  if (!body.has_value()) return respond(404);
  send(head(200, body->size()));
  send(*body);  // from where it lies
}

void Session::respond(int status, std::string_view body) {
  send(head(status, body.size()) + std::string(body));
}

void Session::refuse(int status) {
  respond(status);
  flush();
  drop();
}

void Session::closed(const std::string&) {
  drop();
}

void Session::drop() {
  close();
  ++connection_;
  for (; answers_due_ != 0; --answers_due_) {
    std::string lost;  // the core sends it again
    bool kick = false;
    peer_->answer({shared_.identity.job, shared_.identity.life, peer_->life}, lost, kick);
    if (kick) peer_->frames->kick();
  }
  peer_ = nullptr;
  state_ = State::fresh;
  busy_.store(false, std::memory_order_release);
}

}  // namespace taskgraph::dataplane
