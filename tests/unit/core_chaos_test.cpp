#include "host/core/chaos.hpp"

#include <cmath>
#include <thread>
#include <vector>

#include "host/core/chaos_ledger.hpp"

#include "tests/support/catch.hpp"

namespace taskgraph::core {
namespace {

using When = ScriptedFault::When;

constexpr Fault kKill{FaultKind::kill, {}};
constexpr Fault kThrow{FaultKind::throw_in_hook, {}};
constexpr Fault kDrop{FaultKind::drop, {}};

constexpr std::uint32_t kTasks = 4;

/// The memory of a job's ledger, and views of it as its processes have them.
struct Memory {
  explicit Memory(ChaosPlan of) : plan(std::move(of)), words(ChaosLedger::words(plan, kTasks)) {}
  ChaosLedger ledger() { return {plan, kTasks, words}; }
  const ChaosPlan plan;
  std::vector<ChaosLedger::Word> words;
};

std::optional<Fault> next(ChaosLedger ledger, std::uint32_t task, EventClass kind = EventClass::message) {
  return ledger.at_event(TaskId{task}, ledger.count_event(TaskId{task}), kind);
}

/// The kinds of the next `events` faults of a task as letters; '.' for an event without one. Each from a view of its
/// own, as if each event came in another process.
std::string outline(Memory& memory, std::uint32_t task, int events, EventClass kind = EventClass::message) {
  std::string text;
  for (int i = 0; i < events; ++i) {
    const std::optional<Fault> fault = next(memory.ledger(), task, kind);
    text += fault ? "ktDdKS"[static_cast<std::size_t>(fault->kind)] : '.';
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
  Memory memory(ChaosPlan::seeded(7, fault_rate(1, 4), 1'000));
  CHECK(outline(memory, 3, 64) == "Dk...DD.t....t.Dk..D.............d....d....d.k..t...kd..D....d..");
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

TEST_CASE("seeded plan: a share of the faults hits whole workers, by SIGKILL and SIGSTOP alike; all else stays") {
  constexpr std::uint64_t kEvents = 4'000;
  const ChaosPlan calm = ChaosPlan::seeded(9, fault_rate(1, 2));
  const ChaosPlan mixed = ChaosPlan::seeded(9, fault_rate(1, 2), 20, fault_rate(1, 4));
  const ChaosPlan wild = ChaosPlan::seeded(9, fault_rate(1, 2), 20, fault_rate(1, 1));
  CHECK_FALSE(calm.hits_workers());
  CHECK(mixed.hits_workers());
  std::size_t faults = 0;
  std::array<std::size_t, 2> workers{};
  for (std::uint64_t event = 1; event <= kEvents; ++event) {
    const auto one = calm.at_event(TaskId{2}, event, EventClass::message);
    const auto other = mixed.at_event(TaskId{2}, event, EventClass::message);
    const auto whole = wild.at_event(TaskId{2}, event, EventClass::message);
    CHECK((one.has_value() == other.has_value() && one.has_value() == whole.has_value()));
    if (!one.has_value()) continue;
    ++faults;
    CHECK_FALSE(hits_worker(one->kind));
    CHECK(hits_worker(whole->kind));
    if (!hits_worker(other->kind)) {
      CHECK(one == other);
      continue;
    }
    CHECK(other == whole);
    ++workers[other->kind == FaultKind::kill_worker ? 0 : 1];
  }
  const auto near = [](std::size_t count, double all, double share) {
    return std::abs(static_cast<double>(count) - all * share) < 5 * std::sqrt(all * share * (1 - share));
  };
  CHECK(near(workers[0] + workers[1], static_cast<double>(faults), 0.25));
  CHECK(near(workers[0], static_cast<double>(workers[0] + workers[1]), 0.5));
}

TEST_CASE("seeded plan: after its budget it is quiet, and counts on") {
  Memory memory(ChaosPlan::seeded(5, fault_rate(1, 1), 3));
  CHECK(next(memory.ledger(), 0));
  CHECK(next(memory.ledger(), 1));
  CHECK(memory.ledger().faults() == 2);
  CHECK(next(memory.ledger(), 0));
  CHECK_FALSE(next(memory.ledger(), 0));
  CHECK_FALSE(next(memory.ledger(), 1));
  CHECK(memory.ledger().faults() == 3);
  CHECK(memory.ledger().count_event(TaskId{0}) == 4);
  CHECK_FALSE(memory.ledger().at_epoch(TaskId{0}, Epoch{0}));  // epochs are no events of a seeded plan
}

TEST_CASE("scripted plan: each fault once, at its event, over all replicas of the task") {
  Memory memory(ChaosPlan::scripted({{TaskId{1}, kThrow, When::event, 4},
                                     {TaskId{2}, kKill, When::event, 1},
                                     {TaskId{3}, {FaultKind::kill_worker, {}}, When::event, 3},
                                     {TaskId{1}, kKill, When::event, 2}}));
  CHECK(memory.plan.hits_workers());
  CHECK(outline(memory, 1, 8) == ".k.t....");
  CHECK(outline(memory, 2, 4) == "k...");
  CHECK(outline(memory, 3, 4, EventClass::other) == "..K.");
  CHECK(outline(memory, 0, 4) == "....");
  CHECK(memory.ledger().faults() == 4);
}

TEST_CASE("scripted plan: an event gives one fault; a message's fault waits for a message") {
  Memory memory(ChaosPlan::scripted(
      {{TaskId{0}, kKill, When::event, 2}, {TaskId{0}, kKill, When::event, 2}, {TaskId{0}, kDrop, When::event, 1}}));
  CHECK_FALSE(memory.plan.hits_workers());
  CHECK(outline(memory, 0, 4, EventClass::other) == ".kk.");
  CHECK(outline(memory, 0, 3, EventClass::message) == "d..");
}

TEST_CASE("scripted plan: a fault of an epoch is given at the first entry into it or a later one") {
  Memory memory(ChaosPlan::scripted(
      {{TaskId{0}, kKill, When::epoch, 3}, {TaskId{0}, kThrow, When::epoch, 3}, {TaskId{0}, kKill, When::epoch, 6}}));
  const auto enter = [&](std::uint64_t epoch) { return memory.ledger().at_epoch(TaskId{0}, Epoch{epoch}); };
  CHECK_FALSE(enter(2));
  CHECK(enter(3) == kKill);
  CHECK(enter(3) == kThrow);  // the replica that took over enters the epoch, too
  CHECK_FALSE(enter(3));
  CHECK(enter(8) == kKill);  // it lagged, and entered the newest epoch only
  CHECK_FALSE(enter(9));
}

TEST_CASE("scripted plan: faults of events and of epochs do not take each other's place") {
  constexpr Fault kDelay{FaultKind::delay, milliseconds(30)};
  Memory memory(ChaosPlan::scripted({{TaskId{0}, kThrow, When::epoch, 1}, {TaskId{0}, kDelay, When::event, 1}}));
  CHECK_FALSE(next(memory.ledger(), 0, EventClass::other));
  CHECK(memory.ledger().at_epoch(TaskId{0}, Epoch{1}) == kThrow);
  CHECK(next(memory.ledger(), 0) == kDelay);
  CHECK_FALSE(memory.ledger().at_epoch(TaskId{0}, Epoch{1}));
}

TEST_CASE("an empty plan has no faults, and its ledger one word") {
  Memory memory{ChaosPlan()};
  CHECK(memory.plan.empty());
  CHECK(memory.words.size() == 1);
  CHECK_FALSE(ChaosPlan::seeded(0, {}).empty());
  CHECK_FALSE(memory.ledger().at_event(TaskId{0}, 1, EventClass::message));
  CHECK_FALSE(memory.ledger().at_epoch(TaskId{0}, Epoch{1}));
  CHECK(memory.ledger().faults() == 0);
}

TEST_CASE("ledger: its size is a word for each task and a bit for each fault of a script") {
  CHECK(ChaosLedger::words(ChaosPlan::seeded(1, {}), 100'000) == 100'001);
  std::vector<ScriptedFault> script(64, {TaskId{0}, kKill, When::event, 1});
  CHECK(ChaosLedger::words(ChaosPlan::scripted(script), 10) == 1 + 10 + 1);
  script.push_back(script.front());
  CHECK(ChaosLedger::words(ChaosPlan::scripted(script), 10) == 1 + 10 + 2);
}

TEST_CASE("ledger: of several lives that ask at once each fault is given to one, and the job has one budget") {
  constexpr std::uint32_t kLives = 4;
  constexpr std::uint32_t kFaults = 300;
  const bool seeded = GENERATE(false, true);
  const std::vector<ScriptedFault> script(kFaults, {TaskId{1}, kKill, When::event, 1});
  Memory memory(seeded ? ChaosPlan::seeded(1, fault_rate(1, 1), kFaults) : ChaosPlan::scripted(script));
  std::array<std::size_t, kLives> given{};
  {
    std::vector<std::jthread> lives;
    for (std::size_t& count : given) {
      lives.emplace_back([&memory, &count] {
        for (std::uint32_t i = 0; i < kFaults; ++i) count += next(memory.ledger(), 1) ? 1 : 0;
      });
    }
  }
  CHECK(given[0] + given[1] + given[2] + given[3] == kFaults);
  CHECK(memory.ledger().faults() == kFaults);
  CHECK(memory.ledger().count_event(TaskId{1}) == kLives * kFaults + 1);
}

}  // namespace
}  // namespace taskgraph::core
