#include "host/runtime/chaos.hpp"

#include <fmt/format.h>

#include "host/runtime/log.hpp"

namespace taskgraph::runtime {
namespace {

/// So that a run with chaos can be compared with another one, fault by fault.
void tell(core::TaskId task, const core::Fault& fault, std::string_view when, std::uint64_t number) {
  if (!log_enabled(LogLevel::debug)) return;
  static constexpr std::string_view kWords[] = {"kill", "throw", "delay", "drop"};
  log(LogLevel::debug,
      fmt::format("chaos: {} task {} at {} {}", kWords[static_cast<std::size_t>(fault.kind)], task.value, when, number),
      {.task = task, .epoch = {}, .term = {}});
}

}  // namespace

Chaos::Chaos(const core::ChaosPlan& plan, std::uint32_t tasks) : plan_(plan), budget_(plan.faults_max()) {
  if (plan_.empty()) return;
  for (std::uint32_t i = 0; i < tasks; ++i) tasks_.emplace_back(plan_, core::TaskId{i}, budget_);
}

std::optional<core::Fault> Chaos::at_event(core::TaskId task, core::EventClass kind) {
  if (is_off()) return std::nullopt;
  Guarded& guarded = tasks_[task.value];
  const std::lock_guard lock(guarded.mutex);
  const auto fault = guarded.chaos.at_event(kind);
  if (!fault.has_value()) return fault;
  faults_.fetch_add(1, std::memory_order_relaxed);
  tell(task, *fault, "event", guarded.chaos.events());
  return fault;
}

std::optional<core::Fault> Chaos::at_epoch(core::TaskId task, core::Epoch epoch) {
  if (is_off()) return std::nullopt;
  Guarded& guarded = tasks_[task.value];
  const std::lock_guard lock(guarded.mutex);
  const auto fault = guarded.chaos.at_epoch(epoch);
  if (!fault.has_value()) return fault;
  faults_.fetch_add(1, std::memory_order_relaxed);
  tell(task, *fault, "epoch", epoch.value);
  return fault;
}

}  // namespace taskgraph::runtime
