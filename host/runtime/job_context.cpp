#include "host/runtime/job_context.hpp"

#include "host/runtime/worker_actor.hpp"

namespace taskgraph::runtime {

Chaos::Chaos(const core::ChaosPlan& plan, std::uint32_t tasks) : plan_(plan), budget_(plan.faults_max()) {
  if (plan_.empty()) return;
  for (std::uint32_t i = 0; i < tasks; ++i) tasks_.emplace_back(plan_, core::TaskId{i}, budget_);
}

std::optional<core::Fault> Chaos::at_event(core::TaskId task, core::EventClass kind) {
  if (is_off()) return std::nullopt;
  Guarded& guarded = tasks_[task.value];
  const std::lock_guard lock(guarded.mutex);
  const auto fault = guarded.chaos.at_event(kind);
  if (fault.has_value()) faults_.fetch_add(1, std::memory_order_relaxed);
  return fault;
}

std::optional<core::Fault> Chaos::at_epoch(core::TaskId task, core::Epoch epoch) {
  if (is_off()) return std::nullopt;
  Guarded& guarded = tasks_[task.value];
  const std::lock_guard lock(guarded.mutex);
  const auto fault = guarded.chaos.at_epoch(epoch);
  if (fault.has_value()) faults_.fetch_add(1, std::memory_order_relaxed);
  return fault;
}

WorkerActor* JobContext::worker(core::LifeId life) const {
  for (WorkerActor* worker : workers) {
    if (worker->life() == life) return worker;
  }
  return nullptr;
}

}  // namespace taskgraph::runtime
