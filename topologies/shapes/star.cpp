#include "topologies/shapes/star.hpp"

namespace taskgraph::topologies {

void Star::neighbours(core::TaskId task, core::Epoch, std::vector<core::TaskId>& out) const {
  if (task.value != hub_) {
    out.push_back({hub_});
    return;
  }
  for (std::uint32_t id = 0; id < count_; ++id) {
    if (id != hub_) out.push_back({id});
  }
}

std::uint32_t Star::degree(core::TaskId task) const {
  return task.value == hub_ ? count_ - 1 : 1;
}

}  // namespace taskgraph::topologies
