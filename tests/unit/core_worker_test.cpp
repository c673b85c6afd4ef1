#include "host/core/worker.hpp"

#include <string>
#include <utility>
#include <vector>

#include "tests/support/catch.hpp"
#include "tests/support/replica_story.hpp"

namespace taskgraph::core {
namespace {

using tests::life;

/// One worker, life a, of a job of three tasks; what it does is one line of text.
struct WorkerStory {
  Worker worker{life('a')};
  Time now{};
  std::vector<TaskAssignment> tasks = std::vector<TaskAssignment>(3);
  std::uint64_t version = 0;

  void grant(std::uint32_t task, char to) {
    tasks[task].primary = {life(to), tasks[task].next_counter};
    tasks[task].next_counter = tasks[task].next_counter.next();
    tasks[task].term = tasks[task].term.next();
  }
  View next_view() { return std::make_shared<const Assignment>(ViewVersion{++version}, std::vector<HostId>{}, tasks); }
  std::string give(WorkerEvent event) {
    WorkerEffects effects;
    worker.handle(std::move(event), now, effects);
    std::string text;
    for (const WorkerEffect& effect : effects) text += (text.empty() ? "" : "; ") + line(effect);
    return text;
  }
  std::string publish() { return give(event::ViewPushed{next_view()}); }
  std::string enter(std::uint64_t epoch) { return give(event::EpochPushed{Epoch{epoch}}); }
  std::string applied(std::uint32_t task, std::uint64_t view, std::vector<StoredFlag> flags = {}) {
    return give(event::ReplicaApplied{{task}, tasks[task].primary, {ViewVersion{view}, std::move(flags)}});
  }
  std::string ended(std::uint32_t task, std::uint32_t counter, Blame blame, std::string reason) {
    return give(event::ReplicaEnded{{task}, {life('a'), {counter}}, blame, std::move(reason)});
  }
  std::string ask(std::uint32_t task, std::uint64_t term, std::uint64_t view) {
    return give(event::SealAsked{{{task}, Term{term}, ViewVersion{view}, life('b')}});
  }
  std::string pass(Duration duration) {
    now = now + duration;
    return give(event::Tick{});
  }

