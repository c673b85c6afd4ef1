#include "host/core/chaos.hpp"

#include <algorithm>
#include <tuple>

namespace taskgraph::core {
namespace {

/// A bijection of 64 bits in which each bit of the input flips each of the output with a chance near one half: the
/// output function of SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, OOPSLA 2014,
/// figure 16), with its increment added first so that 0 is not mapped to 0. Fixed for ever: recorded seeds depend on
/// it.
constexpr std::uint64_t mix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27U)) * 0x94d049bb133111eb;
  return x ^ (x >> 31U);
}

constexpr std::uint64_t hash(std::uint64_t seed, TaskId task, std::uint64_t event) {
  return mix(mix(mix(seed) ^ task.value) ^ event);
}

/// The fault behind a hash that hit: its bits are used up by the comparison, so mixed once more, and again for the
/// share of the workers.
Fault choose(std::uint64_t hit, EventClass kind, const FaultRate& workers) {
  const std::uint64_t bits = mix(hit);
  if (workers.hit(mix(bits))) return {bits % 2 == 0 ? FaultKind::kill_worker : FaultKind::stop_worker, {}};
  const std::uint64_t kinds = kind == EventClass::message ? 4 : 2;
  Fault fault{static_cast<FaultKind>(bits % kinds), {}};
  if (fault.kind == FaultKind::delay) {
    fault.delay =
        milliseconds(1 + static_cast<std::int64_t>((bits >> 32U) % static_cast<std::uint64_t>(kSeededDelayMsMax)));
  }
  return fault;
}

}  // namespace

FaultRate fault_rate(std::uint64_t numerator, std::uint64_t denominator) {
  if (numerator >= denominator) return {0, true};
  // Long division in base 2: the first 64 binary digits of the fraction.
  FaultRate rate;
  std::uint64_t rest = numerator;
  for (int digit = 0; digit < 64; ++digit) {
    rest *= 2;
    rate.threshold *= 2;
    if (rest >= denominator) {
      rest -= denominator;
      rate.threshold += 1;
    }
  }
  return rate;
}

ChaosPlan ChaosPlan::seeded(std::uint64_t seed, FaultRate rate, std::uint32_t faults_max, FaultRate workers) {
  ChaosPlan plan;
  plan.is_seeded_ = true;
  plan.seed_ = seed;
  plan.rate_ = rate;
  plan.faults_max_ = faults_max;
  plan.workers_ = workers;
  return plan;
}

ChaosPlan ChaosPlan::scripted(std::vector<ScriptedFault> faults) {
  ChaosPlan plan;
  plan.script_ = std::move(faults);
  std::stable_sort(plan.script_.begin(), plan.script_.end(), [](const ScriptedFault& a, const ScriptedFault& b) {
    return std::tie(a.task, a.when, a.at) < std::tie(b.task, b.when, b.at);
  });
  return plan;
}

std::optional<Fault> ChaosPlan::at_event(TaskId task, std::uint64_t event, EventClass kind) const {
  if (!is_seeded_) return std::nullopt;
  const std::uint64_t decided = hash(seed_, task, event);
  if (!rate_.hit(decided)) return std::nullopt;
  return choose(decided, kind, workers_);
}

bool ChaosPlan::hits_workers() const {
  return workers_ != FaultRate{} || std::any_of(script_.begin(), script_.end(), [](const ScriptedFault& entry) {
           return hits_worker(entry.fault.kind);
         });
}

}  // namespace taskgraph::core
