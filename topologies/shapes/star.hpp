/// Shape `star`: one hub is a neighbour of all others, and they of the hub only.
#pragma once

#include "topologies/shapes/static_shape.hpp"

namespace taskgraph::topologies {

class Star final : public StaticShape {
 public:
  /// hub < count.
  Star(std::uint32_t count, std::uint32_t hub) : count_(count), hub_(hub) {}
  void neighbours(core::TaskId task, core::Epoch epoch, std::vector<core::TaskId>& out) const override;
  std::uint32_t degree(core::TaskId task) const override;

 private:
  std::uint32_t count_;
  std::uint32_t hub_;
};

}  // namespace taskgraph::topologies
