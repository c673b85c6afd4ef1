#include "host/runtime/chaos.hpp"

#include <fmt/format.h>

#include "host/runtime/log.hpp"

namespace taskgraph::runtime {
namespace {

/// So that a run with chaos can be compared with another one, fault by fault.
void tell(core::TaskId task, const core::Fault& fault, std::string_view when, std::uint64_t number) {
  if (!log_enabled(LogLevel::debug)) return;
  static constexpr std::string_view kWords[] = {"kill", "throw", "delay", "drop", "sigkill", "sigstop"};
  log(LogLevel::debug,
      fmt::format("chaos: {} {}task {} at {} {}", kWords[static_cast<std::size_t>(fault.kind)],
                  core::hits_worker(fault.kind) ? "worker of " : "", task.value, when, number),
      {.task = task, .epoch = {}, .term = {}});
}

}  // namespace

Chaos::Chaos(const core::ChaosPlan& plan, std::uint32_t tasks, std::span<Word> ledger)
    : plan_(plan), ledger_(plan_, tasks, ledger) {}

std::optional<core::Fault> Chaos::at_event(core::TaskId task, core::EventClass kind) {
  if (plan_.empty()) return std::nullopt;
  const std::uint64_t event = ledger_.count_event(task);
  const auto fault = ledger_.at_event(task, event, kind);
  if (fault.has_value()) tell(task, *fault, "event", event);
  return fault;
}

std::optional<core::Fault> Chaos::at_epoch(core::TaskId task, core::Epoch epoch) {
  if (plan_.empty()) return std::nullopt;
  const auto fault = ledger_.at_epoch(task, epoch);
  if (fault.has_value()) tell(task, *fault, "epoch", epoch.value);
  return fault;
}

}  // namespace taskgraph::runtime
