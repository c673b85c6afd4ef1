/// What chaos has done in a job so far: over all replicas of its tasks and all processes that they run in.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "host/core/chaos.hpp"
#include "host/core/ids.hpp"

namespace taskgraph::core {

/// A view of words that all who inject faults of one job share, across processes where they run in several, so that a
/// worker that takes over goes on counting and the whole job has one budget. Any thread, of any process.
///
/// Every update is one atomic operation on one word. Who is killed between two of them leaves a ledger that is in
/// order: at worst an event was counted that nobody saw. No fault is given twice, not even while two lives take
/// themselves for a task's primary; one may be lost with the process that took it.
///
/// Words: 0 is what a seeded plan has given; then the events of each task; then a bit for each fault of a script.
class ChaosLedger {
 public:
  using Word = std::atomic<std::uint64_t>;
  static_assert(Word::is_always_lock_free, "a lock would stay locked when its holder is killed");

  /// How many words it takes: at most 1 + 100,000 tasks + 10,000 / 64 of a script, 802 KB; 1 without chaos.
  static std::size_t words(const ChaosPlan& plan, std::uint32_t tasks);
  /// `plan` and `memory` outlive it. `memory` has words() of them, all of which were 0 at the job's start.
  ChaosLedger(const ChaosPlan& plan, std::uint32_t tasks, std::span<Word> memory);

  /// An event is about to reach `task`: its number, from 1 on.
  std::uint64_t count_event(TaskId task) { return events_[task.value].fetch_add(1, std::memory_order_relaxed) + 1; }
  /// The fault of that event, given here. Of a script each fault is given once, one for each event: one whose event was
  /// taken (or that is a delay or drop whose event is no message) at the next that fits.
  std::optional<Fault> at_event(TaskId task, std::uint64_t event, EventClass kind);
  /// The task is about to enter `epoch`; in addition to at_event. A fault of an epoch that was skipped is given at the
  /// next one; two of one epoch at two entries into it (or later ones).
  std::optional<Fault> at_epoch(TaskId task, Epoch epoch);

  /// Given so far.
  std::uint64_t faults() const;

 private:
  std::optional<Fault> scripted(TaskId task, ScriptedFault::When when, std::uint64_t at, EventClass kind);
  bool take_budget();

  const ChaosPlan* plan_;
  Word* seeded_given_;
  std::span<Word> events_;        ///< by task; empty without chaos
  std::span<Word> script_given_;  ///< a bit for each fault of the script, in its order
};

}  // namespace taskgraph::core
