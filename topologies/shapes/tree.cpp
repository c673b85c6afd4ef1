#include "topologies/shapes/tree.hpp"

#include <algorithm>

namespace taskgraph::topologies {

Tree::Tree(std::uint32_t count, std::uint32_t arity, std::uint32_t root, TreeRole role)
    : count_(count), arity_(arity), root_(root), role_(role) {}

std::uint64_t Tree::place_of(core::TaskId task) const {
  return (task.value + count_ - root_) % count_;
}

std::uint32_t Tree::id_at(std::uint64_t place) const {
  return static_cast<std::uint32_t>((place + root_) % count_);
}

Tree::Places Tree::children_of(std::uint64_t place) const {
  const std::uint64_t first = std::min(place * arity_ + 1, count_);
  return {first, std::min(first + arity_, count_)};
}

void Tree::neighbours(core::TaskId task, core::Epoch, std::vector<core::TaskId>& out) const {
  const std::uint64_t place = place_of(task);
  if (role_ == TreeRole::parents) {
    if (place != 0) out.push_back({id_at((place - 1) / arity_)});
    return;
  }
  const Places places = children_of(place);
  // Rotated ids wrap round to 0 at this place; what stands behind it has the smaller ids and comes first.
  const std::uint64_t wrap = std::clamp(count_ - root_, places.first, places.last);
  for (std::uint64_t p = wrap; p < places.last; ++p) out.push_back({id_at(p)});
  for (std::uint64_t p = places.first; p < wrap; ++p) out.push_back({id_at(p)});
}

std::uint32_t Tree::degree(core::TaskId task) const {
  const std::uint64_t place = place_of(task);
  if (role_ == TreeRole::parents) return place == 0 ? 0 : 1;
  const Places places = children_of(place);
  return static_cast<std::uint32_t>(places.last - places.first);
}

}  // namespace taskgraph::topologies
