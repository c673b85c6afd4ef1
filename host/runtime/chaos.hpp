/// Chaos of all tasks of a job, as the cells of its lives ask for it.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>

#include "host/core/chaos.hpp"
#include "host/core/ids.hpp"

namespace taskgraph::runtime {

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

}  // namespace taskgraph::runtime
