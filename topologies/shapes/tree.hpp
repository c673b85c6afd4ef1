/// Shape `tree`: a complete tree in which every task but the last parent has exactly `arity` children.
///
/// With root 0 the tasks are numbered level by level: 0, then its children 1 .. arity, and so on. With root r the ids
/// are rotated: task r stands where 0 stood, r+1 where 1 stood, and ids go on with 0 after count-1.
#pragma once

#include "topologies/shapes/static_shape.hpp"

namespace taskgraph::topologies {

enum class TreeRole { parents, children };

class Tree final : public StaticShape {
 public:
  /// count >= 1, 1 <= arity, root < count.
  Tree(std::uint32_t count, std::uint32_t arity, std::uint32_t root, TreeRole role);
  void neighbours(core::TaskId task, core::Epoch epoch, std::vector<core::TaskId>& out) const override;
  std::uint32_t degree(core::TaskId task) const override;

 private:
  std::uint32_t id_at(std::uint64_t place) const;
  /// The children of the task at a place stand at [first, last).
  struct Places {
    std::uint64_t first;
    std::uint64_t last;
  };
  Places children_of(std::uint64_t place) const;
  std::uint64_t place_of(core::TaskId task) const;

  std::uint64_t count_;
  std::uint64_t arity_;
  std::uint64_t root_;
  TreeRole role_;
};

}  // namespace taskgraph::topologies
