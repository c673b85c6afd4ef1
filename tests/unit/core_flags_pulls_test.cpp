#include <string>
#include <vector>

#include "host/core/flags.hpp"
#include "host/core/pulls.hpp"
#include "host/core/serves.hpp"
#include "host/core/slot_map.hpp"
#include "tests/support/catch.hpp"

namespace taskgraph::core {
namespace {

constexpr LinkIndex kLink{0};

constexpr auto kAdded = Flags::Kept::added;
constexpr auto kKnown = Flags::Kept::known;
constexpr auto kOver = Flags::Kept::over_limit;

Flag named(std::uint64_t term, std::uint32_t index, std::string_view meta = "x") {
  return {FlagName{Term{term}, index}, kLink, Bytes(meta)};
}

TEST_CASE("flags are named by term and number, and end with their epoch", "[core][flags]") {
  Flags flags(3);
  CHECK(flags.raise(Term{2}, kLink, Bytes("a"))->name == FlagName{Term{2}, 0});
  CHECK(flags.raise(Term{2}, kLink, Bytes("b"))->name == FlagName{Term{2}, 1});
  CHECK(flags.raised().size() == 2);
  CHECK(flags.raised_here() == 2);
  flags.clear();
  CHECK(flags.raised().empty());
  CHECK(flags.raise(Term{2}, kLink, Bytes("c"))->name == FlagName{Term{2}, 0});
}

TEST_CASE("limits.flags_per_epoch counts what this primary raises, and no flag of those before it", "[core][flags]") {
  Flags flags(2);
  CHECK(flags.adopt(named(1, 0)) == kAdded);
  CHECK(flags.adopt(named(1, 0)) == kKnown);  // another neighbour had it, too
  CHECK(flags.adopt(named(1, 1)) == kAdded);
  CHECK(flags.adopt(named(1, 2)) == kOver);  // nor could that one have raised more
  CHECK(flags.raised_here() == 0);
  CHECK(flags.raise(Term{2}, kLink, Bytes("a")) != nullptr);
  CHECK(flags.raise(Term{2}, kLink, Bytes("b")) != nullptr);
  CHECK(flags.raise(Term{2}, kLink, Bytes("c")) == nullptr);
  CHECK(flags.raised().size() == 4);
}

TEST_CASE("flags are adopted of so many terms, and no more", "[core][flags]") {
  Flags flags(1);
  for (std::uint32_t term = 1; term <= Flags::kOriginTermsMax; ++term) CHECK(flags.adopt(named(term, 0)) == kAdded);
  CHECK(flags.adopt(named(Flags::kOriginTermsMax + 1, 0)) == kOver);
}

TEST_CASE("a flag is stored once, whoever announces it, and is there for the sender's next primary", "[core][flags]") {
  Flags flags(8);
  CHECK(flags.store(TaskId{4}, named(1, 0)) == kAdded);
  CHECK(flags.store(TaskId{4}, named(1, 0)) == kKnown);
  CHECK(flags.store(TaskId{5}, named(1, 0)) == kAdded);  // same name, another sender
  CHECK(flags.store(TaskId{4}, named(2, 0, "y")) == kAdded);

  std::vector<StoredFlag> stored;
  flags.stored_from(TaskId{4}, Epoch{7}, stored);
  REQUIRE(stored.size() == 2);
  CHECK(stored[0].flag.meta.view() == "x");
  CHECK(stored[1].flag.meta.view() == "y");
  CHECK(stored[0].sender == TaskId{4});
  CHECK(stored[0].epoch == Epoch{7});
  flags.clear();
  CHECK(flags.store(TaskId{4}, named(1, 0)) == kAdded);
}

TEST_CASE("limits.flags_per_epoch bounds what is stored of each term of a sender", "[core][flags]") {
  Flags flags(2);
  for (std::uint32_t term = 1; term <= Flags::kOriginTermsMax; ++term) {
    CHECK(flags.store(TaskId{4}, named(term, 0)) == kAdded);
    CHECK(flags.store(TaskId{4}, named(term, 1)) == kAdded);
    CHECK(flags.store(TaskId{4}, named(term, 2)) == kOver);
    CHECK(flags.store(TaskId{4}, named(term, 1)) == kKnown);
  }
  CHECK(flags.store(TaskId{4}, named(Flags::kOriginTermsMax + 1, 0)) == kOver);
  CHECK(flags.store(TaskId{3}, named(1, 0)) == kAdded);
  CHECK(flags.store(TaskId{5}, named(1, 0)) == kAdded);
}

Pulls::Open pull(std::uint64_t token, std::uint32_t to, std::int64_t deadline_ms = 1000, Epoch epoch = {}) {
  return {token, TaskId{to}, epoch, Time{}, Time{} + milliseconds(deadline_ms), "get", Bytes("body"), 0};
}

std::string tokens(const ReplicaEffects& effects, Outcome outcome) {
  std::string text;
  for (const ReplicaEffect& effect : effects) {
    const auto& ended = std::get<effect::PullEnded>(effect);
    CHECK(ended.outcome == outcome);
    text += std::to_string(ended.token) + " ";
  }
  return text;
}

TEST_CASE("a pull ends once: late, doubled and foreign answers are dropped", "[core][pulls]") {
  Pulls pulls(TaskId{9});
  const PullRequest request = pulls.start(pull(11, 1));
  CHECK(request.method == "get");
  CHECK(request.body.view() == "body");
  CHECK_FALSE(pulls.answered(TaskId{2}, {request.pull, Outcome::value, 0, Bytes("foreign")}, Time{}));
  const auto ended = pulls.answered(TaskId{1}, {request.pull, Outcome::value, 0, Bytes("42")}, Time{});
  REQUIRE(ended);
  CHECK(ended->token == 11);
  CHECK(ended->body.view() == "42");
  CHECK_FALSE(pulls.answered(TaskId{1}, {request.pull, Outcome::value, 0, Bytes("again")}, Time{}));
  CHECK(pulls.size() == 0);

  const PullRequest next = pulls.start(pull(12, 1));  // takes the same slot under another name
  CHECK(next.pull != request.pull);
  CHECK_FALSE(pulls.answered(TaskId{1}, {request.pull, Outcome::value, 0, Bytes("late")}, Time{}));
  CHECK(pulls.cancel(12)->outcome == Outcome::cancelled);
  CHECK_FALSE(pulls.cancel(12));
  CHECK_FALSE(pulls.answered(TaskId{1}, {next.pull, Outcome::value, 0, Bytes("late")}, Time{}));
}

TEST_CASE("pulls end at their deadline, in the order of their start", "[core][pulls]") {
  Pulls pulls(TaskId{9});
  CHECK(pulls.next_deadline() == Time::never());
  pulls.start(pull(1, 1, 50));
  const PullRequest answered = pulls.start(pull(2, 1, 10));
  pulls.start(pull(3, 1, 500));
  pulls.answered(TaskId{1}, {answered.pull, Outcome::value, 0, {}}, Time{});
  pulls.start(pull(4, 1, 40));  // in the slot of the answered one
  CHECK(pulls.next_deadline() <= Time{} + milliseconds(40));

  ReplicaEffects out;
  pulls.expire(Time{} + milliseconds(39), out);
  CHECK(out.empty());
  pulls.expire(Time{} + milliseconds(50), out);
  CHECK(tokens(out, Outcome::deadline) == "1 4 ");
  CHECK(pulls.next_deadline() == Time{} + milliseconds(500));
}

TEST_CASE("leaving an epoch ends its pulls, and those of earlier ones only", "[core][pulls]") {
  Pulls pulls(TaskId{9});
  pulls.start(pull(1, 1, 1000, Epoch{3}));
  pulls.start(pull(2, 1, 1000, Epoch{4}));
  pulls.start(pull(3, 2, 1000, Epoch{2}));
  ReplicaEffects out;
  pulls.leave_epoch(Epoch{4}, out);
  CHECK(tokens(out, Outcome::epoch_passed) == "1 3 ");
  CHECK(pulls.size() == 1);
}

TEST_CASE("open pulls are repeated to a task's new primary in the order of their start", "[core][pulls]") {
  Pulls pulls(TaskId{9});
  const PullRequest first = pulls.start(pull(1, 1));
  pulls.start(pull(2, 2));
  pulls.answered(TaskId{1}, {first.pull, Outcome::value, 0, {}}, Time{});
  const PullRequest third = pulls.start(pull(3, 1));
  const PullRequest fourth = pulls.start(pull(4, 1));
  const std::vector<PullRequest> open = pulls.open_to(TaskId{1});
  REQUIRE(open.size() == 2);
  CHECK(open[0].pull == third.pull);
  CHECK(open[1].pull == fourth.pull);
}

TEST_CASE("a served pull is closed once, by a reply or by its epoch's end", "[core][serves]") {
  Serves serves;
  const std::uint64_t old = serves.open(Serves::OfTask{TaskId{1}, Term{1}, 5, Epoch{0}});
  const std::uint64_t current = serves.open(Serves::OfTask{TaskId{2}, Term{1}, 6, Epoch{1}});
  const std::uint64_t outside = serves.open(OutsideName{HostId{1, 1}, 7});
  const auto ended = serves.leave_epoch(Epoch{1});
  REQUIRE(ended.size() == 1);
  CHECK(ended[0].pull == 5);
  CHECK_FALSE(serves.close(old));
  CHECK(std::get<Serves::OfTask>(*serves.close(current)).pull == 6);
  CHECK_FALSE(serves.close(current));
  CHECK(std::get<OutsideName>(*serves.close(outside)).number == 7);
  CHECK(serves.size() == 0);
}

TEST_CASE("names of a slot map are never used twice, though the slots are", "[core][slot_map]") {
  SlotMap<std::string> map;
  const std::uint64_t a = map.insert("a");
  const std::uint64_t b = map.insert("b");
  CHECK(a != 0);
  CHECK(*map.find(a) == "a");
  CHECK(map.take(a) == "a");
  CHECK(map.find(a) == nullptr);
  CHECK_FALSE(map.take(a));
  const std::uint64_t c = map.insert("c");
  CHECK(c != a);
  CHECK(map.find(a) == nullptr);
  CHECK(map.find(0) == nullptr);
  CHECK(map.find(99) == nullptr);

  std::string seen;
  map.for_each([&](std::uint64_t name, const std::string& value) {
    seen += value;
    if (name == c) map.erase(name);
  });
  CHECK(seen == "cb");
  CHECK(map.size() == 1);
  CHECK(*map.find(b) == "b");
}

TEST_CASE("the slowest pulls that were answered or expired are kept, the slowest first", "[core][pulls]") {
  Pulls pulls(TaskId{9});
  const auto took = [&] {
    std::string text;
    for (const SlowPull& slow : pulls.slowest().list()) {
      CHECK(slow.from == TaskId{9});
      CHECK(slow.method == "get");
      text += std::to_string(slow.to.value) + ":" + std::to_string(slow.took.ns / 1'000'000) + " ";
    }
    return text;
  };
  const auto answered_after = [&](std::uint32_t to, std::int64_t ms) {
    const PullRequest request = pulls.start(pull(1, to));
    pulls.answered(TaskId{to}, {request.pull, Outcome::value, 0, {}}, Time{} + milliseconds(ms));
  };
  answered_after(1, 5);
  answered_after(2, 7);
  CHECK(took() == "2:7 1:5 ");
  answered_after(3, 1);
  answered_after(4, 1);  // no slower than the fastest of three: it is not kept
  CHECK(took() == "2:7 1:5 3:1 ");
  answered_after(4, 6);
  CHECK(took() == "2:7 4:6 1:5 ");

  pulls.start(pull(2, 5, 30));
  pulls.start(pull(3, 6));
  pulls.cancel(3);
  ReplicaEffects out;
  pulls.expire(Time{} + milliseconds(30), out);
  CHECK(took() == "5:30 2:7 4:6 ");
}

}  // namespace
}  // namespace taskgraph::core
