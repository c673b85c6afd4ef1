/// What the actors of one job on one machine share: who is where, chaos, counters.
#pragma once

#include <taskgraph/abi.h>

#include <atomic>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <vector>

#include "host/core/chaos.hpp"
#include "host/core/job.hpp"
#include "host/core/lease.hpp"
#include "host/core/supervisor.hpp"
#include "host/runtime/executor.hpp"

namespace taskgraph::runtime {

class WorkerActor;
class HostActor;

/// Chaos of all tasks. Any thread; the events of one task come from the strand of its primary, one life at a time.
class Chaos {
 public:
  Chaos(const core::ChaosPlan& plan, std::uint32_t tasks);

  bool is_off() const { return plan_.empty(); }
  std::optional<core::Fault> at_event(core::TaskId task, core::EventClass kind);
  std::optional<core::Fault> at_epoch(core::TaskId task, core::Epoch epoch);
  std::uint64_t faults() const { return faults_.load(std::memory_order_relaxed); }

 private:
  struct Guarded {
    Guarded(const core::ChaosPlan& plan, core::TaskId task, core::FaultBudget& budget) : chaos(plan, task, budget) {}
    std::mutex mutex;
    core::TaskChaos chaos;  // guarded by mutex
  };
  const core::ChaosPlan plan_;
  core::FaultBudget budget_;
  std::deque<Guarded> tasks_;  ///< empty when there is no chaos
  std::atomic<std::uint64_t> faults_{0};
};

/// Filled by LocalJob before the first event; the lists do not change afterwards.
struct JobContext {
  JobContext(const core::JobSpec& job_spec, const core::ChaosPlan& plan)
      : spec(job_spec), chaos(plan, job_spec.topology->task_count()), primary(job_spec.topology->task_count()) {}

  WorkerActor* worker(core::LifeId life) const;

  const core::JobSpec& spec;
  const core::Lease lease = core::Lease::open_ended();  ///< the coordinator shares this process, and ends with it
  Chaos chaos;
  std::vector<WorkerActor*> workers;
  HostActor* host = nullptr;
  std::vector<std::atomic<WorkerActor*>> primary;  ///< by task: where the newest view has its primary; nullptr: nowhere
  std::atomic<std::uint32_t> tasks_up{0};
  std::atomic<std::uint64_t> epoch{0};
  std::atomic<std::uint64_t> failures{0};  ///< of replicas, injected ones included
};

}  // namespace taskgraph::runtime
