#include <utility>

#include "host/core/replica.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/replica_story.hpp"

namespace taskgraph::core {
namespace {

using tests::ReplicaStory;

TEST_CASE("what a backup's task asks for as if it were primary is dropped", "[core][replica]") {
  ReplicaStory story(2);
  story.grant(0, 'a');
  story.grant(1, 'b');
  story.add_backup(0, 'c');
  story.publish();
  story.told(0, 'c');
  story.give(0, 'c', event::RaiseFlag{Epoch{0}, {0}, Bytes("x")});
  story.give(0, 'c', event::AdvanceEpoch{Epoch{0}});
  story.give(0, 'c', event::FinishJob{Epoch{0}, JobStatus::done, "{}"});
  story.give(0, 'c', event::Tick{});
  CHECK(story.told(0, 'c').empty());
  CHECK(story.wire.empty());
  CHECK(story.replica(0, 'c').wakeup() == Time::never());
  CHECK_FALSE(story.replica(0, 'c').is_sealed());
  CHECK(story.replica(0).is_sealed());
}

TEST_CASE("flags of a sender over its limit are dropped and counted, not stored", "[core][replica]") {
  ReplicaStory story(2);
  story.spec.limits.flags_per_epoch = 1;
  story.start();
  for (std::uint32_t i = 0; i < 2; ++i) {
    Frame frame{Stamp{ReplicaStory::kJob, {1}, Term{1}, {0}, Term{1}, Epoch{0}, i + 1, 0},
                Flag{{Term{1}, i}, {0}, Bytes(i == 0 ? "first" : "second")}};
    story.give(0, event::FrameArrived{std::move(frame)});
  }
  CHECK(story.told(0) == "flag of 1 first");
  CHECK(story.replica(0).counters().over_limit == 1);
}

}  // namespace
}  // namespace taskgraph::core
