#include "host/core/supervisor.hpp"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/catch.hpp"
#include "tests/support/supervisor_story.hpp"

namespace taskgraph::core {
namespace {

using tests::host;
using tests::life;
using tests::SupervisorStory;

// ---------------------------------------------------------------- the start of a job

TEST_CASE("of two hosts that create a job at once one does, and the other joins it", "[core][supervisor]") {
  SupervisorStory story(2);
  story.start('A');
  story.start('B');
  story.perform('A');  // both read: nothing is there
  story.perform('B');
  story.perform('B');  // B creates first
  story.perform('A');
  story.settle();
  CHECK(story.at('A').job() == JobId{0, 2});
  CHECK(story.at('B').job() == JobId{0, 2});
  CHECK(story.at('B').holds_office());
  CHECK_FALSE(story.at('A').holds_office());
  CHECK(story.has(Key::host(host('A'))));
  CHECK(story.has(Key::life(life('a'))));
  CHECK(story.at('A').view()->version() == story.at('B').view()->version());
}

TEST_CASE("a host that is alone creates the job and starts all tasks on its worker", "[core][supervisor]") {
  SupervisorStory story(3);
  story.start('A');
  CHECK(story.told('A').empty());
  story.settle();
  CHECK(story.told('A') == "epoch 0; view 1; view 2");
  CHECK(story.task(2).primary == Seat{life('a'), {1}});
  CHECK(story.at('A').holds_office());
  CHECK(story.at('A').epoch() == Epoch{0});
  CHECK(story.at('A').host() == host('A'));
}

TEST_CASE("a job waits for placement.hosts_min hosts, and starts when the last one joins", "[core][supervisor]") {
  SupervisorStory story(2);
  story.spec.hosts_min = 2;
  story.start('A');
  story.settle();
  CHECK(story.task(0).primary.is_empty());
  story.start('B');
  story.settle();
  CHECK(story.task(0).primary.life == life('a'));
  CHECK(story.task(1).primary.life == life('b'));
  CHECK(story.told('B').find("epoch 0") == 0);
}

TEST_CASE("a worker that starts later is registered and told what stands", "[core][supervisor]") {
  SupervisorStory story(1);
  story.spec.backups = {1};
  story.start('A');
  story.settle();
  story.told('A');
  story.give('A', event::WorkerStarted{life('z')});
  CHECK(story.told('A') == "epoch 0; view 2");
  story.settle();
  CHECK(story.has(Key::life(life('z'))));
  REQUIRE(story.task(0).backups.size() == 1);
  CHECK(story.task(0).backups[0].life == life('z'));
}

TEST_CASE("a host with another topology is refused, and told both digests", "[core][supervisor]") {
  SupervisorStory story(1);
  story.start('A');
  story.settle();
  story.start('B', "4567");
  story.settle();
  CHECK(story.told('B') == "stop: replaced; refused: other topology");
  CHECK_FALSE(story.has(Key::host(host('B'))));
  CHECK(story.at('B').wakeup() == Time::never());
  story.give('B', event::WorkerStarted{life('q')});
  CHECK(story.hosts.at('B')->requests.empty());
}

// ---------------------------------------------------------------- deaths

TEST_CASE("a reaped worker is proven gone before any of its seats is given away", "[core][supervisor]") {
  SupervisorStory story(1);
  story.start('A');
  story.settle();
  story.give('A', event::WorkerDied{life('a')});
  story.perform('A');
  CHECK_FALSE(story.has(Key::life(life('a'))));
  CHECK(story.has(Key::gone(life('a'))));
  CHECK(story.task(0).primary.life == life('a'));  // not yet

  story.settle();
  CHECK(story.task(0).primary.is_empty());
  CHECK_FALSE(story.has(Key::gone(life('a'))));
  story.give('A', event::WorkerStarted{life('b')});
  story.settle();
  CHECK(story.task(0).primary == Seat{life('b'), {2}});
  CHECK(story.task(0).term == Term{2});
}

TEST_CASE("a death that a task is to blame for counts as its failure; the others go on at once", "[core][supervisor]") {
  SupervisorStory story(2);
  story.spec.restart.max = 1;
  story.start('A');
  story.settle();
  const auto blamed = [&](char name) {
    return event::WorkerDied{life(name), Resignation{{0}, story.task(0).primary, Blame::plugin, "it crashed"}};
  };
  event::WorkerDied death = blamed('a');
  story.give('A', event::WorkerStarted{life('b')});
  story.settle();
  story.give('A', std::move(death));
  story.settle();
  CHECK(story.task(0).primary.is_empty());
  CHECK(story.task(1).primary.life == life('b'));

  story.now = story.now + story.spec.restart.backoff;
  story.give('A', event::Tick{});
  story.settle();
  CHECK(story.task(0).primary.life == life('b'));

  story.told('A');
  story.give('A', blamed('b'));
  story.settle();
  CHECK_THAT(story.told('A'), Catch::Contains("task 0 gave up: 2 failures") && Catch::Contains("last: it crashed"));
}

TEST_CASE("blame for a replica that no view names any more counts for nothing", "[core][supervisor]") {
  SupervisorStory story(1);
  story.start('A');
  story.settle();
  story.give('A', event::WorkerStarted{life('b')});
  story.settle();
  story.give('A', event::WorkerDied{life('a'), Resignation{{0}, {life('a'), {99}}, Blame::plugin, "it crashed"}});
  story.settle();
  CHECK(story.task(0).primary.life == life('b'));  // no backoff
}

TEST_CASE("a proof is compared with the view: a life that gets a seat meanwhile is proven, too", "[core][supervisor]") {
  SupervisorStory story(1);
  story.start('A');
  story.settle();
  story.start('B');
  story.settle();
  story.give('A', event::WorkerDied{life('a')});
  story.settle();
  CHECK(story.task(0).primary.life == life('b'));

  story.give('A', event::WorkerStarted{life('c')});
  story.settle();
  story.give('A', event::WorkerDied{life('c')});  // no seat: no proof is needed
  const ViewVersion next = story.at('A').view()->version().next();
  TaskAssignment task = story.task(0);
  task.primary = {life('c'), task.next_counter};
  task.term = task.term.next();
  const auto document = [](Document value) { return std::make_shared<const Document>(std::move(value)); };
  story.store.apply(0, {{},
                        {{Key::of(DocumentKind::view), document(ViewDocument{next, {host('A')}}), false},
                         {Key::shard(0), document(ShardDocument{{task}}), false}}});
  story.perform('A');  // refused: the view has moved
  CHECK(story.has(Key::life(life('c'))));
  story.settle();
  CHECK_FALSE(story.has(Key::life(life('c'))));
  CHECK(story.task(0).primary.life == life('b'));
}

TEST_CASE("the office changes hands when its holder's session ends; its tasks move after the lease",
          "[core][supervisor]") {
  SupervisorStory story(2);
  story.spec.hosts_min = 2;
  story.start('A');
  story.start('B');
  story.settle();
  REQUIRE(story.at('A').holds_office());
  story.crash('A');
  CHECK(story.at('B').holds_office());
  CHECK(story.task(0).primary.life == life('a'));
  story.pass(milliseconds(1649));
  CHECK(story.task(0).primary.life == life('a'));
  story.pass(milliseconds(1));
  CHECK(story.task(0).primary.life == life('b'));
  CHECK(story.task(0).term == Term{2});
  CHECK(story.task(1).term == Term{1});  // what lived was left alone
}

TEST_CASE("a host whose session has ended stops its workers and says so", "[core][supervisor]") {
  SupervisorStory story(1);
  story.start('A');
  story.settle();
  story.told('A');
  story.give('A', event::SessionLost{});
  CHECK(story.told('A') == "stop: replaced; refused: fenced");
  story.give('A', event::Tick{});
  CHECK(story.told('A').empty());
}

TEST_CASE("when all candidates are gone, the live host of the lowest uuid takes their seats after the lease",
          "[core][supervisor]") {
  SupervisorStory story(1);
  for (const char name : {'A', 'B', 'C', 'D', 'E'}) {
    story.start(name);
    story.settle();
  }
  for (const char name : {'A', 'B', 'C'}) {
    const coordinator::SessionId session = story.hosts.at(name)->session;
    story.hosts.erase(name);
    story.store.close_session(session);
  }
  story.notify();
  story.settle();
  CHECK_FALSE(story.has(Key::of(DocumentKind::controller)));
  story.pass(milliseconds(1000));
  CHECK_FALSE(story.has(Key::of(DocumentKind::controller)));
  story.pass(milliseconds(650));
  CHECK(story.at('D').holds_office());
  CHECK_FALSE(story.at('E').holds_office());
  story.pass(milliseconds(1650));
  CHECK(story.task(0).primary.life == life('d'));
}

// ---------------------------------------------------------------- outcomes that are not known

TEST_CASE("a creation whose outcome is unknown is read again, not done again", "[core][supervisor]") {
  SupervisorStory story(1);
  story.start('A');
  story.perform('A');
  const auto request = std::get<effect::Transact>(story.hosts.at('A')->requests.front()).request;
  SECTION("the coordinator says so") {
    story.perform('A', false);
    story.give('A', TransactionReply{request, TransactionOutcome::unknown, {}});
  }
  SECTION("no reply comes at all, or two seconds late") {
    story.perform('A', false);
    CHECK(story.hosts.at('A')->requests.empty());
    story.now = Time{} + milliseconds(2000);
    story.wake();
    story.give('A', TransactionReply{request, TransactionOutcome::refused, {}});  // nobody waits for it any more
  }
  REQUIRE(story.hosts.at('A')->requests.size() == 1);
  CHECK(std::holds_alternative<effect::Read>(story.hosts.at('A')->requests.front()));
  story.settle();
  CHECK(story.at('A').job() == JobId{0, 1});
  CHECK(story.task(0).primary == Seat{life('a'), {1}});
  CHECK(story.task(0).term == Term{1});
}

TEST_CASE("a read that gets no answer is repeated; one that failed is, half a second later", "[core][supervisor]") {
  SupervisorStory story(1);
  story.start('A');
  auto& requests = story.hosts.at('A')->requests;
  SECTION("lost") {
    story.perform('A', false);
    story.now = Time{} + milliseconds(1999);
    story.wake();
    CHECK(requests.empty());
    story.now = Time{} + milliseconds(2000);
    story.wake();
  }
  SECTION("failed") {
    const auto request = std::get<effect::Read>(requests.front()).request;
    requests.clear();
    story.give('A', ReadReply{request, false, {}});
    CHECK(requests.empty());  // no storm of reads at a coordinator that is away
    story.now = Time{} + milliseconds(500);
    story.wake();
  }
  CHECK(requests.size() == 1);
  story.settle();
  CHECK(story.at('A').job() == JobId{0, 1});
}

// ---------------------------------------------------------------- epochs and the end

TEST_CASE("an advance is compared with the term and the epoch, and pushed to all hosts", "[core][supervisor]") {
  SupervisorStory story(2);
  story.spec.hosts_min = 2;
  story.start('A');
  story.start('B');
  story.settle();
  story.told('A');
  story.told('B');
  const auto ask = [&](char from, std::uint32_t task, std::uint64_t term, std::uint64_t epoch) {
    story.give(from, event::FromWorker{AdvanceAsk{{task}, Term{term}, Epoch{epoch}}});
    story.settle();
    return story.epoch();
  };
  CHECK(ask('A', 0, 1, 0) == 1);
  CHECK(story.told('A') == "epoch 1");
  CHECK(story.told('B') == "epoch 1");
  CHECK(ask('A', 0, 1, 0) == 1);
  CHECK(ask('B', 1, 1, 0) == 1);
  CHECK(ask('B', 1, 2, 1) == 1);  // no such grant
  CHECK(ask('B', 1, 1, 1) == 2);  // by way of the controller
  CHECK(story.told('B') == "epoch 2");
  story.give('B', event::FromHost{EpochNews{Epoch{1}}});  // late news
  CHECK(story.told('B').empty());
}

TEST_CASE("the job is finished once, and every host hears how", "[core][supervisor]") {
  SupervisorStory story(2);
  story.spec.hosts_min = 2;
  story.start('A');
  story.start('B');
  story.settle();
  story.told('A');
  story.told('B');
  story.give('B', event::FromWorker{FinishAsk{{1}, Term{1}, Epoch{0}, JobStatus::done, "{\"sum\": 1}"}});
  story.settle();
  CHECK(story.told('A') == "ended done {\"sum\": 1}; stop: job ended");
  CHECK(story.told('B') == "ended done {\"sum\": 1}; stop: job ended");

  story.give('A', event::FromWorker{FinishAsk{{0}, Term{1}, Epoch{0}, JobStatus::failed, "{}"}});
  story.give('A', event::WorkerDied{life('a')});
  story.settle();
  CHECK(story.find<StatusDocument>(Key::of(DocumentKind::status))->status == JobStatus::done);
  CHECK_FALSE(story.has(Key::life(life('a'))));
  CHECK(story.told('A').empty());

  story.start('C');  // comes after the end
  story.settle();
  CHECK(story.told('C').find("ended done {\"sum\": 1}") != std::string::npos);
  CHECK_FALSE(story.has(Key::host(host('C'))));
}

TEST_CASE("a resignation reaches the controller from any host, and the task restarts", "[core][supervisor]") {
  SupervisorStory story(2);
  story.spec.hosts_min = 2;
  story.start('A');
  story.start('B');
  story.settle();
  const Resignation resignation{{1}, story.task(1).primary, Blame::plugin, "threw"};
  story.give('B', event::FromWorker{resignation});
  story.settle();
  CHECK(story.task(1).primary.is_empty());
  story.pass(milliseconds(99));
  CHECK(story.task(1).primary.is_empty());
  story.pass(milliseconds(1));
  CHECK(story.task(1).primary == Seat{life('b'), {2}});
  CHECK(story.task(1).term == Term{2});
}

TEST_CASE("while nobody holds the office what replicas ask for is dropped; they ask again", "[core][supervisor]") {
  SupervisorStory story(1);
  story.add('A');
  story.give('A', event::FromWorker{AdvanceAsk{{0}, Term{1}, Epoch{0}}});
  CHECK(story.hosts.at('A')->messages.empty());
  story.give('A', event::FromHost{AdvanceAsk{{0}, Term{1}, Epoch{0}}});
  CHECK(story.hosts.at('A')->requests.empty());
}

}  // namespace
}  // namespace taskgraph::core
