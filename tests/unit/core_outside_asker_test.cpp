// The asker's end of pulls from outside: where each goes, again to whom, and its one answer.
#include "host/core/outside_asker.hpp"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/catch.hpp"
#include "tests/support/replica_story.hpp"

namespace taskgraph::core {
namespace {

using tests::host;
using tests::life;

class Story {
 public:
  explicit Story(std::uint32_t count = 2) : spec(tests::small_job(count)), tasks(count) {}

  JobSpec spec;
  OutsideAsker asker{host('A'), spec};
  Time now{};
  std::vector<TaskAssignment> tasks;

  void grant(std::uint32_t task, char to) {
    tasks[task].primary = {life(to), tasks[task].next_counter};
    tasks[task].next_counter = tasks[task].next_counter.next();
    tasks[task].term = tasks[task].term.next();
  }
  std::string learn() {
    ++version;
    return learn(version);
  }
  std::string learn(std::uint64_t of_version) {
    OutsideEffects out;
    asker.learn(std::make_shared<const Assignment>(ViewVersion{of_version}, std::vector<HostId>{}, tasks), now, out);
    return told(out);
  }
  std::string ask(std::uint32_t task, std::string_view body = "q", Duration deadline = seconds(1)) {
    OutsideEffects out;
    asker.ask({{task}, "get", Bytes(body), now + deadline}, now, out);
    return told(out);
  }
  std::string ask_method(std::size_t method_bytes) {
    OutsideEffects out;
    asker.ask({{0}, std::string(method_bytes, 'm'), {}, now + seconds(1)}, now, out);
    return told(out);
  }
  OutsideReply reply_of(std::uint64_t number, std::uint32_t task, OutsideReply::Kind kind) const {
    return {kind, {host('A'), number}, {task}, tasks[task].term, Outcome::value, 0, {}};
  }
  std::string give(OutsideReply reply) {
    OutsideEffects out;
    asker.replied(std::move(reply), now, out);
    return told(out);
  }
  std::string answer(std::uint64_t number, std::uint32_t task, std::string_view body) {
    OutsideReply reply = reply_of(number, task, OutsideReply::Kind::answered);
    reply.body = Bytes(body);
    return give(std::move(reply));
  }
  std::string not_here(std::uint64_t number, std::uint32_t task) {
    return give(reply_of(number, task, OutsideReply::Kind::not_here));
  }
  /// Moves the clock, and wakes the asker if it wants that.
  std::string pass(Duration duration) {
    now = now + duration;
    OutsideEffects out;
    if (asker.wakeup() <= now) asker.tick(now, out);
    return told(out);
  }
  std::string close() {
    OutsideEffects out;
    asker.close(out);
    return told(out);
  }

 private:
  static std::string told(const OutsideEffects& effects) {
    std::string text;
    for (const OutsideEffect& effect : effects) {
      if (!text.empty()) text += "; ";
      if (const auto* sent = std::get_if<effect::SendOutside>(&effect)) {
        text += "send " + std::to_string(sent->request.name.number) + " to " + name(sent->to) + " t" +
                std::to_string(sent->request.term.value) + " " + sent->request.method + "(" +
                std::string(sent->request.body.view()) + ") " + std::to_string(sent->request.deadline.ns / 1'000'000);
      } else if (const auto* end = std::get_if<effect::SendOutsideEnd>(&effect)) {
        text += "end " + std::to_string(end->end.name.number) + " at " + name(end->to);
      } else if (const auto* answered = std::get_if<effect::OutsideAnswered>(&effect)) {
        const char* const kinds[] = {"answered", "no primary", "deadline", "busy", "closed"};
        const OutsideAnswer& answer = answered->answer;
        text += std::to_string(answered->number) + " " + kinds[static_cast<int>(answer.kind)];
        if (answer.outcome == Outcome::error) text += " error " + std::to_string(answer.code);
        if (answer.body.size() != 0) text += " " + std::string(answer.body.view());
      }
    }
    return text;
  }
  static char name(LifeId of) { return static_cast<char>('a' + of.low - 1); }

