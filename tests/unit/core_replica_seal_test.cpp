/// A new primary's seal, and the flags that it takes over with the acknowledgements (protocol.md section 5).
#include <string_view>
#include <vector>

#include "host/core/replica.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/replica_story.hpp"

namespace taskgraph::core {
namespace {

using tests::life;
using tests::ReplicaStory;

constexpr Epoch kFirst{1};

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

TEST_CASE("a missing acknowledgement is asked for soon, then less and less often; a view without the life needs none",
          "[core][replica][seal]") {
  ReplicaStory story(3);
  story.start();
  story.crash(0, 'a');
  story.grant(0, 'd');
  story.publish();
  story.told(0);
  story.acknowledge(0, 'd');
  for (const std::int64_t ms : {5, 10, 20, 40, 80, 160, 200, 200}) {
    story.pass(milliseconds(ms - 1));
    CHECK(story.told(0).empty());
    story.pass(milliseconds(1));
    CHECK(story.told(0) == "ask seal t2 of 2 lives");
  }
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
  story.acknowledge(0, 'b', {early(0), early(0), early(1)});  // its former term had room for one
  CHECK(story.replica(0).counters().over_limit == 1);
  CHECK(story.wire.empty());
  story.give(0, event::EpochLearned{kFirst});
  CHECK(story.wire.size() == 1);
  story.told(1);
  story.deliver();
  CHECK(story.told(1) == "flag of 0 early");
}

TEST_CASE("stored flags that are early wait once each, however many neighbours have stored them",
          "[core][replica][seal]") {
  ReplicaStory story(2);
  story.spec.limits.flags_per_epoch = 2;
  story.start();
  story.crash(0, 'a');
  story.grant(0, 'c');
  story.publish();
  const auto early = [](std::uint32_t index, std::string_view meta) {
    return StoredFlag{TaskId{0}, kFirst, Flag{{Term{1}, index}, {0}, Bytes(meta)}};
  };
  std::vector<StoredFlag> stored(100, early(0, "of many"));  // as from a life that runs 100 neighbours
  stored.push_back(early(1, "of one"));
  story.acknowledge(0, 'c');
  story.acknowledge(0, 'b', stored);
  CHECK(story.replica(0).counters().over_limit == 0);
  story.enter(kFirst);
  story.told(1);
  story.deliver();
  CHECK(story.told(1) == "flag of 0 of many; flag of 0 of one");
}

TEST_CASE("of stored flags that are early, those of the newest epoch wait: the others' epoch has passed",
          "[core][replica][seal]") {
  ReplicaStory story(3);
  story.start();
  story.crash(0, 'a');
  story.grant(0, 'd');
  story.publish();
  const auto early = [](std::uint64_t epoch, std::string_view meta) {
    return std::vector{StoredFlag{TaskId{0}, Epoch{epoch}, Flag{{Term{1}, 0}, {0}, Bytes(meta)}}};
  };
  story.acknowledge(0, 'b', early(2, "passed"));
  story.acknowledge(0, 'c', early(3, "newest"));
  story.acknowledge(0, 'd', early(2, "late"));
  const bool entered = GENERATE(false, true);
  if (entered) story.give(0, event::EpochLearned{Epoch{2}});
  CHECK(story.wire.empty());
  story.enter(Epoch{3});
  story.told(1);
  story.deliver();
  CHECK(story.told(1) == "flag of 0 newest");
}

}  // namespace
}  // namespace taskgraph::core
