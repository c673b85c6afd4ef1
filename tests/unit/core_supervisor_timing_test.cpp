#include <memory>

#include "host/core/supervisor.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/supervisor_story.hpp"

namespace taskgraph::core {
namespace {

using tests::life;
using tests::SupervisorStory;

// What comes before a job is opened, at an inconvenient time, or after its end.

TEST_CASE("a host asks nothing of the coordinator before it opens a job", "[core][supervisor]") {
  SupervisorStory story(1);
  story.add('A');
  story.give('A', event::WorkerStarted{life('a')});
  story.give('A', event::DocumentsChanged{});
  CHECK(story.hosts.at('A')->requests.empty());
}

TEST_CASE("documents that are left of another job are no job", "[core][supervisor]") {
  SupervisorStory story(1);
  const auto left = std::make_shared<const Document>(GoneDocument{life('q')});
  story.store.apply(0, {{}, {{Key::gone(life('q')), left, false}}});
  story.start('A');
  story.perform('A');
  CHECK(story.at('A').job().is_nil());
  CHECK(story.told('A').empty());
  story.settle();
  CHECK(story.at('A').job() == JobId{0, 1});
  CHECK(story.task(0).primary.life == life('a'));
}

TEST_CASE("a worker that died before the job was created is not registered with it", "[core][supervisor]") {
  SupervisorStory story(1);
  story.start('A');
  story.give('A', event::WorkerDied{life('a')});
  story.give('A', event::WorkerDied{life('q')});  // not of this host
  story.give('A', event::WorkerStarted{life('b')});
  story.settle();
  CHECK_FALSE(story.has(Key::life(life('a'))));
  CHECK_FALSE(story.has(Key::life(life('q'))));
  CHECK(story.task(0).primary.life == life('b'));
}

TEST_CASE("a worker that dies while another's death is being proven is proven next", "[core][supervisor]") {
  SupervisorStory story(2);
  story.start('A');
  story.give('A', event::WorkerStarted{life('b')});
  story.settle();
  REQUIRE(story.task(0).primary.life == life('a'));
  REQUIRE(story.task(1).primary.life == life('b'));
  story.give('A', event::WorkerDied{life('a')});
  story.give('A', event::WorkerDied{life('b')});
  story.perform('A');
  CHECK_FALSE(story.has(Key::life(life('a'))));
  CHECK(story.has(Key::life(life('b'))));
  story.settle();
  CHECK_FALSE(story.has(Key::life(life('b'))));
  CHECK(story.task(0).primary.is_empty());
  CHECK(story.task(1).primary.is_empty());
}

TEST_CASE("a job whose end is undone has lost documents", "[core][supervisor]") {
  SupervisorStory story(1);
  story.start('A');
  story.settle();
  story.give('A', event::FromWorker{FinishAsk{{0}, Term{1}, Epoch{0}, JobStatus::done, "{}"}});
  story.settle();
  story.told('A');
  const auto undone = std::make_shared<const Document>(StatusDocument{});
  story.store.apply(0, {{}, {{Key::of(DocumentKind::status), undone, false}}});
  story.notify();
  story.settle();
  CHECK(story.told('A') == "stop: replaced; refused: documents lost");
}

}  // namespace
}  // namespace taskgraph::core
