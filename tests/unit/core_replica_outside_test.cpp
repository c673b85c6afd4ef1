// Pulls from outside at one replica, as stories: they reach the task once, outlive epochs, and are answered by who may.
#include <string>
#include <string_view>

#include "tests/support/catch.hpp"
#include "tests/support/replica_story.hpp"

namespace taskgraph::core {
namespace {

using tests::ReplicaStory;

class OutsideStory : public ReplicaStory {
 public:
  using ReplicaStory::ReplicaStory;

  static OutsideName named(std::uint64_t number, char asker = 'A') { return {tests::host(asker), number}; }
  /// Of term 1, unless a test says otherwise.
  void ask(std::uint64_t number, std::string_view body = "", Term term = Term{1}, char asker = 'A') {
    give(0, event::OutsideArrived{{named(number, asker), {0}, term, seconds(5), "get", Bytes(body)}});
  }
  void end(std::uint64_t number) { give(0, event::OutsideEnded{{named(number), {0}}}); }
  const ReplicaCounters& counters() { return replica(0).counters(); }
};

TEST_CASE("a pull from outside reaches the task without a sender, and its answer leaves at once", "[core][outside]") {
  OutsideStory story(2);
  story.start();
  story.ask(1, "q");
  CHECK(story.told(0) == "serve outside get(q)");
  story.reply(0, "a");
  CHECK(story.told(0) == "outside 1 answer a");
  story.end(1);
  CHECK(story.told(0).empty());
  CHECK(story.wire.empty());
}

TEST_CASE("a pull from outside that comes again reaches the task once, and its answer goes again", "[core][outside]") {
  OutsideStory story(1);
  story.start();
  story.ask(1, "q");
  story.ask(1, "q");
  CHECK(story.told(0) == "serve outside get(q)");
  CHECK(story.counters().outside_repeated == 1);
  story.reply(0, "a");
  CHECK(story.told(0) == "outside 1 answer a");
  story.ask(1, "q");
  CHECK(story.told(0) == "outside 1 answer a");
  // The same number of another asker is another pull.
  story.ask(1, "other", Term{1}, 'B');
  CHECK(story.told(0) == "serve outside get(other)");
}

TEST_CASE("an answer that its asker wants no more is dropped", "[core][outside]") {
  OutsideStory story(1);
  story.start();
  story.ask(1);
  story.end(1);
  story.told(0);
  story.reply(0, "late");
  CHECK(story.told(0).empty());
  CHECK(story.counters().late_replies == 1);
  story.end(1);  // twice, or of a pull that never came
  story.end(9);
  CHECK(story.told(0).empty());
}

TEST_CASE("an epoch's end leaves pulls from outside open", "[core][outside]") {
  OutsideStory story(2);
  story.start();
  story.ask(1, "q");
  story.enter(Epoch{1});
  story.enter(Epoch{2});
  CHECK(story.told(0) == "serve outside get(q); epoch 1; epoch 2");
  story.reply(0, "a");
  CHECK(story.told(0) == "outside 1 answer a");
}

TEST_CASE("who is no primary at the asked term takes no pull from outside", "[core][outside]") {
  OutsideStory story(1);
  story.grant(0, 'a');
  story.add_backup(0, 'b');
  story.publish();
  story.told(0);
  story.ask(1, "", Term{2});
  CHECK(story.told(0) == "outside 1 not here");
  story.give(0, 'b', event::OutsideArrived{{OutsideStory::named(2), {0}, Term{1}, seconds(5), "get", {}}});
  CHECK(story.told(0, 'b') == "backup; applied v1; outside 2 not here");
  story.give(0, event::OutsideArrived{{OutsideStory::named(3), {1}, Term{1}, seconds(5), "get", {}}});
  CHECK(story.told(0) == "outside 3 not here");
  CHECK(story.counters().outside_not_here == 2);
  story.lease.clear();
  story.ask(4);
  CHECK(story.told(0) == "outside 4 not here");
}

TEST_CASE("an answer to the outside waits for the seal", "[core][outside]") {
  OutsideStory story(1);
  story.grant(0, 'a');
  story.add_backup(0, 'b');
  story.publish();
  story.crash(0, 'a');
  story.promote(0);
  story.add_backup(0, 'c');
  story.publish();
  story.told(0);
  story.ask(1, "q", Term{2});
  CHECK(story.told(0) == "serve outside get(q)");
  story.reply(0, "a");
  CHECK(story.told(0).empty());
  story.acknowledge(0, 'b');
  CHECK(story.told(0).empty());
  story.acknowledge(0, 'c');
  CHECK(story.told(0) == "outside 1 answer a");
}

TEST_CASE("an answer to the outside waits for the lease", "[core][outside]") {
  OutsideStory story(1);
  story.lease.clear();
  story.lease.extend(story.now, seconds(1));
  story.start();
  story.ask(1, "q");
  story.told(0);
  story.now = story.now + seconds(2);
  story.reply(0, "a");
  CHECK(story.told(0).empty());
  story.pass(milliseconds(100));  // nobody tells of a new lease: it looks again and again
  CHECK(story.told(0).empty());
  story.lease.extend(story.now, seconds(1));
  story.pass(milliseconds(100));
  CHECK(story.told(0) == "outside 1 answer a");
  CHECK(story.replica(0).wakeup() > story.now + seconds(5));  // no more of that
}

TEST_CASE("a replica that ends answers nobody outside", "[core][outside]") {
  OutsideStory story(1);
  story.start();
  story.ask(1);
  story.told(0);
  story.give(0, event::Stop{ExitReason::drain});
  story.reply(0, "a");
  story.ask(2);
  CHECK(story.told(0) == "exit drain");
}

TEST_CASE("an answer to the outside beyond message_bytes is an error that says that it ran", "[core][outside]") {
  OutsideStory story(1);
  story.spec.limits.message_bytes = 3;
  story.start();
  story.ask(1);
  story.reply(0, "1234");
  CHECK(story.told(0) == "serve outside get(); outside 1 answer 6 the answer is too large");
  story.ask(2);
  story.told(0);
  story.give(0, event::Reply{0, Outcome::value, 0, {}});  // to no pull
  CHECK(story.told(0).empty());
}

TEST_CASE("pulls from outside count in serves_open, kept answers too", "[core][outside]") {
  OutsideStory story(2);
  story.spec.limits.serves_open = 2;
  story.start();
  story.ask(1);
  story.told(0);
  story.reply(0, "a");  // kept: its asker has not said that it has it
  story.ask(2);
  story.told(0);
  story.ask(3);
  CHECK(story.told(0) == "outside 3 busy");
  story.ask(2);  // known ones are no new ones
  CHECK(story.told(0).empty());
  story.end(1);
  story.ask(3);
  CHECK(story.told(0) == "serve outside get()");
  // Tasks and the outside share the limit: two are open now.
  story.pull(1, 7, 0);
  story.deliver();
  CHECK(story.told(1) == "pull 7 error 3");
  story.end(2);
  story.pull(1, 8, 0);
  story.deliver();
  CHECK(story.told(0) == "serve 1 get()");
  story.end(3);
  story.pull(1, 9, 0);
  story.deliver();
  CHECK(story.told(0) == "serve 1 get()");
  story.ask(4);
  CHECK(story.told(0) == "outside 4 busy");
}

TEST_CASE("a replica forgets the pulls of an asker that is gone", "[core][outside]") {
  OutsideStory story(1);
  story.spec.limits.serves_open = 2;
  story.start();
  story.ask(1);
  story.reply(0, "a");
  story.pass(seconds(1));
  story.ask(2);
  story.told(0);
  story.pass(seconds(14));  // deadline and kForgetAfter of the first
  CHECK(story.counters().outside_forgotten == 0);
  story.ask(3);
  CHECK(story.told(0) == "serve outside get()");
  story.pass(seconds(1));
  CHECK(story.counters().outside_forgotten == 1);
  story.reply(0, "for 3");
  CHECK(story.told(0) == "outside 3 answer for 3");
  story.ask(2, "again");  // nothing is known of it any more
  CHECK(story.told(0) == "serve outside get(again)");
}

TEST_CASE("an end takes an answer back that waits for the seal", "[core][outside]") {
  OutsideStory story(1);
  story.grant(0, 'a');
  story.add_backup(0, 'b');
  story.publish();
  story.crash(0, 'a');
  story.promote(0);
  story.publish();
  story.ask(1, "", Term{2});
  story.reply(0, "a");
  story.ask(2, "", Term{2});
  story.reply(0, "b");
  story.told(0);
  story.end(1);
  story.acknowledge(0, 'b');
  CHECK(story.told(0) == "outside 2 answer b");
}

}  // namespace
}  // namespace taskgraph::core
