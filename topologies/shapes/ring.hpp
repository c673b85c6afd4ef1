/// Shape `ring`: the tasks stand in a circle by id. The neighbours are all tasks within `hops` steps: forwards (role
/// next), backwards (prev) or both.
#pragma once

#include "topologies/shapes/static_shape.hpp"

namespace taskgraph::topologies {

enum class RingRole { next, prev, both };

class Ring final : public StaticShape {
 public:
  /// count >= 1, hops >= 1. Hops that reach round the ring name each task once.
  Ring(std::uint32_t count, std::uint32_t hops, RingRole role);
  void neighbours(core::TaskId task, core::Epoch epoch, std::vector<core::TaskId>& out) const override;
  std::uint32_t degree(core::TaskId task) const override;

 private:
  std::uint64_t count_;
  std::uint64_t forwards_;   ///< steps that count, at most count - 1
  std::uint64_t backwards_;  ///< the same; together at most count - 1
};

}  // namespace taskgraph::topologies
