#include "host/core/replica.hpp"

#include <string>
#include <vector>

#include "tests/support/catch.hpp"
#include "tests/support/replica_story.hpp"

namespace taskgraph::core {
namespace {

using tests::life;
using tests::ReplicaStory;

constexpr Epoch kFirst{1};

Frame frame_of(const ReplicaStory& story) {
  return story.wire.back().frame;
}

// ---------------------------------------------------------------- roles

TEST_CASE("a first primary learns its role, then its epoch, and may act at once", "[core][replica]") {
  ReplicaStory story(2);
  story.grant(0, 'a');
  story.publish(Epoch{4});
  CHECK(story.told(0) == "primary t1; epoch 4; applied v1");
  CHECK(story.replica(0).is_sealed());
  CHECK(story.replica(0).term() == Term{1});
  CHECK(story.replica(0).neighbours({0}).size() == 1);
}

TEST_CASE("a backup follows views and epochs in silence, and is promoted into the newest epoch", "[core][replica]") {
  ReplicaStory story(2);
  story.start();
  story.add_backup(1, 'c');
  story.publish();
  CHECK(story.told(1, 'c') == "backup; applied v2");
  CHECK(story.replica(1, 'c').term() == Term{});
  story.enter(Epoch{3});
  story.raise(0, "not for a backup");
  story.deliver();
  CHECK(story.told(1, 'c').empty());
  CHECK(story.told(1, 'b') == "applied v2; epoch 3; flag of 0 not for a backup");

  story.promote(1);
  story.publish();
  CHECK(story.told(1, 'c') == "primary t2; epoch 3; applied v3");
  CHECK(story.told(1, 'b') == "exit replaced");
  story.acknowledge(1, 'a');
  story.acknowledge(1, 'c');
  story.deliver();
  CHECK(story.told(1, 'c') == "flag of 0 not for a backup");  // announced again to the new primary
}

TEST_CASE("a seat that no view names any more ends its replica, and nothing follows its exit", "[core][replica]") {
  ReplicaStory story(2);
  story.start();
  story.pull(0, 1, 1);
  story.lose(0);
  story.publish();
  CHECK(story.told(0, 'a') == "exit replaced");
  story.wire.clear();
  story.give(0, 'a', event::EpochLearned{kFirst});
  story.give(0, 'a', event::CancelPull{1});
  story.give(0, 'a', event::Stop{ExitReason::drain});
  story.pass(seconds(60));
  CHECK(story.told(0, 'a').empty());
  CHECK(story.wire.empty());
  CHECK(story.replica(0, 'a').has_ended());
}

TEST_CASE("told to stop, a replica exits once; failed, it ends without an exit", "[core][replica]") {
  ReplicaStory story(2);
  story.start();
  story.give(0, event::Stop{ExitReason::drain});
  story.give(0, event::Stop{ExitReason::job_ended});
  CHECK(story.told(0) == "exit drain");
  story.give(1, event::Fail{Blame::plugin, "threw \"bad row\""});
  story.give(1, event::Stop{ExitReason::drain});
  CHECK(story.told(1) == "failed: threw \"bad row\"");
}

// ---------------------------------------------------------------- seal

TEST_CASE("a later primary's outputs wait until all lives have acknowledged its grant", "[core][replica][seal]") {
  ReplicaStory story(2);
  story.start();
  story.crash(0, 'a');
  story.grant(0, 'c');
  story.publish();
  story.raise(0, "ready");
  story.pull(0, 5, 1);
  story.give(0, event::AdvanceEpoch{Epoch{0}});
  CHECK(story.told(0) == "primary t2; epoch 0; applied v2");
  CHECK(story.wire.empty());

  story.acknowledge(0, 'c');
  story.acknowledge(0, 'c');                                       // twice is not two
  story.give(0, event::SealAcknowledged{life('b'), Term{1}, {}});  // of another grant
  CHECK(story.wire.empty());
  CHECK_FALSE(story.replica(0).is_sealed());
  story.acknowledge(0, 'b');
  CHECK(story.replica(0).is_sealed());
  CHECK(story.told(0) == "ask advance from 0");
  story.deliver();
  CHECK(story.told(1) == "0 failed; 0 restarted; applied v2; flag of 0 ready; serve 0 get()");
}

TEST_CASE("a missing acknowledgement is asked for again every 200 ms; a view without the life needs none",
          "[core][replica][seal]") {
  ReplicaStory story(3);
  story.start();
  story.crash(0, 'a');
  story.grant(0, 'd');
  story.publish();
  story.told(0);
  story.acknowledge(0, 'd');
  story.pass(milliseconds(199));
  CHECK(story.told(0).empty());
  story.pass(milliseconds(1));
  CHECK(story.told(0) == "ask seal t2 of 2 lives");
  story.acknowledge(0, 'b');
  story.pass(milliseconds(200));
  CHECK(story.told(0) == "ask seal t2 of 1 lives");

  story.raise(0, "ready");
  CHECK(story.wire.empty());
  story.crash(2, 'c');
  story.lose(2);
  story.publish();  // proven dead or waited out: the last one that was missing
  CHECK(story.replica(0).is_sealed());
  story.pass(milliseconds(400));
  CHECK(story.told(0) == "2 failed; applied v3");  // and no further question
  story.deliver();
  CHECK(story.told(1).find("flag of 0 ready") != std::string::npos);
}

TEST_CASE("flags that one neighbour had stored reach the others from the sender's next primary, once each",
          "[core][replica][seal]") {
  ReplicaStory story(3);
  story.start();
  story.raise(0, "half");
  REQUIRE(story.wire.size() == 2);
  story.wire.pop_back();  // task 2 never gets it
  story.deliver();
  CHECK(story.told(1) == "flag of 0 half");
  story.crash(0, 'a');

  story.grant(0, 'd');
  story.publish();
  REQUIRE(story.stored(1).size() == 1);
  CHECK(story.stored(2).empty());
  story.told(1);
  story.told(2);
  story.acknowledge(0, 'b', story.stored(1));
  story.acknowledge(0, 'c', story.stored(2));
  story.acknowledge(0, 'd');
  story.deliver();
  CHECK(story.told(2) == "flag of 0 half");
  CHECK(story.told(1).empty());
  CHECK(story.replica(1).counters().duplicates == 1);
}

TEST_CASE("stored flags of an epoch that the new primary has yet to enter wait for it", "[core][replica][seal]") {
  ReplicaStory story(2);
  story.spec.limits.flags_per_epoch = 1;
  story.start();
  story.crash(0, 'a');
  story.grant(0, 'c');
  story.publish();
  story.give(1, event::EpochLearned{kFirst});
  const auto early = [](std::uint32_t index) {
    return StoredFlag{TaskId{0}, kFirst, Flag{{Term{1}, index}, {0}, Bytes("early")}};
  };
  story.acknowledge(0, 'c');
  story.acknowledge(0, 'b', {early(0), early(1), early(2)});  // bounded: one for each life of the view
  CHECK(story.wire.empty());
  story.give(0, event::EpochLearned{kFirst});
  CHECK(story.wire.size() == 1);
  story.told(1);
  story.deliver();
  CHECK(story.told(1) == "flag of 0 early");
}

// ---------------------------------------------------------------- neighbours

TEST_CASE("a flag reaches its neighbour once, though frames are lost and doubled", "[core][replica]") {
  ReplicaStory story(2);
  story.start();
  story.raise(0, "ready");
  story.wire.clear();
  story.pass(milliseconds(99));
  CHECK(story.wire.empty());
  story.pass(milliseconds(1));
  REQUIRE(story.wire.size() == 1);
  CHECK(story.replica(0).counters().resent == 1);
  story.wire.push_back(story.wire.front());
  story.deliver();
  CHECK(story.told(1) == "flag of 0 ready");
  CHECK(story.replica(1).counters().duplicates == 1);

  story.pass(milliseconds(20));  // nothing else carried the acknowledgement
  REQUIRE(story.wire.size() == 1);
  CHECK(std::holds_alternative<Acknowledgement>(frame_of(story).body));
  story.deliver();
  story.pass(seconds(10));
  CHECK(story.wire.empty());
}

TEST_CASE("32 frames are acknowledged at once", "[core][replica]") {
  ReplicaStory story(2);
  story.start();
  for (int i = 0; i < 31; ++i) story.raise(0, "x");
  story.deliver();
  story.raise(0, "x");
  story.give(1, event::FrameArrived{story.wire.front().frame});
  REQUIRE(story.wire.size() == 2);
  CHECK(frame_of(story).stamp.acknowledged == 32);
}

TEST_CASE("frames out of order reach the task in order", "[core][replica]") {
  ReplicaStory story(2);
  story.start();
  story.raise(0, "1");
  story.raise(0, "2");
  std::swap(story.wire[0], story.wire[1]);
  story.give(1, event::FrameArrived{story.wire[0].frame});
  CHECK(story.told(1).empty());
  CHECK(story.replica(1).frames_held() == 1);
  CHECK(story.replica(1).counters().held == 1);
  story.deliver();
  CHECK(story.told(1) == "flag of 0 1; flag of 0 2");
}

TEST_CASE("frames ahead of a gap are dropped over the limit, counted, and come again", "[core][replica]") {
  ReplicaStory story(2);
  story.spec.limits.channel_frames = 1;
  story.spec.limits.flags_per_epoch = 4;
  story.start();
  for (const char* meta : {"1", "2", "3", "4"}) story.raise(0, meta);
  story.spec.limits.flags_per_epoch = 1;  // of the receiver: 1 + 1 frames
  const Frame first = story.wire.front().frame;
  story.wire.pop_front();
  story.deliver();
  CHECK(story.replica(1).counters().over_limit == 1);
  story.give(1, event::FrameArrived{first});
  CHECK(story.told(1) == "flag of 0 1; flag of 0 2; flag of 0 3");
  story.pass(milliseconds(100));
  story.deliver();
  CHECK(story.told(1) == "flag of 0 4");
}

TEST_CASE("a restarted neighbour is announced as failed, then restarted, and gets flags and open pulls again",
          "[core][replica]") {
  ReplicaStory story(2);
  story.start();
  story.raise(0, "ready");
  story.pull(0, 9, 1, "row 5");
  story.deliver();
  CHECK(story.told(1) == "flag of 0 ready; serve 0 get(row 5)");
  story.crash(1, 'b');

  SECTION("in two views") {
    story.lose(1);
    story.publish();
    CHECK(story.told(0) == "1 failed; applied v2");
    story.pull(0, 10, 1, "meanwhile");
    story.pass(milliseconds(500));
    CHECK(story.wire.empty());
    story.grant(1, 'c');
    story.publish();
    CHECK(story.told(0) == "1 restarted; applied v3");
    story.acknowledge(1, 'a');
    story.acknowledge(1, 'c');
    story.deliver();
    CHECK(story.told(1) ==
          "primary t2; epoch 0; applied v3; flag of 0 ready; serve 0 get(row 5); serve 0 get(meanwhile)");
  }
  SECTION("in one view") {
    story.grant(1, 'c');
    story.publish();
    CHECK(story.told(0) == "1 failed; 1 restarted; applied v2");
  }
  story.wire.clear();
}

TEST_CASE("the first start of a neighbour is no restart, and what waited for it is sent", "[core][replica]") {
  ReplicaStory story(2);
  story.grant(0, 'a');
  story.publish();
  story.raise(0, "early");
  story.pull(0, 1, 1);
  CHECK(story.wire.empty());
  story.grant(1, 'b');
  story.publish_late();
  story.apply(0, 'a');
  CHECK(story.told(0) == "primary t1; epoch 0; applied v1; applied v2");
  story.deliver();
  CHECK(story.told(1) == "primary t1; epoch 0; applied v2; flag of 0 early; serve 0 get()");
}

/// In even epochs 0 and 1 are neighbours, in odd ones 0 and 2.
class Alternating final : public Shape {
 public:
  void neighbours(TaskId task, Epoch epoch, std::vector<TaskId>& out) const override {
    const std::uint32_t partner = epoch.value % 2 == 0 ? 1 : 2;
    if (task.value == 0) out.push_back({partner});
    if (task.value == partner) out.push_back({0});
  }
  bool differs_per_epoch() const override { return true; }
};

TEST_CASE("who has failed before it became a neighbour is announced as its epoch begins", "[core][replica]") {
  ReplicaStory story(3, std::make_shared<Alternating>());
  story.start();
  story.crash(2, 'c');
  story.lose(2);
  story.publish();
  CHECK(story.told(0) == "applied v2");
  story.enter(kFirst);
  CHECK(story.told(0) == "epoch 1; 2 failed");
  story.enter(Epoch{3});
  CHECK(story.told(0) == "epoch 3");  // said once
}

TEST_CASE("who restarted while no link led to it is announced in the next epoch in which one does", "[core][replica]") {
  ReplicaStory story(3, std::make_shared<Alternating>());
  story.start();
  story.enter(kFirst);
  story.crash(2, 'c');
  story.lose(2);
  story.publish();
  CHECK(story.told(0) == "epoch 1; 2 failed; applied v2");
  story.enter(Epoch{2});
  story.grant(2, 'd');
  story.publish(Epoch{2});
  CHECK(story.told(0) == "epoch 2; applied v3");
  story.enter(Epoch{3});
  CHECK(story.told(0) == "epoch 3; 2 restarted");
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

TEST_CASE("over limits.message_bytes a request is refused, and an answer becomes an error", "[core][replica][pull]") {
  ReplicaStory story(2);
  story.spec.limits.message_bytes = 4;
  story.start();
  story.pull(0, 1, 1, "12345");
  CHECK(story.told(0) == "pull 1 error 4");
  story.pull(0, 2, 1, "1234");
  story.deliver();
  story.reply(1, "12345");
  story.deliver();
  CHECK(story.told(0) == "pull 2 error 4");
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

}  // namespace
}  // namespace taskgraph::core
