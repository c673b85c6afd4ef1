/// What the shapes of this folder have in common: their answer does not depend on the epoch, and they know how many
/// neighbours a task has without listing them.
#pragma once

#include <cstdint>

#include "host/core/topology.hpp"

namespace taskgraph::topologies {

/// Immutable after construction; any thread. Task ids handed in are below the count that it was made for.
class StaticShape : public core::Shape {
 public:
  /// The number of ids that neighbours() appends, in constant time.
  virtual std::uint32_t degree(core::TaskId task) const = 0;
};

}  // namespace taskgraph::topologies
