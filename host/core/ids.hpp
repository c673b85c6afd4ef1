/// The core's vocabulary of names and counters, each a type of its own so that none passes for another.
#pragma once

#include <compare>
#include <cstdint>

namespace taskgraph::core {

/// A number with a meaning. Ordered; made and read explicitly only.
template <typename Tag, typename Rep>
struct Strong {
  using rep = Rep;
  Rep value{};
  friend constexpr auto operator<=>(const Strong&, const Strong&) = default;
  constexpr Strong next() const { return {static_cast<Rep>(value + 1)}; }
};

/// 0 .. count-1, for the life of the job.
using TaskId = Strong<struct TaskIdTag, std::uint32_t>;
/// Counter of a task's grants of primaryship: its fencing token. 0: never granted.
using Term = Strong<struct TermTag, std::uint64_t>;
/// Job-wide iteration counter.
using Epoch = Strong<struct EpochTag, std::uint64_t>;
/// Counts the replicas that a task has had in this job, whatever their life: (life, task, counter) names a replica
/// life.
using ReplicaCounter = Strong<struct ReplicaCounterTag, std::uint32_t>;
/// Version of the view, +1 at each change of an assignment.
using ViewVersion = Strong<struct ViewVersionTag, std::uint64_t>;
/// Place of a link in the topology's list.
using LinkIndex = Strong<struct LinkIndexTag, std::uint16_t>;

/// 128 random bits, made by the adapters and handed in.
template <typename Tag>
struct Uuid {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  friend constexpr auto operator<=>(const Uuid&, const Uuid&) = default;
  constexpr bool is_nil() const { return high == 0 && low == 0; }
};
using JobId = Uuid<struct JobIdTag>;
/// One registration of a worker process.
using LifeId = Uuid<struct LifeIdTag>;
/// One registration of a supervisor.
using HostId = Uuid<struct HostIdTag>;

/// Nanoseconds. A Time counts from some start of the machine or of a simulation and never falls.
struct Duration {
  std::int64_t ns = 0;
  friend constexpr auto operator<=>(const Duration&, const Duration&) = default;
};
struct Time {
  std::int64_t ns = 0;
  friend constexpr auto operator<=>(const Time&, const Time&) = default;
  static constexpr Time never() { return {INT64_MAX}; }
};
constexpr Duration milliseconds(std::int64_t count) {
  return {count * 1'000'000};
}
constexpr Duration seconds(std::int64_t count) {
  return {count * 1'000'000'000};
}
constexpr Duration operator*(Duration d, std::int64_t n) {
  return {d.ns * n};
}
constexpr Duration operator-(Time a, Time b) {
  return {a.ns - b.ns};
}
/// Saturates at never().
constexpr Time operator+(Time t, Duration d) {
  return d.ns > INT64_MAX - t.ns ? Time::never() : Time{t.ns + d.ns};
}

}  // namespace taskgraph::core
