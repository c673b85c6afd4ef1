/// Both ends of a connection without sockets: bytes go from one to the other as the test wants.
#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "host/dataplane/blobs.hpp"
#include "host/dataplane/caller_protocol.hpp"
#include "host/dataplane/exchange.hpp"
#include "host/dataplane/message_head.hpp"
#include "host/dataplane/session_protocol.hpp"
#include "tests/support/catch.hpp"

namespace taskgraph::dataplane {
namespace {

using namespace core;

constexpr JobId kJob{1, 1};
constexpr LifeId kA{10, 1};
constexpr LifeId kB{10, 2};
constexpr std::uint16_t kPort = 4'711;

Identity identity(LifeId life, const Secret& secret) {
  return {kJob, life, [&secret](Side side, const Handshake& said) { return prove(secret, side, said); },
          [] { return Nonce{7}; }};
}

struct Said final : Output {
  void send(std::string bytes, std::size_t begin) override { text.append(bytes, begin); }
  void send(Bytes bytes, std::size_t begin) override { text += bytes.view().substr(begin); }
  std::string take() { return std::exchange(text, {}); }
  std::string text;
};

/// Calls that a test makes up.
struct TestCalls final : Calls {
  bool next_call(Call& call) override {
    if (waiting.empty()) return false;
    call = std::move(waiting.front());
    waiting.pop_front();
    return true;
  }
  bool answered(const Response& response) override {
    answers.push_back({response.status, {}});
    return true;
  }
  void failed(const ResponseReader&) override { ++failures; }

  std::deque<Call> waiting;
  std::vector<Response> answers;
  int failures = 0;
};

struct QuietPeer final : Peer {
  using Peer::Peer;
  void kick_frames() override { ++kicks; }
  void kick_blobs() override { ++kicks; }
  int kicks = 0;
};

/// A life without connections: what it receives is counted.
struct Life final : Receiver, PeerMaker {
  explicit Life(LifeId id, const Secret& secret) : own(identity(id, secret)), exchange(own, limits, *this, *this) {}
  void receive(Frame&& frame) override { frames.push_back(std::move(frame)); }
  void receive(const SealAsk&) override {}
  void receive(SealAck&&) override {}
  std::unique_ptr<Peer> make_peer(LifeId of, Deliveries& deliveries) override {
    return std::make_unique<QuietPeer>(own, of, limits, deliveries);
  }

  const Identity own;
  PlaneLimits limits{1'000'000};
  std::vector<Frame> frames;
  Exchange exchange;
};

Frame flag(const std::string& meta) {
  Frame frame{{}, Flag{{Term{1}, 0}, {0}, Bytes(meta)}};
  frame.stamp.job = kJob;
  frame.stamp.sequence = 1;
  return frame;
}

struct World {
  World(LifeId meant, const Secret& callers_secret)
      : a(kA, callers_secret),
        b(kB, secret),
        caller(a.own, meant, calls, from_caller),
        session(b.exchange.shared(), from_session) {}

  /// Back and forth until nobody says anything; false: one of them has had enough.
  bool talk() {
    while (!from_caller.text.empty() || !from_session.text.empty()) {
      if (!session.received(from_caller.take(), now)) return false;
      for (std::uint32_t batches = session.take_batches(); batches != 0; --batches) session.answer_batch();
      if (!caller.received(from_session.take(), now)) return false;
    }
    return true;
  }
  bool connect() {
    caller.connecting(kPort, now);
    caller.connected(now);
    return talk();
  }

