/// Shape `full`: every task is a neighbour of every other.
#pragma once

#include "topologies/shapes/static_shape.hpp"

namespace taskgraph::topologies {

/// Keeps nothing but the count; a call of neighbours() appends count - 1 ids.
class Full final : public StaticShape {
 public:
  explicit Full(std::uint32_t count) : count_(count) {}
  void neighbours(core::TaskId task, core::Epoch epoch, std::vector<core::TaskId>& out) const override;
  std::uint32_t degree(core::TaskId task) const override;

 private:
  std::uint32_t count_;
};

}  // namespace taskgraph::topologies
