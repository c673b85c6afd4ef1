#include "host/dataplane/plane.hpp"

#include <algorithm>
#include <mutex>
#include <string>
#include <vector>

#include "tests/support/captured_log.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/plane_life.hpp"

namespace taskgraph::dataplane {
namespace {

using namespace core;
using namespace tests;

TEST_CASE("frames, questions and acknowledgements go both ways", "[dataplane]") {
  const Secret secret = random_secret();
  Life a(kA, secret);
  Life b(kB, secret, 2);
  introduce(a, b);
  a.plane.send(kB, flag("hello"));
  b.plane.send(kA, flag("to you"));
  CHECK(b.wait_for("flag hello"));
  CHECK(a.wait_for("flag to you"));
  a.plane.send(kB, SealAsk{{7}, Term{2}, ViewVersion{3}, kA});
  CHECK(b.wait_for("ask 7"));
  SealAck ack{{7}, Term{2}, kB, {}};
  // More than one message has room for.
  for (std::uint32_t i = 0; i < 200; ++i) {
    ack.flags.push_back({{7}, Epoch{1}, Flag{{Term{1}, i}, {0}, Bytes(std::string(4'000, 'x'))}});
  }
  b.plane.send(kA, std::move(ack));
  CHECK(a.wait_for("ack with 200"));
}

TEST_CASE("what was sent before the address is known waits for it", "[dataplane]") {
  const Secret secret = random_secret();
  Life a(kA, secret);
  Life b(kB, secret);
  a.plane.send(kB, flag("early"));
  introduce(a, b);
  CHECK(b.wait_for("flag early"));
}

TEST_CASE("many frames arrive, each once while the connection stands", "[dataplane]") {
  const Secret secret = random_secret();
  Life a(kA, secret, 2);
  Life b(kB, secret, 2);
  introduce(a, b);
  // Each request is answered from within its delivery, and each answer asks again.
  b.on_frame = [&](const Frame& frame) {
    if (const auto* request = std::get_if<PullRequest>(&frame.body)) {
      b.plane.send(kA, framed(PullAnswer{request->pull, Outcome::value, 0, request->body}));
    }
  };
  a.on_frame = [&](const Frame& frame) {
    const auto* answer = std::get_if<PullAnswer>(&frame.body);
    if (answer != nullptr && answer->pull + 16 < 2'000) {
      a.plane.send(kB, framed(PullRequest{answer->pull + 16, "m", Bytes("x")}));
    }
  };
  for (std::uint64_t pull = 0; pull < 16; ++pull) a.plane.send(kB, framed(PullRequest{pull, "m", Bytes("x")}));
  for (std::uint64_t pull = 1'984; pull < 2'000; ++pull) CHECK(a.wait_for("answer " + std::to_string(pull)));
  const std::lock_guard lock(a.mutex);
  CHECK(std::count_if(a.notes.begin(), a.notes.end(), [](const auto& note) { return note.starts_with("answer"); }) ==
        2'000);
}

TEST_CASE("bodies beyond 64 KiB are fetched, byte by byte the same, and others pass them meanwhile", "[dataplane]") {
  const Secret secret = random_secret();
  Life a(kA, secret);
  Life b(kB, secret);
  introduce(a, b);
  std::string large(20U * 1024 * 1024, '\0');
  for (std::size_t i = 0; i < large.size(); ++i) large[i] = static_cast<char>(i * 2654435761U >> 13U);
  const Bytes body(large);
  a.plane.send(kB, framed(PullRequest{1, "put", body}, 1));
  a.plane.send(kB, framed(PullRequest{1, "put", body}, 1));  // the core sends again what is not acknowledged
  a.plane.send(kB, flag("small"));
  CHECK(b.wait_for("flag small"));
  REQUIRE(b.wait_for("request 1 of " + std::to_string(large.size())));
  const std::lock_guard lock(b.mutex);
  const bool same = b.bodies.front().view() == large;
  CHECK(same);
}

TEST_CASE("a body beyond limits.message_bytes is not fetched", "[dataplane]") {
  const Secret secret = random_secret();
  Life a(kA, secret);
  Life b(kB, secret);
  introduce(a, b);
  a.plane.send(kB, framed(PullRequest{1, "put", Bytes(std::string(kMessageBytesMax + 1, 'x'))}, 1));
  a.plane.send(kB, framed(PullRequest{2, "put", Bytes(std::string(100'000, 'x'))}, 2));
  CHECK(b.wait_for("request 2 of 100000"));
  CHECK_FALSE(b.has("request 1 of " + std::to_string(kMessageBytesMax + 1)));
}

TEST_CASE("who does not know the secret is not heard, and hears nothing", "[dataplane]") {
  const Secret secret = random_secret();
  Life a(kA, secret);
  Life b(kB, secret);
  constexpr LifeId kThief{66, 6};
  Life thief(kThief, random_secret());
  const wire::Addresses all{{{kA, a.plane.port()}, {kB, b.plane.port()}, {kThief, thief.plane.port()}}};
  for (Life* life : {&a, &b, &thief}) life->plane.know(all);
  a.plane.send(kThief, flag("to the thief"));
  thief.plane.send(kA, flag("from the thief"));
  for (int round = 0; round < 50; ++round) {
    a.plane.send(kB, flag(std::to_string(round)));
    CHECK(b.wait_for("flag " + std::to_string(round)));
  }
  CHECK_FALSE(a.has("flag from the thief"));
  CHECK_FALSE(thief.has("flag to the thief"));
}

TEST_CASE("another life at a port that is known is no peer", "[dataplane]") {
  const Secret secret = random_secret();
  Life a(kA, secret);
  constexpr LifeId kSuccessor{10, 3};
  Life successor(kSuccessor, secret);
  introduce(a, successor, kB);  // a believes that B is there still
  a.plane.send(kB, flag("for B"));
  introduce(a, successor, kSuccessor);
  a.plane.send(kSuccessor, flag("for the successor"));
  CHECK(successor.wait_for("flag for the successor"));
  CHECK_FALSE(successor.has("flag for B"));
}

TEST_CASE("an acknowledgement of a seal that no message has room for is not sent in part, and said once",
          "[dataplane]") {
  Captured captured({});
  const Secret secret = random_secret();
  {
    Life a(kA, secret);
    Life b(kB, secret);
    introduce(a, b);
    const Bytes meta(std::string(64U * 1024, 'x'));
    SealAck ack{{7}, Term{2}, kB, {}};
    for (std::uint32_t i = 0; i < wire::kSealPartsMax + 1; ++i) {
      ack.flags.push_back({{7}, Epoch{1}, Flag{{Term{1}, i}, {0}, meta}});
    }
    b.plane.send(kA, SealAck(ack));
    b.plane.send(kA, std::move(ack));
    b.plane.send(kA, SealAck{{7}, Term{2}, kB, {}});
    CHECK(a.wait_for("ack with 0"));
    const std::lock_guard lock(a.mutex);
    CHECK(a.notes == std::vector<std::string>{"ack with 0"});
  }
  const std::string text = captured.text();
  CHECK(text.find("more than an acknowledgement of its new primary has room for") != std::string::npos);
  CHECK(text.find('\n') == text.size() - 1);
}

TEST_CASE("a body that is announced before the address of its sender is known is fetched then", "[dataplane]") {
  const Secret secret = random_secret();
  Life a(kA, secret);
  Life b(kB, secret);
  a.plane.know({{{kA, a.plane.port()}, {kB, b.plane.port()}}});
  a.plane.send(kB, framed(PullRequest{1, "put", Bytes(std::string(100'000, 'x'))}, 1));
  a.plane.send(kB, flag("behind it"));
  CHECK(b.wait_for("flag behind it"));
  introduce(a, b);
  CHECK(b.wait_for("request 1 of 100000"));
}

TEST_CASE("a peer that dies and comes back as another life is reached again", "[dataplane]") {
  const Secret secret = random_secret();
  Life a(kA, secret);
  for (std::uint64_t i = 0; i < 5; ++i) {
    const LifeId id{20, i};
    Life b(id, secret);
    introduce(a, b, id);
    a.plane.send(id, flag("hello"));
    CHECK(b.wait_for("flag hello"));
    b.plane.send(kA, flag(std::to_string(i)));
    CHECK(a.wait_for("flag " + std::to_string(i)));
  }
}

}  // namespace
}  // namespace taskgraph::dataplane