  static std::string line(const WorkerEffect& effect) {
    struct ToText {
      static std::string number(std::uint64_t value) { return std::to_string(value); }
      std::string operator()(const effect::CreateReplica& e) const {
        return "create " + number(e.task.value) + "#" + number(e.seat.counter.value) + " epoch " +
               number(e.epoch.value);
      }
      std::string operator()(const effect::ToReplica& e) const {
        const std::string to = number(e.task.value) + ": ";
        if (const auto* view = std::get_if<event::ApplyView>(&e.event)) {
          return to + "apply v" + number(view->view->version().value);
        }
        if (const auto* epoch = std::get_if<event::EpochLearned>(&e.event)) {
          return to + "epoch " + number(epoch->epoch.value);
        }
        if (const auto* asked = std::get_if<event::OutsideArrived>(&e.event)) {
          return to + "outside " + number(asked->request.name.number);
        }
        if (const auto* end = std::get_if<event::OutsideEnded>(&e.event)) {
          return to + "outside end " + number(end->end.name.number);
        }
        return to + (std::holds_alternative<event::Stop>(e.event) ? "stop" : "unexpected");
      }
      std::string operator()(const effect::SendSealAck& e) const {
        return "ack t" + number(e.ack.term.value) + " of " + number(e.ack.task.value) + " to " + number(e.to.low) +
               (e.ack.flags.empty() ? "" : " with " + number(e.ack.flags.size()) + " flags");
      }
      std::string operator()(const effect::Resign& e) const {
        return "resign " + number(e.resignation.task.value) + "#" + number(e.resignation.seat.counter.value) + " " +
               e.resignation.reason;
      }
      std::string operator()(const effect::ReplyOutside& e) const {
        return "outside " + number(e.reply.name.number) +
               (e.reply.kind == OutsideReply::Kind::not_here ? " not here" : "");
      }
      std::string operator()(const effect::AllStopped&) const { return "all stopped"; }
    };
    return std::visit(ToText{}, effect);
  }
};

StoredFlag stored(std::uint32_t sender, std::uint64_t epoch) {
  return StoredFlag{TaskId{sender}, Epoch{epoch}, Flag{{Term{1}, 0}, {0}, Bytes("x")}};
}

TEST_CASE("a worker makes the replicas of its life once the epoch is known, each seat once", "[core][worker]") {
  WorkerStory story;
  story.grant(0, 'a');
  story.grant(1, 'b');
  CHECK(story.publish().empty());  // a replica enters an epoch with its first role
  CHECK(story.enter(5) == "create 0#1 epoch 5");
  CHECK(story.worker.applied() == ViewVersion{});
  CHECK(story.applied(0, 1).empty());
  CHECK(story.worker.applied() == ViewVersion{1});

  story.tasks[2].backups.push_back({life('a'), {1}});
  CHECK(story.publish() == "0: apply v2; create 2#1 epoch 5");
  CHECK(story.worker.replicas() == 2);
  CHECK(story.publish() == "0: apply v3; 2: apply v3");
  CHECK(story.enter(6) == "0: epoch 6; 2: epoch 6");
  CHECK(story.enter(6).empty());
}

TEST_CASE("a view that comes late or twice is not applied again", "[core][worker]") {
  WorkerStory story;
  story.enter(0);
  story.grant(0, 'a');
  const View old = story.next_view();
  const View newer = story.next_view();
  CHECK(story.give(event::ViewPushed{newer}) == "create 0#1 epoch 0");
  CHECK(story.give(event::ViewPushed{old}).empty());
  CHECK(story.give(event::ViewPushed{newer}).empty());
  CHECK(story.worker.view() == newer);
}

TEST_CASE("of views that come before the first epoch the newest is applied", "[core][worker]") {
  WorkerStory story;
  const View old = story.next_view();
  story.grant(0, 'a');
  const View newer = story.next_view();
  CHECK(story.give(event::ViewPushed{newer}).empty());
  CHECK(story.give(event::ViewPushed{old}).empty());
  CHECK(story.enter(0) == "create 0#1 epoch 0");
}

TEST_CASE("a grant is acknowledged after all replicas have applied it, and not before", "[core][worker]") {
  WorkerStory story;
  story.enter(0);
  story.grant(0, 'a');
  story.grant(1, 'a');
  story.grant(2, 'b');
  story.publish();  // first terms need no seal
  story.applied(0, 1);
  CHECK(story.applied(1, 1).empty());

  story.grant(2, 'c');
  CHECK(story.publish() == "0: apply v2; 1: apply v2");
  CHECK(story.ask(2, 2, 2).empty());
  CHECK(story.applied(0, 2).empty());
  CHECK(story.applied(0, 2).empty());  // twice is not both
  CHECK(story.applied(1, 2) == "ack t2 of 2 to 3");

  CHECK(story.ask(2, 2, 2) == "ack t2 of 2 to 3");  // the first one got lost
  CHECK(story.ask(2, 2, 3).empty());                // a view that has not come here
  CHECK(story.ask(2, 1, 2).empty());                // a term that is over
}

TEST_CASE("a replica whose hook takes its time holds up no grant; the flags it has stored follow", "[core][worker]") {
  WorkerStory story;
  story.enter(1);
  story.grant(0, 'a');
  story.grant(1, 'a');
  story.grant(2, 'b');
  story.publish();
  story.applied(0, 1);
  story.applied(1, 1);

  story.grant(2, 'c');
  story.publish();
  CHECK(story.worker.wakeup() == story.now + milliseconds(20));
  CHECK(story.applied(0, 2, {stored(2, 1)}).empty());
  CHECK(story.pass(milliseconds(19)).empty());
  CHECK(story.worker.applied() == ViewVersion{});
  CHECK(story.pass(milliseconds(1)) == "ack t2 of 2 to 3 with 1 flags");
  CHECK(story.worker.applied() == ViewVersion{2});
  CHECK(story.worker.wakeup() == Time::never());
  CHECK(story.ask(2, 2, 2) == "ack t2 of 2 to 3 with 1 flags");
  CHECK(story.applied(1, 2, {stored(2, 1), stored(2, 0)}) == "ack t2 of 2 to 3 with 2 flags");
}

TEST_CASE("a view that comes while one waits for slow replicas puts off no acknowledgement", "[core][worker]") {
  WorkerStory story;
  story.enter(1);
  story.grant(0, 'a');
  story.grant(2, 'b');
  story.publish();
  story.applied(0, 1);
  for (const char life : {'c', 'd'}) {
    story.grant(2, life);
    story.publish();
    CHECK(story.pass(milliseconds(10)) == (life == 'c' ? "" : "ack t3 of 2 to 4"));
  }
}

TEST_CASE("a worker without replicas acknowledges at once", "[core][worker]") {
  WorkerStory story;
  CHECK(story.ask(2, 2, 1).empty());  // before any view
  story.enter(0);
  story.grant(2, 'b');
  story.publish();
  story.grant(2, 'c');
  CHECK(story.publish() == "ack t2 of 2 to 3");
  story.tasks[2].primary = {};
  story.tasks[2].term = story.tasks[2].term.next();
  CHECK(story.publish().empty());  // nobody to tell
}

TEST_CASE("grants of views that were overtaken are acknowledged with the newest", "[core][worker]") {
  WorkerStory story;
  story.enter(0);
  story.grant(0, 'a');
  story.grant(1, 'b');
  story.grant(2, 'b');
  story.publish();
  story.applied(0, 1);
  story.grant(1, 'c');
  story.publish();
  story.grant(2, 'd');
  story.publish();
  CHECK(story.applied(0, 2).empty());
  CHECK(story.applied(0, 3) == "ack t2 of 1 to 3; ack t2 of 2 to 4");
}

TEST_CASE("an acknowledgement carries the flags that replicas stored of the task, of this epoch", "[core][worker]") {
  WorkerStory story;
  story.enter(1);
  story.grant(0, 'a');
  story.grant(2, 'b');
  story.publish();
  story.applied(0, 1);
  story.grant(2, 'c');
  story.publish();
  CHECK(story.applied(0, 2, {stored(2, 1), stored(2, 0), stored(1, 1)}) == "ack t2 of 2 to 3 with 1 flags");
  story.enter(2);
  CHECK(story.ask(2, 2, 2) == "ack t2 of 2 to 3");  // flags end with their epoch
}

TEST_CASE("a replica that ended resigns, every 500 ms, until no view names its seat", "[core][worker]") {
  WorkerStory story;
  story.enter(0);
  story.grant(0, 'a');
  story.publish();
  story.applied(0, 1);
  CHECK(story.worker.wakeup() == Time::never());
  CHECK(story.ended(0, 1, Blame::plugin, "bad row") == "resign 0#1 bad row");
  CHECK(story.worker.wakeup() == story.now + milliseconds(500));
  CHECK(story.pass(milliseconds(499)).empty());
  CHECK(story.pass(milliseconds(1)) == "resign 0#1 bad row");
  CHECK(story.publish().empty());  // this view names it still: no second replica under that name
  CHECK(story.pass(milliseconds(500)) == "resign 0#1 bad row");

  story.grant(0, 'a');
  CHECK(story.publish() == "create 0#2 epoch 0");
  CHECK(story.applied(0, 3) == "ack t2 of 0 to 1");
  CHECK(story.worker.wakeup() == Time::never());
  CHECK(story.pass(seconds(5)).empty());
}

TEST_CASE("a seat that replaces one in the same life is filled when that one has exited", "[core][worker]") {
  WorkerStory story;
  story.enter(0);
  story.grant(0, 'a');
  story.publish();
  story.applied(0, 1);
  story.grant(0, 'a');
  CHECK(story.publish() == "0: apply v2");
  CHECK(story.ended(0, 7, Blame::outside, "").empty());  // a replica that was never here
  CHECK(story.ended(0, 1, Blame::outside, "") == "create 0#2 epoch 0");
  CHECK(story.worker.applied() == ViewVersion{});
  CHECK(story.applied(0, 2) == "ack t2 of 0 to 1");  // its own grant, too
}

TEST_CASE("the end of the last replica that lagged completes the view", "[core][worker]") {
  WorkerStory story;
  story.enter(0);
  story.grant(0, 'a');
  story.grant(2, 'b');
  story.publish();
  story.applied(0, 1);
  story.grant(2, 'c');
  story.publish();
  CHECK(story.ended(0, 1, Blame::injected, "chaos") == "resign 0#1 chaos; ack t2 of 2 to 3");
}

TEST_CASE("told to stop, a worker stops its replicas, makes no more, and says when all are out", "[core][worker]") {
  WorkerStory story;
  story.enter(0);
  story.grant(0, 'a');
  story.grant(1, 'a');
  story.publish();
  CHECK(story.give(event::StopAll{ExitReason::drain}) == "0: stop; 1: stop");
  CHECK(story.give(event::StopAll{ExitReason::drain}).empty());
  CHECK(story.ended(0, 1, Blame::plugin, "").empty());
  story.grant(2, 'a');
  CHECK(story.publish() == "1: apply v2");
  CHECK(story.ended(1, 1, Blame::plugin, "") == "all stopped");

  WorkerStory empty;
  CHECK(empty.give(event::StopAll{ExitReason::job_ended}) == "all stopped");
}

TEST_CASE("news of replicas that are not here change nothing", "[core][worker]") {
  WorkerStory story;
  story.enter(0);
  story.grant(0, 'a');
  story.grant(2, 'b');
  story.publish();
  story.applied(0, 1);
  story.grant(2, 'c');
  story.publish();
  CHECK(story.applied(1, 2).empty());  // no replica of that task
  CHECK(story.give(event::ReplicaApplied{{0}, {life('a'), {9}}, {ViewVersion{2}, {}}}).empty());  // nor of that name
  CHECK(story.ended(1, 1, Blame::plugin, "x").empty());
  CHECK(story.worker.replicas() == 1);
  CHECK(story.applied(0, 2) == "ack t2 of 2 to 3");
}

TEST_CASE("the end of one replica that lagged leaves a view waiting for the others", "[core][worker]") {
  WorkerStory story;
  story.enter(0);
  story.grant(0, 'a');
  story.grant(1, 'a');
  story.grant(2, 'b');
  story.publish();
  story.applied(0, 1);
  story.applied(1, 1);
  story.grant(2, 'c');
  story.publish();
  CHECK(story.ended(0, 1, Blame::injected, "chaos") == "resign 0#1 chaos");
  CHECK(story.applied(1, 2) == "ack t2 of 2 to 3");
}

TEST_CASE("a replica whose task has moved to another life ends without a word", "[core][worker]") {
  WorkerStory story;
  story.enter(0);
  story.grant(0, 'a');
  story.publish();
  story.applied(0, 1);
  const Seat old = story.tasks[0].primary;
  story.grant(0, 'b');
  CHECK(story.publish() == "0: apply v2");
  SECTION("as it applies the view") {
    CHECK(story.ended(0, 1, Blame::outside, "") == "ack t2 of 0 to 2");
  }
  SECTION("after it has reported it") {
    CHECK(story.give(event::ReplicaApplied{{0}, old, {ViewVersion{2}, {}}}) == "ack t2 of 0 to 2");
    CHECK(story.ended(0, 1, Blame::outside, "").empty());
  }
  CHECK(story.worker.replicas() == 0);
  CHECK(story.worker.wakeup() == Time::never());
}

TEST_CASE("a seat that replaces one in the same life is waited for, though that one had reported the view",
          "[core][worker]") {
  WorkerStory story;
  story.enter(0);
  story.grant(0, 'a');
  story.publish();
  story.applied(0, 1);
  const Seat old = story.tasks[0].primary;
  story.grant(0, 'a');
  story.grant(2, 'b');
  story.grant(2, 'c');
  story.publish();
  CHECK(story.give(event::ReplicaApplied{{0}, old, {ViewVersion{2}, {}}}) == "ack t2 of 0 to 1; ack t2 of 2 to 3");
  CHECK(story.ended(0, 1, Blame::outside, "") == "create 0#2 epoch 0");
  story.grant(2, 'd');
  CHECK(story.publish() == "0: apply v3");
  CHECK(story.applied(0, 3) == "ack t3 of 2 to 4");
}

TEST_CASE("flags that are late for a grant follow, also when a newer view came in between, and again",
          "[core][worker]") {
  WorkerStory story;
  story.enter(0);
  story.grant(0, 'a');
  story.grant(1, 'b');
  story.grant(2, 'b');
  story.publish();
  story.applied(0, 1);
  story.grant(1, 'c');
  story.publish();
  CHECK(story.pass(milliseconds(20)) == "ack t2 of 1 to 3");  // a hook keeps task 0 busy
  story.grant(2, 'd');
  story.publish();
  CHECK(story.applied(0, 3, {stored(1, 0), stored(1, 0), stored(2, 0)}) ==
        "ack t2 of 1 to 3 with 2 flags; ack t2 of 2 to 4 with 1 flags");
  CHECK(story.pass(milliseconds(499)).empty());
  CHECK(story.pass(milliseconds(1)) == "ack t2 of 1 to 3 with 2 flags");
  CHECK(story.applied(0, 3, {stored(1, 0)}) == "ack t2 of 1 to 3 with 3 flags");
  CHECK(story.pass(milliseconds(500)) == "ack t2 of 1 to 3 with 3 flags");
  CHECK(story.enter(1) == "0: epoch 1");
  CHECK(story.worker.wakeup() == Time::never());
}

TEST_CASE("a pull from outside goes to the replica behind the view that its asker knew, or nowhere", "[core][worker]") {
  WorkerStory story;
  const auto ask = [&](std::uint32_t task, std::uint64_t number) {
    return story.give(event::OutsideAsked{{{{}, number}, {task}, Term{1}, seconds(1), "get", {}}});
  };
  const auto end = [&](std::uint32_t task, std::uint64_t number) {
    return story.give(event::OutsideGivenUp{{{{}, number}, {task}}});
  };
  story.enter(0);
  CHECK(ask(0, 1) == "outside 1 not here");
  story.grant(0, 'a');
  CHECK(story.publish() == "create 0#1 epoch 0");
  CHECK(ask(0, 2) == "0: outside 2");
  CHECK(ask(1, 3) == "outside 3 not here");
  CHECK(ask(999, 4) == "outside 4 not here");
  CHECK(end(0, 2) == "0: outside end 2");
  CHECK(end(1, 3).empty());
}

TEST_CASE("a seat under a name that has been used here is not filled", "[core][worker]") {
  WorkerStory story;
  story.enter(0);
  story.tasks[0].next_counter = {5};
  story.grant(0, 'a');
  CHECK(story.publish() == "create 0#5 epoch 0");
  story.applied(0, 1);
  story.tasks[0].primary.counter = {4};
  CHECK(story.publish() == "0: apply v2");
  CHECK(story.ended(0, 5, Blame::outside, "").empty());
  CHECK(story.worker.replicas() == 0);
  CHECK(story.publish().empty());
}

}  // namespace
}  // namespace taskgraph::core
