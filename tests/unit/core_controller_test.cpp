#include "host/core/controller.hpp"

#include <string>
#include <utility>
#include <vector>

#include "host/coordinator/store.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/replica_story.hpp"

namespace taskgraph::core {
namespace {

using tests::host;
using tests::life;

DocumentPtr make(Document value) {
  return std::make_shared<const Document>(std::move(value));
}

/// A controller in front of a store; what it decides is written by `commit`.
struct ControllerStory {
  explicit ControllerStory(std::uint32_t count, std::uint32_t per_shard = 512) : spec(tests::small_job(count)) {
    spec.tasks_per_shard = per_shard;
    write(Key::of(DocumentKind::view), ViewDocument{ViewVersion{1}, {}});
    write(Key::of(DocumentKind::epoch), EpochDocument{});
    write(Key::of(DocumentKind::status), StatusDocument{});
    for (std::uint32_t first = 0; first < count; first += per_shard) {
      write(Key::shard(first / per_shard),
            ShardDocument{std::vector<TaskAssignment>(std::min(per_shard, count - first))});
    }
  }

  JobSpec spec;
  coordinator::Store store;
  const coordinator::SessionId session = store.open_session();
  Controller controller{spec};
  Documents documents;
  Time now{};

  void write(const Key& key, Document value) { store.apply(session, {{}, {{key, make(std::move(value)), false}}}); }
  void erase(const Key& key) { store.apply(session, {{}, {{key, nullptr, false}}}); }
  /// Host A runs life a, and so on.
  void join(char name) {
    const char on = static_cast<char>(name - 'a' + 'A');
    write(Key::host(host(on)), HostDocument{host(on)});
    write(Key::life(life(name)), LifeDocument{life(name), host(on)});
  }
  void leave(char name) {
    erase(Key::host(host(static_cast<char>(name - 'a' + 'A'))));
    erase(Key::life(life(name)));
  }
  void prove_gone(char name) {
    leave(name);
    write(Key::gone(life(name)), GoneDocument{life(name)});
  }
  std::optional<Transaction> decide() {
    documents.replace(store.read());
    return controller.decide(documents, now);
  }
  /// Decides until nothing is left to do; how many transactions that took.
  int settle() {
    int count = 0;
    while (const auto transaction = decide()) {
      REQUIRE(store.apply(session, *transaction).committed);
      REQUIRE(++count < 20);
    }
    return count;
  }
  const TaskAssignment& task(std::uint32_t id) {
    documents.replace(store.read());
    return documents.view(spec)->task({id});
  }
  void resign(std::uint32_t id, Blame blame, const std::string& reason = "threw") {
    const Seat seat = task(id).primary;
    controller.resigned({{id}, seat, blame, reason}, *documents.view(spec), now);
  }
  Epoch epoch() {
    documents.replace(store.read());
    return documents.find<EpochDocument>(Key::of(DocumentKind::epoch))->epoch;
  }
  StatusDocument status() {
    documents.replace(store.read());
    return *documents.find<StatusDocument>(Key::of(DocumentKind::status));
  }
};

bool writes(const Transaction& transaction, const Key& key) {
  for (const auto& write : transaction.writes) {
    if (write.key == key) return true;
  }
  return false;
}

TEST_CASE("nothing starts before placement.hosts_min hosts are there", "[core][controller]") {
  ControllerStory story(2);
  story.spec.hosts_min = 2;
  story.join('a');
  CHECK_FALSE(story.decide());
  story.join('b');
  CHECK(story.settle() == 1);
  CHECK(story.task(0).primary.life == life('a'));
  CHECK(story.task(1).primary.life == life('b'));
  story.prove_gone('b');
  CHECK(story.settle() == 1);  // it is for the first start only
  CHECK(story.task(1).primary.life == life('a'));
}

TEST_CASE("a decision writes the view and the shards that change, and is compared with what it was made from",
          "[core][controller]") {
  ControllerStory story(5, 2);
  story.join('a');
  story.join('b');
  CHECK(story.settle() == 1);
  CHECK(story.task(4).primary.life == life('a'));
  story.resign(3, Blame::injected);
  const auto change = story.decide();
  REQUIRE(change);
  CHECK(writes(*change, Key::of(DocumentKind::view)));
  CHECK(writes(*change, Key::shard(1)));
  CHECK_FALSE(writes(*change, Key::shard(0)));
  CHECK_FALSE(writes(*change, Key::shard(2)));

  SECTION("another controller was faster") {
    story.write(Key::of(DocumentKind::view), ViewDocument{ViewVersion{3}, {host('A'), host('B')}});
    CHECK_FALSE(story.store.apply(story.session, *change).committed);
  }
  SECTION("a life that it names has left") {
    story.leave('b');
    CHECK_FALSE(story.store.apply(story.session, *change).committed);
  }
  SECTION("nothing happened meanwhile") {
    CHECK(story.store.apply(story.session, *change).committed);
    CHECK(story.task(3).term == Term{2});
  }
}

TEST_CASE("a life that vanished without proof is waited out for a lease and a tenth", "[core][controller]") {
  ControllerStory story(1);
  story.join('a');
  story.join('b');
  story.settle();
  story.leave('a');
  CHECK(story.settle() == 1);  // host A is no candidate any more, but its task stays
  CHECK(story.task(0).primary.life == life('a'));
  CHECK(story.controller.wakeup() == Time{} + milliseconds(1650));
  story.now = Time{} + milliseconds(1649);
  CHECK_FALSE(story.decide());

  SECTION("it comes back: the wait begins anew with the next absence") {
    story.join('a');
    story.settle();
    story.now = Time{} + milliseconds(1650);
    story.leave('a');
    story.settle();
    CHECK(story.task(0).primary.life == life('a'));
    CHECK(story.controller.wakeup() == Time{} + milliseconds(1650 + 1650));
  }
  SECTION("it stays away") {
    story.now = Time{} + milliseconds(1650);
    CHECK(story.settle() == 1);
    CHECK(story.task(0).primary.life == life('b'));
    CHECK(story.task(0).term == Term{2});
  }
  SECTION("it comes back between the decision and its commit") {
    story.now = Time{} + milliseconds(1650);
    const auto change = story.decide();
    REQUIRE(change);
    story.join('a');
    CHECK_FALSE(story.store.apply(story.session, *change).committed);
  }
}

TEST_CASE("a proof of death spares the wait, and goes when no assignment names the life", "[core][controller]") {
  ControllerStory story(1);
  story.join('a');
  story.join('b');
  story.settle();
  story.prove_gone('a');
  CHECK(story.settle() == 1);
  CHECK(story.task(0).primary.life == life('b'));
  CHECK(story.store.version(Key::gone(life('a'))) == 0);
}

TEST_CASE("at most three hosts are candidates; those that left make room", "[core][controller]") {
  ControllerStory story(1);
  for (const char name : {'a', 'b', 'c', 'd'}) story.join(name);
  story.settle();
  const auto candidates = [&] { return story.documents.view(story.spec)->candidates(); };
  CHECK(candidates() == std::vector<HostId>{host('A'), host('B'), host('C')});
  story.prove_gone('b');
  story.settle();
  CHECK(candidates() == std::vector<HostId>{host('A'), host('C'), host('D')});
}

TEST_CASE("a plugin's failure waits for its backoff, an injected one restarts at once", "[core][controller]") {
  ControllerStory story(1);
  story.join('a');
  story.settle();
  story.resign(0, Blame::injected);
  CHECK(story.settle() == 1);
  CHECK(story.task(0).primary == Seat{life('a'), {2}});

  story.resign(0, Blame::plugin);
  story.resign(0, Blame::plugin);  // said again, counted once
  CHECK(story.settle() == 1);
  CHECK(story.task(0).primary.is_empty());
  CHECK(story.controller.wakeup() == story.now + milliseconds(100));
  story.now = story.now + milliseconds(100);
  CHECK(story.settle() == 1);
  CHECK(story.task(0).primary == Seat{life('a'), {3}});
  CHECK(story.task(0).term == Term{3});
}

TEST_CASE("a primary that is killed while the task waits for its backoff is replaced at once", "[core][controller]") {
  ControllerStory story(1);
  story.spec.backups = {1};
  story.join('a');
  story.join('b');
  story.settle();
  story.resign(0, Blame::plugin);
  story.settle();
  REQUIRE(story.task(0).primary.life == life('b'));  // promoted; the new backup has to wait
  REQUIRE(story.task(0).backups.empty());
  SECTION("by chaos") {
    story.resign(0, Blame::injected, "killed by --chaos");
  }
  SECTION("from outside") {
    story.resign(0, Blame::outside, "killed");
  }
  SECTION("with its worker") {
    story.prove_gone('b');
  }
  SECTION("but not by its plugin's fault") {
    story.resign(0, Blame::plugin);
    story.settle();
    CHECK(story.task(0).primary.is_empty());
    CHECK(story.controller.wakeup() == story.now + milliseconds(200));
    return;
  }
  story.settle();
  CHECK(story.task(0).primary.life == life('a'));
  CHECK(story.task(0).term == Term{3});
}

TEST_CASE("a resignation of a seat that the view does not name changes nothing", "[core][controller]") {
  ControllerStory story(1);
  story.spec.restart.max = 0;
  story.join('a');
  story.settle();
  story.controller.resigned({{0}, {life('a'), {9}}, Blame::plugin, "late"}, *story.documents.view(story.spec), {});
  CHECK_FALSE(story.decide());
}

TEST_CASE("a task over restart.max fails the job, and says why", "[core][controller]") {
  ControllerStory story(1);
  story.spec.restart.max = 1;
  story.join('a');
  story.settle();
  story.resign(0, Blame::plugin);
  story.settle();
  story.now = story.now + seconds(1);
  story.settle();
  CHECK_FALSE(story.status().ended);
  story.resign(0, Blame::plugin, "bad row 17");
  CHECK(story.settle() == 1);
  CHECK(story.status().ended);
  CHECK(story.status().status == JobStatus::failed);
  CHECK(story.status().reason.find("task 0 gave up: 2 failures in 60 s") == 0);
  CHECK(story.status().reason.find("bad row 17") != std::string::npos);
  story.prove_gone('a');
  CHECK_FALSE(story.decide());  // nothing is decided for a job that has ended
}

TEST_CASE("an epoch is left once, from the one that stands, by a primary that stands", "[core][controller]") {
  ControllerStory story(2);
  story.join('a');
  story.settle();
  const auto ask = [&](std::uint64_t term, std::uint64_t from) {
    story.controller.asked(AdvanceAsk{{1}, Term{term}, Epoch{from}});
    story.settle();
    return story.epoch();
  };
  CHECK(ask(2, 0) == Epoch{0});
  CHECK(ask(1, 1) == Epoch{0});
  CHECK(ask(1, 0) == Epoch{1});
  CHECK(ask(1, 0) == Epoch{1});  // asked again: done already
  CHECK(ask(1, 1) == Epoch{2});
}

TEST_CASE("advance and finish are compared with term and epoch at the commit, too", "[core][controller]") {
  const bool finishing = GENERATE(false, true);
  ControllerStory story(1);
  story.join('a');
  story.settle();
  if (finishing) {
    story.controller.asked(FinishAsk{{0}, Term{1}, Epoch{0}, JobStatus::done, "{}"});
  } else {
    story.controller.asked(AdvanceAsk{{0}, Term{1}, Epoch{0}});
  }
  const auto change = story.decide();
  REQUIRE(change);
  SECTION("nothing has moved") {
    CHECK(story.store.apply(story.session, *change).committed);
  }
  SECTION("the epoch has moved") {
    story.write(Key::of(DocumentKind::epoch), EpochDocument{Epoch{1}});
    CHECK_FALSE(story.store.apply(story.session, *change).committed);
  }
  SECTION("the task has a new primary") {
    story.write(Key::shard(0), ShardDocument{{TaskAssignment{Term{2}, {life('a'), {2}}, {}, {}, {3}}}});
    CHECK_FALSE(story.store.apply(story.session, *change).committed);
  }
}

TEST_CASE("a job is finished once, by a primary that stands, in the epoch that stands", "[core][controller]") {
  ControllerStory story(1);
  story.join('a');
  story.settle();
  const auto ask = [&](std::uint64_t term, std::uint64_t epoch, JobStatus status, const std::string& result) {
    story.controller.asked(FinishAsk{{0}, Term{term}, Epoch{epoch}, status, result});
    story.settle();
    return story.status().ended;
  };
  CHECK_FALSE(ask(0, 0, JobStatus::failed, "stale term"));
  CHECK_FALSE(ask(1, 1, JobStatus::failed, "other epoch"));
  CHECK(ask(1, 0, JobStatus::done, "{\"sum\": 1}"));
  CHECK(ask(1, 0, JobStatus::failed, "{}"));
  CHECK(story.status().status == JobStatus::done);
  CHECK(story.status().result == "{\"sum\": 1}");
}

TEST_CASE("nothing is decided from documents of which one is missing", "[core][controller]") {
  const DocumentKind missing = GENERATE(DocumentKind::view, DocumentKind::epoch, DocumentKind::status);
  ControllerStory story(1);
  story.join('a');
  story.erase(Key::of(missing));
  CHECK_FALSE(story.decide());
}

TEST_CASE("documents give no view without the view's own or with a shard missing", "[core][controller]") {
  ControllerStory story(4, 2);
  Documents documents;
  CHECK(documents.view(story.spec) == nullptr);
  const Key view = Key::of(DocumentKind::view);
  const auto shard = make(ShardDocument{std::vector<TaskAssignment>(2)});
  documents.replace({{view, 1, make(ViewDocument{ViewVersion{1}, {}})}, {Key::shard(0), 1, shard}});
  CHECK(documents.view(story.spec) == nullptr);
  documents.committed({{}, {{Key::shard(1), shard, false}}}, {1});
  const View given = documents.view(story.spec);
  REQUIRE(given != nullptr);
  CHECK(given->tasks().size() == 4);
  CHECK(documents.view(story.spec) == given);
}

TEST_CASE("the proof of a life stays as long as an in-sync set names it", "[core][controller]") {
  ControllerStory story(1);
  story.join('a');
  story.join('b');
  story.spec.backups = {1};
  const Seat a{life('a'), {1}};
  const Seat b{life('b'), {2}};
  story.write(Key::shard(0), ShardDocument{{TaskAssignment{Term{1}, a, {b}, {a, b}, {3}}}});
  story.write(Key::of(DocumentKind::view), ViewDocument{ViewVersion{2}, {host('A'), host('B')}});
  story.prove_gone('a');
  CHECK(story.settle() == 1);
  CHECK(story.task(0).primary == b);
  CHECK(story.store.version(Key::gone(life('a'))) != 0);
}

}  // namespace
}  // namespace taskgraph::core
