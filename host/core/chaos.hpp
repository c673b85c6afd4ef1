/// Faults on purpose: which event of which task is a fault. The decisions only; the runtime performs them.
///
/// A seeded plan decides by a hash of (seed, task, number of the task's event), so that the same events of each task
/// are faults whatever the threads do, while the budget of the job lasts. A scripted plan lists them. Events count from
/// 1 per *task*: a TaskChaos lives as long as its task, so a replica that takes over goes on counting.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "host/core/ids.hpp"

namespace taskgraph::core {

enum class FaultKind : std::uint8_t {
  kill,           ///< the replica ends without a word; its hook does not see the event
  throw_in_hook,  ///< the hook fails as if it had thrown
  delay,          ///< the message comes later, by Fault::delay
  drop,           ///< the message is lost; who sent it must send it again
};

struct Fault {
  FaultKind kind = FaultKind::kill;
  Duration delay{};  ///< of FaultKind::delay, else 0
  friend bool operator==(const Fault&, const Fault&) = default;
};

/// Only messages (frames between tasks) can be delayed or dropped; other events (epochs, timers, roles) cannot.
enum class EventClass : std::uint8_t { message, other };

/// A probability in steps of 2^-64, exact where a double would round.
struct FaultRate {
  std::uint64_t threshold = 0;  ///< a hash below it is a fault
  bool always = false;          ///< rate 1, which no threshold can say
  constexpr bool hit(std::uint64_t hash) const { return always || hash < threshold; }
  friend bool operator==(const FaultRate&, const FaultRate&) = default;
};

/// numerator / denominator, rounded down to a step. Needs numerator <= denominator, 0 < denominator < 2^63.
FaultRate fault_rate(std::uint64_t numerator, std::uint64_t denominator);

inline constexpr std::uint32_t kSeededFaultsDefault = 20;
inline constexpr std::int64_t kSeededDelayMsMax = 50;

/// One line of a scripted plan: as the task gets its event `at`, or enters epoch `at`.
struct ScriptedFault {
  enum class When : std::uint8_t { event, epoch };
  TaskId task;
  Fault fault;
  When when = When::event;
  std::uint64_t at = 0;
};

/// Immutable after construction; any thread.
class ChaosPlan {
 public:
  /// No faults.
  ChaosPlan() = default;
  static ChaosPlan seeded(std::uint64_t seed, FaultRate rate, std::uint32_t faults_max = kSeededFaultsDefault);
  /// A delay or drop at an epoch is the caller's mistake: it is never performed.
  static ChaosPlan scripted(std::vector<ScriptedFault> faults);

  /// The seeded decision. Whether there is a fault depends on (seed, task, event) alone; which one, on `kind` too.
  std::optional<Fault> at_event(TaskId task, std::uint64_t event, EventClass kind) const;

  /// By rising (task, when, at), and as given among equals.
  std::span<const ScriptedFault> script() const { return script_; }
  bool is_seeded() const { return is_seeded_; }
  /// Of the whole job, for a seeded plan.
  std::uint32_t faults_max() const { return faults_max_; }
  bool empty() const { return !is_seeded_ && script_.empty(); }

 private:
  bool is_seeded_ = false;
  std::uint64_t seed_ = 0;
  FaultRate rate_;
  std::uint32_t faults_max_ = 0;
  std::vector<ScriptedFault> script_;
};

/// What is left of a seeded plan's faults in the whole job. Owned by the job, shared by the tasks; any thread. Which
/// tasks get the last of them depends on which come first; what a task's n-th event would be does not.
class FaultBudget {
 public:
  explicit FaultBudget(std::uint32_t faults_max) : left_(faults_max) {}
  /// False when it is spent.
  bool take();
  std::uint32_t left() const { return left_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint32_t> left_;
};

/// The faults of one task, over all its replicas. Owned by whatever outlives them; on the task's strand only, or
/// otherwise in order. Each scripted fault is given once. One event gives one fault: a scripted one whose event is
/// taken (or that is a delay or drop whose event is no message) is given at the next that fits.
class TaskChaos {
 public:
  /// `plan` and `budget` outlive it.
  TaskChaos(const ChaosPlan& plan, TaskId task, FaultBudget& budget);

  /// The task's next event is about to reach it.
  std::optional<Fault> at_event(EventClass kind);
  /// The task is about to enter `epoch`; in addition to at_event. A fault of an epoch that was skipped is given at the
  /// next one; two of one epoch at two entries into it (or later ones).
  std::optional<Fault> at_epoch(Epoch epoch);

  /// Events so far.
  std::uint64_t events() const { return events_; }

 private:
  std::optional<Fault> scripted(ScriptedFault::When when, std::uint64_t at, EventClass kind);

  const ChaosPlan* plan_;
  FaultBudget* budget_;
  TaskId task_;
  std::uint64_t events_ = 0;
  std::vector<ScriptedFault> script_;  ///< what has not been given yet
};

}  // namespace taskgraph::core
