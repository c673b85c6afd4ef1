#include "host/core/chaos_ledger.hpp"

#include <algorithm>
#include <bit>
#include <utility>

namespace taskgraph::core {
namespace {

constexpr std::size_t kBitsPerWord = 64;

std::size_t event_words(const ChaosPlan& plan, std::uint32_t tasks) {
  return plan.empty() ? 0 : tasks;
}
std::size_t script_words(const ChaosPlan& plan) {
  return (plan.script().size() + kBitsPerWord - 1) / kBitsPerWord;
}

bool needs_message(const Fault& fault) {
  return fault.kind == FaultKind::delay || fault.kind == FaultKind::drop;
}

}  // namespace

std::size_t ChaosLedger::words(const ChaosPlan& plan, std::uint32_t tasks) {
  return 1 + event_words(plan, tasks) + script_words(plan);
}

ChaosLedger::ChaosLedger(const ChaosPlan& plan, std::uint32_t tasks, std::span<Word> memory)
    : plan_(&plan),
      seeded_given_(memory.data()),
      events_(memory.subspan(1, event_words(plan, tasks))),
      script_given_(memory.subspan(1 + event_words(plan, tasks), script_words(plan))) {}

std::optional<Fault> ChaosLedger::at_event(TaskId task, std::uint64_t event, EventClass kind) {
  if (!plan_->is_seeded()) return scripted(task, ScriptedFault::When::event, event, kind);
  std::optional<Fault> fault = plan_->at_event(task, event, kind);
  if (fault && !take_budget()) fault.reset();
  return fault;
}

std::optional<Fault> ChaosLedger::at_epoch(TaskId task, Epoch epoch) {
  return scripted(task, ScriptedFault::When::epoch, epoch.value, EventClass::other);
}

std::optional<Fault> ChaosLedger::scripted(TaskId task, ScriptedFault::When when, std::uint64_t at, EventClass kind) {
  const auto script = plan_->script();
  const auto key = [](const ScriptedFault& entry) { return std::pair(entry.task, entry.when); };
  const auto [first, last] = std::ranges::equal_range(script, std::pair(task, when), {}, key);
  for (auto entry = first; entry != last && entry->at <= at; ++entry) {
    if (kind != EventClass::message && needs_message(entry->fault)) continue;
    const auto index = static_cast<std::size_t>(entry - script.begin());
    const std::uint64_t bit = std::uint64_t{1} << (index % kBitsPerWord);
    Word& word = script_given_[index / kBitsPerWord];
    if ((word.load(std::memory_order_relaxed) & bit) != 0) continue;
    if ((word.fetch_or(bit, std::memory_order_relaxed) & bit) == 0) return entry->fault;
  }
  return std::nullopt;
}

bool ChaosLedger::take_budget() {
  std::uint64_t given = seeded_given_->load(std::memory_order_relaxed);
  while (given < plan_->faults_max()) {
    if (seeded_given_->compare_exchange_weak(given, given + 1, std::memory_order_relaxed)) return true;
  }
  return false;
}

std::uint64_t ChaosLedger::faults() const {
  std::uint64_t sum = seeded_given_->load(std::memory_order_relaxed);
  for (const Word& word : script_given_)
    sum += static_cast<unsigned>(std::popcount(word.load(std::memory_order_relaxed)));
  return sum;
}

}  // namespace taskgraph::core
