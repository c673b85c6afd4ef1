#include "topologies/shapes/full.hpp"

namespace taskgraph::topologies {

void Full::neighbours(core::TaskId task, core::Epoch, std::vector<core::TaskId>& out) const {
  for (std::uint32_t id = 0; id < count_; ++id) {
    if (id != task.value) out.push_back({id});
  }
}

std::uint32_t Full::degree(core::TaskId) const {
  return count_ - 1;
}

}  // namespace taskgraph::topologies