  static inline const Secret secret{1, 2, 3};
  Time now{1'000'000'000};
  Life a;
  Life b;
  TestCalls calls;
  Said from_caller;
  Said from_session;
  CallerProtocol caller;
  SessionProtocol session;
};

TEST_CASE("both ends prove themselves, then calls are answered one after another", "[dataplane]") {
  World world(kB, World::secret);
  world.calls.waiting.push_back({"GET /v1/blobs/none", {}, begun_message({}), 10, {}});
  world.calls.waiting.push_back({"GET /v1/blobs/none", {}, begun_message({}), 10, {}});
  REQUIRE(world.connect());
  CHECK(world.session.is_proven());
  REQUIRE(world.calls.answers.size() == 2);
  CHECK(world.calls.answers[0].status == 404);
  CHECK(world.caller.deadline() == Time::never());  // nothing is asked
}

TEST_CASE("a listener that is another life than the one that was meant is refused before anything is told",
          "[dataplane]") {
  World world(LifeId{10, 3}, World::secret);
  world.calls.waiting.push_back({"POST /v1/frames", {}, begun_message({}) + "frames", 10, {}});
  CHECK_FALSE(world.connect());
  CHECK(world.calls.waiting.size() == 1);
  CHECK_FALSE(world.session.is_proven());
}

TEST_CASE("an end without the secret is refused", "[dataplane]") {
  const Secret another{9};
  World world(kB, another);
  CHECK_FALSE(world.connect());
  CHECK_FALSE(world.session.is_proven());
}

TEST_CASE("nothing is heard of one who has not proven itself", "[dataplane]") {
  World world(kB, World::secret);
  CHECK_FALSE(world.session.received("POST /v1/frames HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", world.now));
  CHECK(world.from_session.text.starts_with("HTTP/1.1 401 "));
}

TEST_CASE("a batch that is cut off delivers nothing, a whole one all", "[dataplane]") {
  const std::size_t missing = GENERATE(std::size_t{0}, 1, 20, 200);
  World world(kB, World::secret);
  REQUIRE(world.connect());
  for (int i = 0; i < 20; ++i) world.a.exchange.send(kB, flag("a flag of some length"), world.now);
  Call call;
  call.message = begun_message({});
  REQUIRE(world.a.exchange.peer(kB).frame_calls.next_call(call));
  world.calls.waiting.push_back(std::move(call));
  world.caller.go_on(world.now);
  const std::string request = world.from_caller.take();
  REQUIRE(world.session.received(request.substr(0, request.size() - missing), world.now));
  world.session.dropped();
  CHECK(world.b.frames.size() == (missing == 0 ? 20 : 0));
}

TEST_CASE("a peer that is silent in a call is given up after kSilenceMax, and the next connection waits",
          "[dataplane]") {
  World world(kB, World::secret);
  REQUIRE(world.connect());
  world.calls.waiting.push_back({"GET /v1/blobs/none", {}, begun_message({}), 10, {}});
  world.caller.go_on(world.now);
  CHECK(world.caller.deadline() == world.now + CallerProtocol::kSilenceMax);
  world.now = world.now + seconds(1);
  REQUIRE(world.caller.received("HTTP/1.1 ", world.now));  // slow, but not silent
  CHECK(world.caller.deadline() == world.now + CallerProtocol::kSilenceMax);
  world.caller.dropped(world.now);
  CHECK(world.caller.is_closed());
  CHECK(world.calls.failures == 1);
  CHECK(world.caller.retry_at() == world.now + CallerProtocol::kRetryFirst);
  world.caller.connecting(kPort, world.now);
  world.caller.dropped(world.now);
  CHECK(world.caller.retry_at() == world.now + CallerProtocol::kRetryFirst * 2);
  CHECK(world.calls.failures == 1);  // nothing was under way
}

TEST_CASE("an answer that nobody asked for ends the connection", "[dataplane]") {
  World world(kB, World::secret);
  REQUIRE(world.connect());
  CHECK_FALSE(world.caller.received("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", world.now));
}

TEST_CASE("nothing waits for a life that is listed no more", "[dataplane]") {
  World world(kB, World::secret);
  Exchange& exchange = world.a.exchange;
  exchange.send(kB, flag("before its address"), world.now);
  exchange.know({{{kB, kPort}}});
  CHECK(exchange.peer(kB).queued_bytes() > 0);
  exchange.know({});
  CHECK(exchange.peer(kB).queued_bytes() == 0);
  CHECK(exchange.peer(kB).port == 0);
  exchange.send(kB, flag("after its end"), world.now);
  CHECK(exchange.peer(kB).queued_bytes() == 0);
}

BlobKey key(std::uint64_t sequence, LifeId to = kB) {
  return {to, {}, {}, {}, {}, sequence};
}

TEST_CASE("bodies that were not fetched are not pushed out by others", "[dataplane]") {
  Identity own = identity(kA, World::secret);
  std::uint64_t next = 0;
  own.random_nonce = [&] { return Nonce{static_cast<unsigned char>(++next)}; };
  PlaneLimits limits;
  limits.blobs_bytes_max = 10;
  Blobs blobs(own, limits);
  const Time now{1};
  const auto first = blobs.keep(key(1), Bytes("12345"), now);
  REQUIRE(first.has_value());
  CHECK(blobs.keep(key(1), Bytes("12345"), now)->id == first->id);  // sent again
  REQUIRE(blobs.keep(key(2, kA), Bytes("12345"), now).has_value());
  CHECK_FALSE(blobs.keep(key(3), Bytes("1"), now).has_value());
  REQUIRE(blobs.fetch(first->id, now).has_value());
  CHECK(blobs.keep(key(3), Bytes("1"), now).has_value());
  CHECK_FALSE(blobs.fetch(first->id, now).has_value());
  blobs.drop(kB);
  CHECK(blobs.keep(key(4), Bytes("12345"), now).has_value());
  CHECK(blobs.keep(key(5), Bytes("larger than all"), now + limits.blob_kept).has_value());  // alone
}

}  // namespace
}  // namespace taskgraph::dataplane
