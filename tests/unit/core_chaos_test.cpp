#include "host/core/chaos.hpp"

#include <cmath>

#include "tests/support/catch.hpp"

namespace taskgraph::core {
namespace {

using When = ScriptedFault::When;

constexpr Fault kKill{FaultKind::kill, {}};
constexpr Fault kThrow{FaultKind::throw_in_hook, {}};
constexpr Fault kDrop{FaultKind::drop, {}};

/// The kinds of the first `events` faults of a task as letters; '.' for an event without one.
std::string outline(TaskChaos& chaos, int events, EventClass kind = EventClass::message) {
  std::string text;
  for (int i = 0; i < events; ++i) {
    const std::optional<Fault> fault = chaos.at_event(kind);
    text += fault ? "ktDd"[static_cast<std::size_t>(fault->kind)] : '.';
  }
  return text;
}

TEST_CASE("fault_rate: exact at the borders and in between") {
  CHECK(fault_rate(0, 1) == FaultRate{0, false});
  CHECK(fault_rate(1, 1) == FaultRate{0, true});
  CHECK(fault_rate(1, 2) == FaultRate{std::uint64_t{1} << 63U, false});
  CHECK(fault_rate(3, 4) == FaultRate{std::uint64_t{3} << 62U, false});
  CHECK(fault_rate(1, 3) == FaultRate{0x5555555555555555, false});
  CHECK(fault_rate(1, 10) == FaultRate{0x1999999999999999, false});
  CHECK(fault_rate(999'999'999'999'999'999, 1'000'000'000'000'000'000).threshold == 0xffffffffffffffed);
  CHECK_FALSE(fault_rate(0, 1).hit(0));
  CHECK(fault_rate(1, 1).hit(UINT64_MAX));
}

TEST_CASE("seeded plan: recorded decisions stay for ever") {
  const ChaosPlan plan = ChaosPlan::seeded(7, fault_rate(1, 4));
  FaultBudget budget(1'000);
  TaskChaos chaos(plan, TaskId{3}, budget);
  CHECK(outline(chaos, 64) == "Dk...DD.t....t.Dk..D.............d....d....d.k..t...kd..D....d..");
}

TEST_CASE("seeded plan: a task's faults depend on nothing but seed, task and event") {
  const ChaosPlan plan = ChaosPlan::seeded(42, fault_rate(1, 10));
  const ChaosPlan again = ChaosPlan::seeded(42, fault_rate(1, 10));
  for (std::uint32_t task = 0; task < 20; ++task) {
    for (std::uint64_t event = 200; event > 0; --event) {  // asked in another order
      const std::optional<Fault> fault = plan.at_event(TaskId{task}, event, EventClass::message);
      CHECK(fault == again.at_event(TaskId{task}, event, EventClass::message));
      CHECK(fault.has_value() == plan.at_event(TaskId{task}, event, EventClass::other).has_value());
    }
  }
}

TEST_CASE("seeded plan: rate, kinds and delays are spread as they should be, also for neighbouring seeds and tasks") {
  constexpr std::uint64_t kEvents = 4'000;
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    const ChaosPlan plan = ChaosPlan::seeded(seed, fault_rate(1, 20));
    for (std::uint32_t task = 0; task < 5; ++task) {
      std::array<std::size_t, 4> kinds{};
      for (std::uint64_t event = 1; event <= kEvents; ++event) {
        const std::optional<Fault> fault = plan.at_event(TaskId{task}, event, EventClass::message);
        if (!fault) continue;
        ++kinds[static_cast<std::size_t>(fault->kind)];
        const bool delayed = fault->kind == FaultKind::delay;
        CHECK((fault->delay >= milliseconds(delayed ? 1 : 0) &&
               fault->delay <= milliseconds(delayed ? kSeededDelayMsMax : 0)));
      }
      const double total = static_cast<double>(kinds[0] + kinds[1] + kinds[2] + kinds[3]);
      CHECK(std::abs(total - 200) < 5 * std::sqrt(200.0 * 0.95));  // five standard deviations
      for (const std::size_t count : kinds) CHECK(count > 15);
    }
  }
}

TEST_CASE("seeded plan: what is no message is neither delayed nor dropped") {
  const ChaosPlan plan = ChaosPlan::seeded(1, fault_rate(1, 1));
  std::array<std::size_t, 4> kinds{};
  for (std::uint64_t event = 1; event <= 1'000; ++event) {
    ++kinds[static_cast<std::size_t>(plan.at_event(TaskId{0}, event, EventClass::other)->kind)];
  }
  CHECK(kinds[0] + kinds[1] == 1'000);
  CHECK((kinds[0] > 400 && kinds[1] > 400));
}

TEST_CASE("seeded plan: after its budget it is quiet, and counts on") {
  const ChaosPlan plan = ChaosPlan::seeded(5, fault_rate(1, 1), 3);
  FaultBudget budget(plan.faults_max());
  TaskChaos first(plan, TaskId{0}, budget);
  TaskChaos second(plan, TaskId{1}, budget);
  CHECK(first.at_event(EventClass::message));
  CHECK(second.at_event(EventClass::message));
  CHECK(budget.left() == 1);
  CHECK(first.at_event(EventClass::message));
  CHECK_FALSE(first.at_event(EventClass::message));
  CHECK_FALSE(second.at_event(EventClass::message));
  CHECK(budget.left() == 0);
  CHECK_FALSE(budget.take());
  CHECK(first.events() == 3);
  CHECK_FALSE(first.at_epoch(Epoch{0}));  // epochs are no events of a seeded plan
}

TEST_CASE("scripted plan: each fault once, at its event, over all replicas of the task") {
  const ChaosPlan plan = ChaosPlan::scripted(
      {{TaskId{1}, kThrow, When::event, 4}, {TaskId{2}, kKill, When::event, 1}, {TaskId{1}, kKill, When::event, 2}});
  FaultBudget none(0);
  TaskChaos one(plan, TaskId{1}, none);
  CHECK(outline(one, 8) == ".k.t....");
  TaskChaos two(plan, TaskId{2}, none);
  CHECK(outline(two, 4) == "k...");
  TaskChaos three(plan, TaskId{3}, none);
  CHECK(outline(three, 4) == "....");
}

TEST_CASE("scripted plan: an event gives one fault; a message's fault waits for a message") {
  const ChaosPlan plan = ChaosPlan::scripted(
      {{TaskId{0}, kKill, When::event, 2}, {TaskId{0}, kKill, When::event, 2}, {TaskId{0}, kDrop, When::event, 1}});
  FaultBudget none(0);
  TaskChaos chaos(plan, TaskId{0}, none);
  CHECK(outline(chaos, 4, EventClass::other) == ".kk.");
  CHECK(outline(chaos, 3, EventClass::message) == "d..");
}

TEST_CASE("scripted plan: a fault of an epoch is given at the first entry into it or a later one") {
  const ChaosPlan plan = ChaosPlan::scripted(
      {{TaskId{0}, kKill, When::epoch, 3}, {TaskId{0}, kThrow, When::epoch, 3}, {TaskId{0}, kKill, When::epoch, 6}});
  FaultBudget none(0);
  TaskChaos chaos(plan, TaskId{0}, none);
  CHECK_FALSE(chaos.at_epoch(Epoch{2}));
  CHECK(chaos.at_epoch(Epoch{3}) == kKill);
  CHECK(chaos.at_epoch(Epoch{3}) == kThrow);  // the replica that took over enters the epoch, too
  CHECK_FALSE(chaos.at_epoch(Epoch{3}));
  CHECK(chaos.at_epoch(Epoch{8}) == kKill);  // it lagged, and entered the newest epoch only
  CHECK_FALSE(chaos.at_epoch(Epoch{9}));
}

TEST_CASE("scripted plan: faults of events and of epochs do not take each other's place") {
  constexpr Fault kDelay{FaultKind::delay, milliseconds(30)};
  const ChaosPlan plan =
      ChaosPlan::scripted({{TaskId{0}, kThrow, When::epoch, 1}, {TaskId{0}, kDelay, When::event, 1}});
  FaultBudget none(0);
  TaskChaos chaos(plan, TaskId{0}, none);
  CHECK_FALSE(chaos.at_event(EventClass::other));
  CHECK(chaos.at_epoch(Epoch{1}) == kThrow);
  CHECK(chaos.at_event(EventClass::message) == kDelay);
  CHECK_FALSE(chaos.at_epoch(Epoch{1}));
}

TEST_CASE("an empty plan has no faults") {
  const ChaosPlan plan;
  CHECK(plan.empty());
  CHECK_FALSE(ChaosPlan::seeded(0, {}).empty());
  FaultBudget budget(plan.faults_max());
  TaskChaos chaos(plan, TaskId{0}, budget);
  CHECK(outline(chaos, 100) == std::string(100, '.'));
}

}  // namespace
}  // namespace taskgraph::core
