#include "topologies/shapes/edges.hpp"

#include <algorithm>
#include <numeric>

namespace taskgraph::topologies {

Edges::Edges(std::uint32_t count, std::span<const Edge> edges, EdgeSense sense)
    : offsets_(std::size_t{count} + 1, 0), targets_(edges.size() * (sense == EdgeSense::undirected ? 2 : 1)) {
  for (const Edge& edge : edges) {
    ++offsets_[std::size_t{edge.from} + 1];
    if (sense == EdgeSense::undirected) ++offsets_[std::size_t{edge.to} + 1];
  }
  std::partial_sum(offsets_.begin(), offsets_.end(), offsets_.begin());
  std::vector<std::uint32_t> next(offsets_.begin(), offsets_.end() - 1);
  for (const Edge& edge : edges) {
    targets_[next[edge.from]++] = edge.to;
    if (sense == EdgeSense::undirected) targets_[next[edge.to]++] = edge.from;
  }
  for (std::size_t task = 0; task < count; ++task) {
    std::sort(targets_.begin() + offsets_[task], targets_.begin() + offsets_[task + 1]);
  }
}

void Edges::neighbours(core::TaskId task, core::Epoch, std::vector<core::TaskId>& out) const {
  for (std::uint32_t i = offsets_[task.value]; i < offsets_[task.value + 1]; ++i) out.push_back({targets_[i]});
}

std::uint32_t Edges::degree(core::TaskId task) const {
  return offsets_[task.value + 1] - offsets_[task.value];
}

}  // namespace taskgraph::topologies
