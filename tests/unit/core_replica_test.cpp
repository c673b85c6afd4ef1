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
  story.spec.limits.channel_frames = 4;
  story.spec.limits.flags_per_epoch = 4;
  story.start();
  for (const char* meta : {"1", "2", "3", "4"}) story.raise(0, meta);
  story.spec.limits.channel_frames = 1;  // of the receiver: 1 + 1 frames
  story.spec.limits.flags_per_epoch = 1;
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

TEST_CASE("the flags of the primaries before leave the limit of a fresh primary as it is", "[core][replica]") {
  ReplicaStory story(2);
  story.spec.limits.flags_per_epoch = 2;
  story.start();
  story.raise(0, "1");
  story.raise(0, "2");
  story.deliver();
  story.crash(0, 'a');
  story.grant(0, 'c');
  story.publish();
  const auto stored = [](std::uint32_t index, std::string_view meta) {
    return StoredFlag{TaskId{0}, Epoch{0}, Flag{{Term{1}, index}, {0}, Bytes(meta)}};
  };
  story.acknowledge(0, 'b', {stored(0, "1"), stored(1, "2")});
  story.acknowledge(0, 'c');
  story.deliver();
  CHECK(story.replica(1).counters().duplicates == 2);  // it was told again of both
  CHECK(story.replica(0).has_room_for_flag(1));
  story.told(1);
  story.raise(0, "again 1");
  story.raise(0, "again 2");
  story.raise(0, "one too many");
  story.deliver();
  CHECK(story.told(1) == "flag of 0 again 1; flag of 0 again 2");
  CHECK(story.replica(0).counters().over_limit == 1);
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

}  // namespace
}  // namespace taskgraph::core
