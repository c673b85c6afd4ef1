/// Faults on purpose: which event of which task is a fault. The decisions only; the runtime performs them.
///
/// A seeded plan decides by a hash of (seed, task, number of the task's event), so that the same events of each task
/// are faults whatever the threads do, while the budget of the job lasts. A scripted plan lists them. Events count from
/// 1 per *task*: a ChaosLedger keeps the count for the whole job, so a replica that takes over goes on counting.
#pragma once

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
  kill_worker,    ///< SIGKILL of the worker process that the task's primary runs in
  stop_worker,    ///< SIGSTOP of it: it hangs, until its supervisor finds it and ends it
};

/// Such a fault hits all tasks of a worker, and needs one that is a process of its own.
constexpr bool hits_worker(FaultKind kind) {
  return kind == FaultKind::kill_worker || kind == FaultKind::stop_worker;
}

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
  /// `workers`: which share of the faults hits the whole worker of the task instead, by SIGKILL or SIGSTOP alike.
  static ChaosPlan seeded(std::uint64_t seed, FaultRate rate, std::uint32_t faults_max = kSeededFaultsDefault,
                          FaultRate workers = {});
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
  /// Whether any fault of it is one of a whole worker.
  bool hits_workers() const;

 private:
  bool is_seeded_ = false;
  std::uint64_t seed_ = 0;
  FaultRate rate_;
  std::uint32_t faults_max_ = 0;
  FaultRate workers_;
  std::vector<ScriptedFault> script_;
};

}  // namespace taskgraph::core
