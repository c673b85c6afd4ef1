/// The time in which a life may act and accept without news from the coordinator (protocol.md section 2).
#pragma once

#include "host/core/ids.hpp"

namespace taskgraph::core {

/// Read right before each outward effect and each accept. Where coordinator and worker share one process, the lease is
/// open until it is cleared.
class Lease {
 public:
  static Lease open_ended() { return Lease(Time::never()); }
  static Lease none() { return Lease(Time{0}); }

  /// `sent`: when the consistent read was sent that found the own presence; the caller has applied the view it
  /// returned.
  void extend(Time sent, Duration length) {
    const Time until = sent + length;
    if (until > until_) until_ = until;
  }
  void clear() { until_ = Time{0}; }
  bool holds(Time now) const { return now < until_; }

 private:
  explicit Lease(Time until) : until_(until) {}
  Time until_;
};

}  // namespace taskgraph::core
