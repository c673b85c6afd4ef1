#include <string>
#include <utility>

#include "host/core/replica.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/replica_story.hpp"

namespace taskgraph::core {
namespace {

using tests::ReplicaStory;

constexpr Epoch kFirst{1};

Frame frame_of(const ReplicaStory& story) {
  return story.wire.back().frame;
}

// ---------------------------------------------------------------- epochs

TEST_CASE("pulls of an epoch that has passed end before the next one is entered", "[core][replica][epoch]") {
  ReplicaStory story(2);
  story.start();
  story.pull(0, 3, 1);
  story.pull(0, 4, 1);
  story.deliver();
  story.told(1);
  story.enter(kFirst);
  CHECK(story.told(0) == "pull 3 epoch passed; pull 4 epoch passed; epoch 1");
  story.reply(1, "late");  // the server has left that epoch, too, and has answered so
  CHECK(story.replica(1).counters().late_replies == 1);
  story.deliver();
  CHECK(story.replica(0).counters().late_answers == 2);
  CHECK(story.told(0).empty());

  story.enter(kFirst);  // repeated and old news
  story.enter(Epoch{0});
  CHECK(story.told(0).empty());
  CHECK(story.replica(0).epoch() == kFirst);
}

TEST_CASE("a server that left the epoch first answers open pulls with it", "[core][replica][epoch]") {
  ReplicaStory story(2);
  story.start();
  story.pull(0, 3, 1);
  story.deliver();
  story.give(1, event::EpochLearned{kFirst});
  story.deliver();
  CHECK(story.told(0) == "pull 3 epoch passed");
  story.pull(0, 4, 1);  // still in the old epoch
  story.raise(0, "old");
  story.deliver();
  CHECK(story.told(0) == "pull 4 epoch passed");
  CHECK(story.told(1) == "serve 0 get(); epoch 1");
  CHECK(story.replica(1).counters().epoch_passed == 2);
}

TEST_CASE("frames of a later epoch wait until it is entered", "[core][replica][epoch]") {
  ReplicaStory story(2);
  story.start();
  story.give(0, event::EpochLearned{kFirst});
  story.raise(0, "next");
  story.pull(0, 1, 1);
  story.deliver();
  CHECK(story.told(1).empty());
  story.give(1, event::EpochLearned{kFirst});
  CHECK(story.told(1) == "epoch 1; flag of 0 next; serve 0 get()");
}

TEST_CASE("what a task asked for in an epoch that has passed is not done in the next", "[core][replica][epoch]") {
  ReplicaStory story(2);
  story.start();
  story.enter(kFirst);
  story.told(0);
  story.give(0, event::RaiseFlag{Epoch{0}, {0}, Bytes("old")});
  story.give(0, event::AdvanceEpoch{Epoch{0}});
  story.give(0, event::FinishJob{Epoch{0}, JobStatus::done, "{}"});
  CHECK(story.told(0).empty());
  story.give(0, event::StartPull{Epoch{0}, 6, {1}, "get", {}, seconds(1)});
  CHECK(story.told(0) == "pull 6 epoch passed");
  CHECK(story.wire.empty());
}

TEST_CASE("advance and finish are asked for every 500 ms until the epoch ends", "[core][replica][epoch]") {
  ReplicaStory story(2);
  story.start();
  story.give(0, event::AdvanceEpoch{Epoch{0}});
  story.give(0, event::FinishJob{Epoch{0}, JobStatus::done, "{1}"});
  story.give(0, event::FinishJob{Epoch{0}, JobStatus::failed, "{2}"});  // the first one stands
  CHECK(story.told(0) == "ask advance from 0; ask advance from 0; ask finish {1}");
  story.pass(milliseconds(500));
  CHECK(story.told(0) == "ask advance from 0; ask finish {1}");
  story.enter(kFirst);
  story.pass(seconds(5));
  CHECK(story.told(0) == "epoch 1");
}

// ---------------------------------------------------------------- frames that must not get in

TEST_CASE("frames of other jobs, other terms and for others are dropped and counted", "[core][replica]") {
  ReplicaStory story(2);
  story.start();
  story.raise(0, "x");
  const Frame good = frame_of(story);
  story.wire.clear();
  const auto give_changed = [&](auto change) {
    Frame frame = good;
    change(frame.stamp);
    story.give(1, event::FrameArrived{std::move(frame)});
  };
  give_changed([](Stamp& stamp) { stamp.job.low = 8; });
  give_changed([](Stamp& stamp) { stamp.to = TaskId{0}; });
  give_changed([](Stamp& stamp) { stamp.from = TaskId{2}; });
  give_changed([](Stamp& stamp) { stamp.to_term = Term{2}; });
  give_changed([](Stamp& stamp) { stamp.from_term = Term{0}; });
  give_changed([](Stamp& stamp) { stamp.from_term = Term{2}; });
  const ReplicaCounters& counters = story.replica(1).counters();
  CHECK(counters.foreign_job == 1);
  CHECK(counters.misaddressed == 3);
  CHECK(counters.stale_term == 1);
  CHECK(counters.ahead_of_view == 1);
  CHECK(story.told(1).empty());
  give_changed([](Stamp&) {});
  CHECK(story.told(1) == "flag of 0 x");

  Frame unknown_link = good;
  unknown_link.stamp.sequence = 2;
  std::get<Flag>(unknown_link.body).link = LinkIndex{5};
  story.give(1, event::FrameArrived{unknown_link});
  CHECK(counters.misaddressed == 4);
}

TEST_CASE("an expired primary's frames are stale, a new one's wait for the view", "[core][replica]") {
  ReplicaStory story(2);
  story.start();
  story.raise(0, "old life");
  const Frame old = frame_of(story);
  story.wire.clear();
  story.crash(0, 'a');
  story.grant(0, 'c');
  story.publish_late();  // 1 has not heard of it
  story.acknowledge(0, 'b');
  story.acknowledge(0, 'c');
  story.raise(0, "new life");
  story.deliver();
  CHECK(story.replica(1).counters().ahead_of_view == 1);
  CHECK(story.told(1).empty());

  story.apply(1, 'b');
  story.give(1, event::FrameArrived{old});
  CHECK(story.replica(1).counters().stale_term == 1);
  story.pass(milliseconds(100));
  story.deliver();
  CHECK(story.told(1) == "0 failed; 0 restarted; applied v2; flag of 0 new life");

  const Frame last = story.wire.empty() ? old : frame_of(story);
  story.lose(0);
  story.publish();
  Frame orphan = last;
  orphan.stamp.from_term = Term{2};
  story.give(1, event::FrameArrived{orphan});  // its primary is gone by the applied view
  CHECK(story.replica(1).counters().stale_term == 2);
}

TEST_CASE("a backup takes no frames", "[core][replica]") {
  ReplicaStory story(2);
  story.start();
  story.add_backup(1, 'c');
  story.publish();
  story.raise(0, "x");
  story.give(1, 'c', event::FrameArrived{frame_of(story)});
  CHECK(story.replica(1, 'c').counters().misaddressed == 1);
}

TEST_CASE("without a lease a primary accepts nothing and sends nothing; with one it goes on", "[core][replica]") {
  ReplicaStory story(2);
  story.start();
  story.raise(1, "in time");
  story.lease.clear();
  story.deliver();
  CHECK(story.replica(0).counters().no_lease == 1);
  story.raise(0, "held back");
  story.give(0, event::AdvanceEpoch{Epoch{0}});
  story.pass(seconds(1));
  CHECK(story.wire.empty());
  CHECK(story.told(0).empty());

  story.lease.extend(story.now, milliseconds(1500));
  story.pass(seconds(1));
  story.deliver();
  CHECK(story.told(0) == "ask advance from 0; flag of 1 in time");
  CHECK(story.told(1) == "flag of 0 held back");
  story.pass(milliseconds(500));  // to the very end of it
  story.raise(0, "too late");
  CHECK(story.wire.empty());
}

// ---------------------------------------------------------------- pulls

TEST_CASE("a pull is served, answered and ended once", "[core][replica][pull]") {
  ReplicaStory story(2);
  story.start();
  story.pull(0, 77, 1, "row 3");
  story.deliver();
  CHECK(story.told(1) == "serve 0 get(row 3)");
  story.reply(1, "42");
  story.reply(1, "43");
  CHECK(story.replica(1).counters().late_replies == 1);
  story.deliver();
  CHECK(story.told(0) == "pull 77 value 42");
  CHECK(story.replica(0).counters().pulls == 1);
  story.pass(seconds(60));
  CHECK(story.told(0).empty());
}

TEST_CASE("a pull ends at its deadline; its answer then is late", "[core][replica][pull]") {
  ReplicaStory story(2);
  story.start();
  story.give(0, event::StartPull{Epoch{0}, 8, {1}, "get", {}, milliseconds(250)});
  story.deliver();
  story.pass(milliseconds(249));
  CHECK(story.told(0).empty());
  story.pass(milliseconds(1));
  CHECK(story.told(0) == "pull 8 deadline");
  story.reply(1, "late");
  story.deliver();
  CHECK(story.replica(0).counters().late_answers == 1);
}

TEST_CASE("a cancelled pull ends at once and once", "[core][replica][pull]") {
  ReplicaStory story(2);
  story.start();
  story.pull(0, 8, 1);
  story.give(0, event::CancelPull{8});
  story.give(0, event::CancelPull{8});
  CHECK(story.told(0) == "pull 8 cancelled");
  story.deliver();
  story.reply(1, "42");
  story.deliver();
  CHECK(story.told(0).empty());
  CHECK(story.replica(0).counters().late_answers == 1);
}

TEST_CASE("a reply to a requester that has been replaced is late", "[core][replica][pull]") {
  ReplicaStory story(2);
  story.start();
  story.pull(0, 8, 1);
  story.deliver();
  story.crash(0, 'a');
  story.grant(0, 'c');
  story.publish();
  story.reply(1, "for the old one");
  CHECK(story.replica(1).counters().late_replies == 1);
}

TEST_CASE("over limits.pulls_open, channel_frames or channel_bytes a pull is refused as busy",
          "[core][replica][pull]") {
  ReplicaStory story(3);
  SECTION("pulls_open") {
    story.spec.limits.pulls_open = 2;
  }
  SECTION("channel_frames") {
    story.spec.limits.channel_frames = 2;
  }
  SECTION("channel_bytes") {
    story.spec.limits.channel_bytes = 2 * 4 + 3;
  }  // "get" and one byte each
  story.start();
  story.pull(0, 1, 1, "x");
  story.pull(0, 2, 1, "x");
  CHECK(story.told(0).empty());
  story.pull(0, 3, 1, "x");
  CHECK(story.told(0) == "pull 3 error 3");

  story.deliver();
  story.reply(1, "done");
  story.deliver();
  CHECK(story.told(0) == "pull 2 value done");
  story.pull(0, 4, 1, "x");
  CHECK(story.told(0).empty());  // there is room again
}

TEST_CASE("over limits.serves_open the server answers busy", "[core][replica][pull]") {
  ReplicaStory story(3);
  story.spec.limits.serves_open = 1;
  story.start();
  story.pull(0, 1, 2);
  story.pull(1, 2, 2);
  story.deliver();
  CHECK(story.told(2) == "serve 0 get()");
  CHECK(story.told(1) == "pull 2 error 3");
  story.reply(2, "42");
  story.pull(1, 3, 2);
  story.deliver();
  CHECK(story.told(2) == "serve 1 get()");
}

TEST_CASE("over limits.message_bytes a request is refused, and an answer becomes an error that says that it ran",
          "[core][replica][pull]") {
  ReplicaStory story(2);
  story.spec.limits.message_bytes = 4;
  story.start();
  story.pull(0, 1, 1, "12345");
  CHECK(story.told(0) == "pull 1 error 4");
  story.pull(0, 2, 1, "1234");
  story.deliver();
  story.reply(1, "12345");
  story.deliver();
  CHECK(story.told(0) == "pull 2 error 6");
}

TEST_CASE("limits.flags_per_epoch is full for the task's next question, and empty in the next epoch",
          "[core][replica]") {
  ReplicaStory story(2);
  story.spec.limits.flags_per_epoch = 2;
  story.start();
  story.raise(0, "1");
  CHECK(story.replica(0).has_room_for_flag(0));
  CHECK_FALSE(story.replica(0).has_room_for_flag(1));
  story.raise(0, "2");
  CHECK_FALSE(story.replica(0).has_room_for_flag(0));
  story.enter(kFirst);
  CHECK(story.replica(0).has_room_for_flag(1));
}

TEST_CASE("a flag over limits.flags_per_epoch of its sender's term does not reach the task, and is counted as such",
          "[core][replica]") {
  ReplicaStory story(2);
  story.spec.limits.flags_per_epoch = 2;
  story.start();
  story.raise(0, "1");
  story.raise(0, "2");
  Frame frame = story.wire.back().frame;
  story.deliver();
  frame.stamp.sequence = 3;
  std::get<Flag>(frame.body).name.index = 2;
  story.told(1);
  story.give(1, event::FrameArrived{frame});
  CHECK(story.told(1).empty());
  CHECK(story.replica(1).counters().over_limit == 1);
  CHECK(story.replica(1).counters().duplicates == 0);
}

TEST_CASE("while a peer is silent, epochs pass and no more is kept for it than what was sent and one epoch's frames",
          "[core][replica]") {
  ReplicaStory story(2);
  story.spec.limits.channel_frames = 3;
  story.spec.limits.flags_per_epoch = 4;
  story.start();
  for (std::uint64_t epoch = 1; epoch <= 20; ++epoch) {
    story.give(0, event::EpochLearned{Epoch{epoch}});
    for (int i = 0; i < 4; ++i) story.raise(0, "flag");
    story.pull(0, epoch, 1);
    CHECK(story.replica(0).frames_kept() <= 3 + (3 + 4));
  }
  story.wire.clear();  // the peer has heard nothing

  story.give(0, event::EpochLearned{Epoch{21}});
  story.raise(0, "last");
  story.give(1, event::EpochLearned{Epoch{21}});
  story.told(1);
  for (int i = 0; i < 4; ++i) {
    story.pass(seconds(2));
    story.deliver();
  }
  CHECK(story.told(1) == "flag of 0 last");
  CHECK(story.replica(0).frames_kept() == 0);
}

TEST_CASE("a peer that lags gets no request whose requester has left the epoch", "[core][replica][pull]") {
  ReplicaStory story(2);
  story.start();
  story.pull(0, 1, 1, "old");
  story.wire.clear();
  story.give(0, event::EpochLearned{kFirst});
  story.pass(milliseconds(100));
  story.deliver();
  CHECK(story.told(1).empty());
  CHECK(story.told(0) == "pull 1 epoch passed; epoch 1");
  story.pull(0, 2, 1, "new");
  story.give(1, event::EpochLearned{kFirst});
  story.deliver();
  CHECK(story.told(1) == "epoch 1; serve 0 get(new)");
}

TEST_CASE("a method's name beyond 1 KiB is refused as too large, and one of 1 KiB is served", "[core][replica]") {
  ReplicaStory story(2);
  story.start();
  const auto pull = [&](std::uint64_t token, std::size_t bytes) {
    story.give(0, event::StartPull{Epoch{0}, token, TaskId{1}, std::string(bytes, 'm'), {}, seconds(1)});
  };
  pull(1, kMethodBytesMax + 1);
  CHECK(story.told(0).find("error 4") != std::string::npos);
  pull(2, kMethodBytesMax);
  story.deliver();
  CHECK(story.told(1).starts_with("serve 0 mmm"));
}

}  // namespace
}  // namespace taskgraph::core
