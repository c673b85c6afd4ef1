#include "topologies/shapes/ring.hpp"

#include <algorithm>

namespace taskgraph::topologies {

Ring::Ring(std::uint32_t count, std::uint32_t hops, RingRole role) : count_(count), forwards_(0), backwards_(0) {
  const std::uint64_t others = count_ - 1;
  if (role != RingRole::prev) forwards_ = std::min<std::uint64_t>(hops, others);
  if (role != RingRole::next) backwards_ = std::min<std::uint64_t>(hops, others - forwards_);
}

void Ring::neighbours(core::TaskId task, core::Epoch, std::vector<core::TaskId>& out) const {
  const auto append = [&](std::uint64_t first, std::uint64_t last) {
    for (std::uint64_t id = first; id < last; ++id) {
      if (id != task.value) out.push_back({static_cast<std::uint32_t>(id)});
    }
  };
  // The neighbourhood is one arc of the circle, the task itself included.
  const std::uint64_t first = (task.value + count_ - backwards_) % count_;
  const std::uint64_t last = first + backwards_ + forwards_ + 1;
  if (last > count_) append(0, last - count_);
  append(first, std::min(last, count_));
}

std::uint32_t Ring::degree(core::TaskId) const {
  return static_cast<std::uint32_t>(forwards_ + backwards_);
}

}  // namespace taskgraph::topologies
