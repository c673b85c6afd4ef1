/// The time in which a life may act and accept without news from the coordinator (protocol.md section 2).
#pragma once

#include <atomic>
#include <cstdint>

#include "host/core/ids.hpp"

namespace taskgraph::core {

/// Read right before each outward effect and each accept. Where the coordinator lives as long as the host, the lease is
/// open until it is cleared.
///
/// One writer, any number of readers: one word without a lock, so that it may lie in memory that a supervisor writes
/// and its worker can only read. At a stable address.
class Lease {
 public:
  static Lease open_ended() { return Lease(Time::never()); }
  static Lease none() { return Lease(Time{0}); }

  /// `sent`: when the consistent read was sent that found the own presence; the caller has applied the view it
  /// returned.
  void extend(Time sent, Duration length) {
    const Time until = sent + length;
    if (until.ns > until_ns_.load(std::memory_order_relaxed)) until_ns_.store(until.ns, std::memory_order_release);
  }
  void clear() { until_ns_.store(0, std::memory_order_release); }
  bool holds(Time now) const { return now.ns < until_ns_.load(std::memory_order_acquire); }

 private:
  explicit Lease(Time until) : until_ns_(until.ns) {}
  std::atomic<std::int64_t> until_ns_;
};
static_assert(std::atomic<std::int64_t>::is_always_lock_free);

}  // namespace taskgraph::core
