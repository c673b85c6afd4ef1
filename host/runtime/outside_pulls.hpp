/// Pulls by those who are no tasks: people and other programs, by way of the control listener.
#pragma once

#include <functional>

#include "host/core/outside_pull.hpp"

namespace taskgraph::runtime {

using core::OutsideAnswer;
using core::OutsidePull;

/// A pull whose task loses its primary is sent again to the next one at once: it runs at least once, and at most once
/// in each term.
class OutsidePulls {
 public:
  /// Any thread. `done` is called once, on any thread, also within this call; it does not block. A pull whose method or
  /// body is beyond its limit is answered as an error of TG_CODE_TOO_LARGE, and did not run.
  virtual void pull(OutsidePull pull, std::function<void(OutsideAnswer)> done) = 0;

 protected:
  ~OutsidePulls() = default;
};

}  // namespace taskgraph::runtime
