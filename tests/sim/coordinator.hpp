/// The coordinator as hosts see it: the real store behind delays, lost requests and replies, and outcomes that nobody
/// knows.
#pragma once

#include <cstdint>
#include <optional>

#include "host/coordinator/store.hpp"
#include "host/core/ids.hpp"
#include "tests/sim/counters.hpp"
#include "tests/sim/random.hpp"

namespace taskgraph::sim {

/// One thread. Decides what happens to a request; the cluster lets it happen.
class SimCoordinator {
 public:
  struct Fate {
    std::optional<core::Duration> executes_in;  ///< from now; nothing: it got lost
    std::optional<core::Duration> unknown_in;   ///< from now: the host is told `unknown`, whatever happens
    std::optional<core::Duration> replies_in;   ///< from its execution; nothing: the reply got lost
  };
  Fate transaction(bool faulty, Random& random, Counters& counters) const;
  Fate read(bool faulty, Random& random, Counters& counters) const;
  core::Duration notice(bool faulty, Random& random, Counters& counters) const;

  coordinator::Store store;
};

}  // namespace taskgraph::sim
