/// Documents of the job that were there and are gone, or older than what was seen: nobody acts on them
/// (protocol.md 6.4).
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "host/core/controller.hpp"
#include "host/core/supervisor.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/supervisor_story.hpp"

namespace taskgraph::core {
namespace {

using tests::host;
using tests::life;
using tests::SupervisorStory;

/// A job of three tasks in two shards that has reached epoch 1 and term 2 of its task 0.
struct Running : SupervisorStory {
  Running() : SupervisorStory(3) {
    spec.tasks_per_shard = 2;
    start('A');
    settle();
    give('A', event::FromWorker{AdvanceAsk{{0}, Term{1}, Epoch{0}}});
    settle();
    give('A', event::FromWorker{Resignation{{0}, task(0).primary, Blame::injected, "killed"}});
    settle();
    told('A');
  }
  void write(const Key& key, Document value) {
    store.apply(0, {{}, {{key, std::make_shared<const Document>(std::move(value)), false}}});
  }
  void erase(const Key& key) { store.apply(0, {{}, {{key, nullptr, false}}}); }
};

constexpr const char* kRefused = "stop: replaced; refused: documents lost";

TEST_CASE("documents that were there and are gone, or older, stop the host; it does not recreate them",
          "[core][supervisor]") {
  Running story;
  REQUIRE(story.epoch() == 1);
  REQUIRE(story.task(0).term == Term{2});
  SECTION("all") {
    story.store = coordinator::Store();
  }
  SECTION("the spec") {
    story.erase(Key::of(DocumentKind::spec));
  }
  SECTION("another job's spec") {
    story.write(Key::of(DocumentKind::spec), SpecDocument{JobId{9, 9}, "small", "0123"});
  }
  SECTION("the view") {
    story.erase(Key::of(DocumentKind::view));
  }
  SECTION("an old view") {
    story.write(Key::of(DocumentKind::view), ViewDocument{ViewVersion{1}, {host('A')}});
  }
  SECTION("the epoch") {
    story.erase(Key::of(DocumentKind::epoch));
  }
  SECTION("an old epoch") {
    story.write(Key::of(DocumentKind::epoch), EpochDocument{Epoch{0}});
  }
  SECTION("the status") {
    story.erase(Key::of(DocumentKind::status));
  }
  SECTION("a shard") {
    story.erase(Key::shard(1));
  }
  SECTION("a part of a shard") {
    story.write(Key::shard(0), ShardDocument{{story.task(0)}});
  }
  SECTION("an old shard") {
    story.write(Key::shard(0), ShardDocument{std::vector<TaskAssignment>(2)});
  }
  story.notify();
  story.settle();
  CHECK(story.told('A') == kRefused);
  story.pass(seconds(60));
  CHECK(story.hosts.at('A')->requests.empty());
}

TEST_CASE("a finish or an advance that is compared with a lost document ends in the alarm, not in a crash",
          "[core][supervisor]") {
  Running story;
  const bool finishing = GENERATE(false, true);
  const Key lost = GENERATE(Key::of(DocumentKind::epoch), Key::shard(0));
  story.erase(lost);
  if (finishing) {
    story.give('A', event::FromWorker{FinishAsk{{1}, Term{1}, Epoch{1}, JobStatus::done, "{}"}});
  } else {
    story.give('A', event::FromWorker{AdvanceAsk{{1}, Term{1}, Epoch{1}}});
  }
  story.settle();
  CHECK(story.told('A') == kRefused);
  CHECK_FALSE(story.has(lost));
}

TEST_CASE("a host that comes when some of the job's documents are gone neither joins nor creates",
          "[core][supervisor]") {
  Running story;
  story.crash('A');
  const Key lost = GENERATE(Key::of(DocumentKind::spec), Key::of(DocumentKind::view), Key::of(DocumentKind::epoch),
                            Key::of(DocumentKind::status), Key::shard(0));
  story.erase(lost);
  story.start('B');
  story.settle();
  CHECK(story.told('B') == kRefused);
  CHECK_FALSE(story.has(lost));
  CHECK_FALSE(story.has(Key::host(host('B'))));
}

TEST_CASE("another topology is told as such, though the number of its tasks is another one, too",
          "[core][supervisor]") {
  Running story;
  JobSpec other = tests::small_job(7);
  other.tasks_per_shard = 2;
  Supervisor supervisor(host('B'), other, "4567");
  SupervisorEffects effects;
  supervisor.handle(event::Start{JobId{0, 2}}, story.now, effects);
  REQUIRE(effects.size() == 1);
  const RequestId request = std::get<effect::Read>(effects.front()).request;
  effects.clear();
  supervisor.handle(ReadReply{request, true, story.store.read()}, story.now, effects);
  REQUIRE(effects.size() == 2);
  CHECK(std::get<effect::Refused>(effects.back()).why == effect::Refused::Why::other_topology);
}

TEST_CASE("an end that was seen and is gone is a loss, too", "[core][documents]") {
  const auto entry = [](const Key& key, DocumentVersion version, Document value) {
    return Entry{key, version, std::make_shared<const Document>(std::move(value))};
  };
  const JobSpec spec = tests::small_job(1);
  const auto read = [&](DocumentVersion version, bool ended) {
    return std::vector<Entry>{entry(Key::of(DocumentKind::view), 1, ViewDocument{ViewVersion{1}, {}}),
                              entry(Key::of(DocumentKind::epoch), 1, EpochDocument{}),
                              entry(Key::of(DocumentKind::status), version, StatusDocument{ended, {}, {}, {}, {}}),
                              entry(Key::shard(0), 1, ShardDocument{std::vector<TaskAssignment>(1)})};
  };
  Documents documents;
  CHECK(documents.lost_since(documents.replace(read(1, false)), spec).empty());
  CHECK(documents.lost_since(documents.replace(read(2, true)), spec).empty());
  CHECK(documents.lost_since(documents.replace(read(2, true)), spec).empty());
  CHECK(documents.lost_since(documents.replace(read(3, false)), spec) ==
        "status is without the end that this host has seen");
}

TEST_CASE("a loss is told by name, with what was seen", "[core][documents]") {
  Running story;
  Documents documents;
  documents.replace(story.store.read());
  const auto lost = [&] { return documents.lost_since(documents.replace(story.store.read()), story.spec); };
  CHECK(lost().empty());
  story.write(Key::of(DocumentKind::epoch), EpochDocument{Epoch{0}});
  CHECK(lost() == "epoch is 0, this host has seen 1");
  story.write(Key::shard(0), ShardDocument{std::vector<TaskAssignment>(2)});
  CHECK(lost() == "the term of task 0 is 0, this host has seen 2");
  story.erase(Key::shard(1));
  CHECK(lost() == "assign/1 is missing");
}

TEST_CASE("a controller decides nothing over documents that are not all there", "[core][controller]") {
  Running story;
  const Key lost =
      GENERATE(Key::of(DocumentKind::view), Key::of(DocumentKind::epoch), Key::of(DocumentKind::status), Key::shard(0));
  Documents documents;
  documents.replace(story.store.read());
  REQUIRE(documents.view(story.spec) != nullptr);
  Controller controller(story.spec);
  controller.asked(FinishAsk{{1}, Term{1}, Epoch{1}, JobStatus::done, "{}"});
  REQUIRE(controller.decide(documents, story.now));
  story.erase(lost);
  documents.replace(story.store.read());
  CHECK_FALSE(controller.decide(documents, story.now));
}

}  // namespace
}  // namespace taskgraph::core
