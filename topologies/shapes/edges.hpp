/// Shape `edges`: an explicit list. Undirected: [a, b] makes each the other's neighbour. Directed (the link names its
/// inverse): b is a neighbour of a only.
#pragma once

#include <cstddef>
#include <span>

#include "topologies/shapes/static_shape.hpp"

namespace taskgraph::topologies {

struct Edge {
  std::uint32_t from;
  std::uint32_t to;
  friend constexpr auto operator<=>(const Edge&, const Edge&) = default;
};

enum class EdgeSense { undirected, directed };

/// Keeps the neighbours of all tasks in one array, with one offset per task: 4 bytes per neighbour and per task.
class Edges final : public StaticShape {
 public:
  /// Both ends of each edge are below `count`, no edge is a loop and none comes twice (undirected: in either order).
  Edges(std::uint32_t count, std::span<const Edge> edges, EdgeSense sense);
  void neighbours(core::TaskId task, core::Epoch epoch, std::vector<core::TaskId>& out) const override;
  std::uint32_t degree(core::TaskId task) const override;

 private:
  std::vector<std::uint32_t> offsets_;  ///< those of task t stand at [offsets_[t], offsets_[t + 1]) of targets_
  std::vector<std::uint32_t> targets_;
};

}  // namespace taskgraph::topologies
