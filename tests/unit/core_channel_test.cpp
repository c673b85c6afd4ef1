#include "host/core/channel.hpp"

#include <string>
#include <vector>

#include "tests/support/catch.hpp"

namespace taskgraph::core {
namespace {

constexpr Epoch kNow{0};

Flag flag(std::string_view meta) {
  return {FlagName{Term{1}, 0}, LinkIndex{0}, Bytes(meta)};
}

/// Two ends of a channel; what one sends waits in `wire` until it is delivered.
struct Pair {
  Limits limits;
  Channel sender{limits};
  Channel receiver{limits};
  std::vector<Frame> wire;

  void push(std::string_view meta, Epoch epoch = kNow) { sender.push(flag(meta), epoch); }
  void transmit(Time now = {}) { sender.transmit(Stamp{}, now, wire); }
  void retransmit(Time now) { sender.retransmit(Stamp{}, now, wire); }
  /// What the receiver's task sees, in order.
  std::string consume(Epoch current = kNow) {
    std::string seen;
    while (auto frame = receiver.next(current)) seen += std::get<Flag>(frame->body).meta.view();
    return seen;
  }
};

Frame numbered(std::uint64_t sequence, std::string_view meta = "x") {
  Frame frame{Stamp{}, flag(meta)};
  frame.stamp.sequence = sequence;
  return frame;
}

TEST_CASE("frames are numbered from one and consumed in order, whatever way they came", "[core][channel]") {
  Pair pair;
  for (const char* meta : {"a", "b", "c"}) pair.push(meta);
  CHECK(pair.sender.has_unsent());
  pair.transmit();
  CHECK_FALSE(pair.sender.has_unsent());
  REQUIRE(pair.wire.size() == 3);
  CHECK(pair.wire[0].stamp.sequence == 1);

  CHECK(pair.receiver.receive(Frame(pair.wire[2])) == Channel::Received::held);
  CHECK(pair.receiver.receive(Frame(pair.wire[1])) == Channel::Received::held);
  CHECK(pair.receiver.held() == 2);
  CHECK(pair.consume().empty());
  CHECK(pair.receiver.receive(Frame(pair.wire[0])) == Channel::Received::in_order);
  CHECK(pair.consume() == "abc");
  CHECK(pair.receiver.held() == 0);
  CHECK(pair.receiver.consumed() == 3);
}

TEST_CASE("a frame that comes twice is consumed once, and its acknowledgement is due again", "[core][channel]") {
  Pair pair;
  CHECK(pair.receiver.receive(numbered(3)) == Channel::Received::held);
  CHECK(pair.receiver.receive(numbered(3)) == Channel::Received::duplicate);
  CHECK(pair.receiver.receive(numbered(1)) == Channel::Received::in_order);
  CHECK(pair.receiver.receive(numbered(1)) == Channel::Received::duplicate);  // not consumed yet
  CHECK(pair.consume() == "x");
  CHECK(pair.receiver.acknowledgements_due() == 1);
  pair.receiver.acknowledgement_sent();
  CHECK(pair.receiver.acknowledgements_due() == 0);

  CHECK(pair.receiver.receive(numbered(1)) == Channel::Received::duplicate);
  CHECK(pair.receiver.acknowledgements_due() == 1);
  CHECK(pair.consume().empty());
}

TEST_CASE("what is not acknowledged is sent again, each time after twice the wait, up to two seconds",
          "[core][channel]") {
  Pair pair;
  pair.push("a");
  CHECK(pair.sender.resend_at() == Time::never());
  pair.transmit();
  Time at{};
  for (const std::int64_t wait_ms : {100, 200, 400, 800, 1600, 2000, 2000}) {
    CHECK(pair.sender.resend_at() == at + milliseconds(wait_ms));
    pair.wire.clear();
    pair.retransmit(at + milliseconds(wait_ms - 1));
    CHECK(pair.wire.empty());
    at = at + milliseconds(wait_ms);
    pair.retransmit(at);
    REQUIRE(pair.wire.size() == 1);
    CHECK(pair.wire[0].stamp.sequence == 1);
  }

  pair.push("b");
  pair.transmit(at);
  pair.sender.acknowledged(1, at);
  CHECK(pair.sender.resend_at() == at + Channel::kResendFirst);  // the peer lives: short waits again
  pair.sender.acknowledged(2, at);
  CHECK(pair.sender.resend_at() == Time::never());
}

TEST_CASE("one round sends at most 64 frames again, the oldest", "[core][channel]") {
  Pair pair;
  for (int i = 0; i < 100; ++i) pair.push("x");
  pair.transmit();
  pair.wire.clear();
  pair.retransmit(Time{} + Channel::kResendFirst);
  REQUIRE(pair.wire.size() == Channel::kResendFramesMax);
  CHECK(pair.wire.front().stamp.sequence == 1);
  CHECK(pair.wire.back().stamp.sequence == 64);
}

TEST_CASE("an acknowledgement of what was never sent, or again, changes nothing", "[core][channel]") {
  Pair pair;
  pair.push("a");
  pair.sender.acknowledged(1, {});  // pushed, but not sent
  pair.transmit();
  pair.sender.acknowledged(2, {});
  pair.sender.acknowledged(UINT64_MAX, {});
  pair.wire.clear();
  pair.retransmit(Time{} + Channel::kResendFirst);
  CHECK(pair.wire.size() == 1);
  pair.sender.acknowledged(1, {});
  pair.sender.acknowledged(1, {});
  pair.push("b");
  pair.wire.clear();
  pair.transmit();
  REQUIRE(pair.wire.size() == 1);
  CHECK(pair.wire[0].stamp.sequence == 2);
}

TEST_CASE("a frame of a later epoch waits, with all behind it, and is not acknowledged before", "[core][channel]") {
  Pair pair;
  pair.push("a", Epoch{0});
  pair.push("b", Epoch{1});
  pair.push("c", Epoch{0});
  pair.transmit();
  for (Frame& frame : pair.wire) pair.receiver.receive(std::move(frame));
  CHECK(pair.consume(Epoch{0}) == "a");
  CHECK(pair.receiver.consumed() == 1);
  CHECK(pair.consume(Epoch{1}) == "bc");
}

TEST_CASE("limits.channel_frames and channel_bytes leave no room for more requests", "[core][channel]") {
  Pair pair;
  pair.limits.channel_frames = 3;
  pair.limits.channel_bytes = 10;
  pair.push("12345678");
  CHECK(pair.sender.has_room(2));
  CHECK_FALSE(pair.sender.has_room(3));
  pair.push("");
  CHECK(pair.sender.has_room(0));
  pair.push("");
  CHECK_FALSE(pair.sender.has_room(0));

  pair.transmit();
  pair.sender.acknowledged(1, {});  // gives both back
  CHECK(pair.sender.has_room(10));
  CHECK_FALSE(pair.sender.has_room(11));
}

TEST_CASE("frames ahead of a gap are held up to the limits; what is over them comes again", "[core][channel]") {
  Pair pair;
  SECTION("in frames: channel_frames, and the flags of an epoch") {
    pair.limits.channel_frames = 2;
    pair.limits.flags_per_epoch = 1;
    for (std::uint64_t i = 2; i <= 4; ++i) CHECK(pair.receiver.receive(numbered(i)) == Channel::Received::held);
    CHECK(pair.receiver.receive(numbered(5)) == Channel::Received::over_limit);
  }
  SECTION("in bytes: channel_bytes") {
    pair.limits.channel_bytes = 10;
    CHECK(pair.receiver.receive(numbered(2, "1234567890")) == Channel::Received::held);
    CHECK(pair.receiver.receive(numbered(3, "1")) == Channel::Received::over_limit);
  }
  CHECK(pair.receiver.receive(numbered(1)) == Channel::Received::in_order);  // the gap itself always gets in
  pair.consume();
  CHECK(pair.receiver.held() == 0);
  const std::uint64_t next = pair.receiver.consumed() + 2;
  CHECK(pair.receiver.receive(numbered(next, "1234567890")) == Channel::Received::held);  // there is room again
}

TEST_CASE("of epochs that have passed nothing is kept but the numbers that the peer waits for, and answers",
          "[core][channel]") {
  Pair pair;
  pair.push("sent");
  pair.sender.push(PullAnswer{1, Outcome::value, 0, Bytes("answer")}, kNow);
  pair.transmit();
  pair.push("unsent");
  CHECK(pair.sender.kept() == 3);
  pair.sender.leave_epochs_before(Epoch{1});
  CHECK(pair.sender.kept() == 2);
  pair.push("new", Epoch{1});
  pair.wire.clear();  // lost
  pair.transmit();
  pair.retransmit(Time{} + milliseconds(100));
  REQUIRE(pair.wire.size() == 4);  // "new" as a first sending, then all three again
  for (const std::size_t i : {1, 2, 3}) pair.receiver.receive(Frame(pair.wire[i]));
  std::string seen;
  while (auto frame = pair.receiver.next(Epoch{1})) seen += std::to_string(frame->body.index());
  CHECK(seen == "031");  // an empty one, the answer, the flag
  CHECK(pair.receiver.consumed() == 3);
}

TEST_CASE("a peer that is silent for many epochs costs limits.channel_frames and one epoch's frames",
          "[core][channel]") {
  Pair pair;
  pair.limits.channel_frames = 8;
  for (std::uint64_t epoch = 0; epoch < 100; ++epoch) {
    pair.sender.leave_epochs_before(Epoch{epoch});
    for (int i = 0; i < 3; ++i) pair.push("x", Epoch{epoch});
    pair.transmit();
    CHECK(pair.sender.kept() <= 8 + 3);
  }
  REQUIRE(pair.wire.size() == 8);  // no more are under way
  for (const Frame& frame : pair.wire) pair.receiver.receive(Frame(frame));
  CHECK(pair.consume(Epoch{99}).size() == 8);
  pair.sender.acknowledged(pair.receiver.consumed(), {});
  CHECK(pair.sender.has_unsent());
  pair.wire.clear();
  pair.transmit();
  REQUIRE(pair.wire.size() == 3);
  CHECK(pair.wire[0].stamp.sequence == 9);
  CHECK(pair.wire[0].stamp.epoch == Epoch{99});
}

TEST_CASE("frames of the epoch that is entered stay when those before it go", "[core][channel]") {
  Pair pair;
  pair.push("old", Epoch{0});
  pair.push("new", Epoch{1});
  pair.sender.leave_epochs_before(Epoch{1});
  CHECK(pair.sender.kept() == 1);
  pair.transmit();
  REQUIRE(pair.wire.size() == 1);
  CHECK(std::get<Flag>(pair.wire[0].body).meta.view() == "new");
}

}  // namespace
}  // namespace taskgraph::core