  std::uint64_t version = 0;
};

TEST_CASE("a pull goes to its task's primary, and its answer ends it there and here", "[core][outside]") {
  Story story;
  story.grant(0, 'a');
  story.grant(1, 'b');
  story.learn();
  CHECK(story.ask(1) == "send 1 to b t1 get(q) 1000");
  CHECK(story.ask(0, "p") == "send 2 to a t1 get(p) 1000");
  CHECK(story.answer(1, 1, "x") == "end 1 at b; 1 answered x");
  CHECK(story.answer(1, 1, "again").empty());
  CHECK(story.asker.size() == 1);
}

TEST_CASE("a pull of a task without a primary waits for one, in the order of asking", "[core][outside]") {
  Story story;
  CHECK(story.ask(0, "1").empty());
  CHECK(story.ask(0, "2").empty());
  CHECK(story.learn().empty());
  story.grant(0, 'a');
  story.now = story.now + milliseconds(400);
  CHECK(story.learn() == "send 1 to a t1 get(1) 600; send 2 to a t1 get(2) 600");
  CHECK(story.learn().empty());  // nothing has changed for them
}

TEST_CASE("a pull goes to the new primary at once, under its name", "[core][outside]") {
  Story story;
  story.grant(0, 'a');
  story.learn();
  CHECK(story.ask(0) == "send 1 to a t1 get(q) 1000");
  story.grant(0, 'b');
  CHECK(story.learn() == "send 1 to b t2 get(q) 1000");
  CHECK(story.learn(1).empty());  // an old view
  OutsideReply late = story.reply_of(1, 0, OutsideReply::Kind::answered);
  late.term = Term{1};
  CHECK(story.give(late).empty());
  CHECK(story.answer(1, 0, "x") == "end 1 at b; 1 answered x");
}

TEST_CASE("the last primary's answer counts while there is no other", "[core][outside]") {
  Story story;
  story.grant(0, 'a');
  story.learn();
  story.ask(0);
  story.tasks[0].primary = {};
  CHECK(story.learn().empty());
  CHECK(story.answer(1, 0, "x") == "1 answered x");
}

TEST_CASE("at its deadline a pull says whether a primary had it", "[core][outside]") {
  Story story;
  story.grant(0, 'a');
  story.learn();
  story.ask(0);
  story.ask(1);
  CHECK(story.pass(milliseconds(999)).empty());
  CHECK(story.pass(milliseconds(1)) == "end 1 at a; 1 deadline; 2 no primary");
  CHECK(story.answer(1, 0, "late").empty());
  CHECK(story.asker.size() == 0);
  CHECK(story.asker.wakeup() == Time::never());
  // A deadline that has passed already is no different.
  CHECK(story.ask(0, "q", Duration{0}).empty());
  CHECK(story.pass(Duration{0}) == "3 no primary");
}

TEST_CASE("a pull that is not taken goes again, ever later, and at once with a view", "[core][outside]") {
  Story story;
  story.grant(0, 'a');
  story.learn();
  story.ask(0);
  for (const std::int64_t wait_ms : {5, 10, 20, 40, 80, 160, 200, 200}) {
    CHECK(story.not_here(1, 0).empty());
    CHECK(story.not_here(1, 0).empty());  // doubled
    CHECK(story.pass(milliseconds(wait_ms - 1)).empty());
    const std::string left = std::to_string(1'000 - story.now.ns / 1'000'000 - 1);
    CHECK(story.pass(milliseconds(1)) == "send 1 to a t1 get(q) " + left);
  }
  CHECK(story.not_here(1, 0).empty());
  CHECK(story.learn() == "send 1 to a t1 get(q) 285");
  CHECK(story.not_here(1, 0).empty());
  story.grant(0, 'b');
  CHECK(story.learn() == "send 1 to b t2 get(q) 285");
  CHECK(story.not_here(1, 0).empty());
  CHECK(story.pass(milliseconds(5)) == "send 1 to b t2 get(q) 280");  // a new one is late by a little at first
  CHECK(story.not_here(1, 0).empty());
  CHECK(story.pass(seconds(1)) == "end 1 at b; 1 no primary");
}

TEST_CASE("replies that are foreign or of another task change nothing", "[core][outside]") {
  Story story;
  story.grant(0, 'a');
  story.grant(1, 'b');
  story.learn();
  story.ask(0);
  OutsideReply foreign = story.reply_of(1, 0, OutsideReply::Kind::answered);
  foreign.name.asker = host('B');
  CHECK(story.give(foreign).empty());
  CHECK(story.answer(1, 1, "of another task").empty());
  CHECK(story.answer(7, 0, "to nothing").empty());
  story.tasks[0].primary = {};
  story.learn();
  CHECK(story.not_here(1, 0).empty());  // it is nowhere anyway
  CHECK(story.pass(milliseconds(500)).empty());
}

TEST_CASE("a primary that is busy ends a pull, and keeps nothing", "[core][outside]") {
  Story story;
  story.grant(0, 'a');
  story.learn();
  story.ask(0);
  CHECK(story.give(story.reply_of(1, 0, OutsideReply::Kind::busy)) == "1 busy");
}

TEST_CASE("the asker's table is bounded in pulls", "[core][outside]") {
  Story story;
  for (std::size_t i = 0; i < OutsideAsker::kPullsMax; ++i) REQUIRE(story.ask(0).empty());
  CHECK(story.ask(0) == std::to_string(OutsideAsker::kPullsMax + 1) + " busy");
  story.grant(0, 'a');
  story.learn();
  story.answer(1, 0, "x");
  CHECK(story.ask(1).empty());
  CHECK(story.asker.size() == OutsideAsker::kPullsMax);
}

TEST_CASE("the asker's table is bounded in bytes, as each pull is", "[core][outside]") {
  Story story;
  story.spec.limits.message_bytes = 10;
  story.spec.limits.channel_bytes = 20;
  CHECK(story.ask(0, "1234567").empty());  // "get" counts, too
  CHECK(story.ask(0, "1234567").empty());
  CHECK(story.ask(0, "") == "3 busy");
  CHECK(story.pass(seconds(1)) == "1 no primary; 2 no primary");
  CHECK(story.ask(0, "1234567890").empty());
  const std::string too_large = "the method has more than 1024 bytes, or the body more than limits.message_bytes";
  CHECK(story.ask(0, "12345678901") == "5 answered error 4 " + too_large);
  story.spec.limits.channel_bytes = 5'000;
  CHECK(story.ask_method(kMethodBytesMax).empty());
  CHECK(story.ask_method(kMethodBytesMax + 1) == "7 answered error 4 " + too_large);
}

TEST_CASE("the end of the job answers everything, and what still comes", "[core][outside]") {
  Story story;
  story.grant(0, 'a');
  story.learn();
  story.ask(0);
  story.ask(1);
  CHECK(story.close() == "end 1 at a; 1 closed; 2 closed");
  CHECK(story.ask(0) == "3 closed");
  CHECK(story.close().empty());
  CHECK(story.asker.wakeup() == Time::never());
}

}  // namespace
}  // namespace taskgraph::core
