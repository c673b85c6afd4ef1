#include "tests/sim/network.hpp"

namespace taskgraph::sim {

void Network::send(std::uint32_t from, std::uint32_t to, bool faulty, Random& random, Counters& counters,
                   std::vector<core::Duration>& copies) const {
  if (from == to) {
    copies.push_back(random.between_us(2, 60));
    return;
  }
  if (cut_[at(from, to)] != 0) return;
  const auto hit = [&] { return faulty && random.per_mille(per_mille_); };
  if (hit()) {
    counters.count(FaultKind::message_lost);
    return;
  }
  copies.push_back(random.between_us(40, 400));
  if (hit()) {
    counters.count(FaultKind::message_delayed);
    copies.back() = random.between_us(1'000, 600'000);
  }
  if (hit()) {
    counters.count(FaultKind::message_doubled);
    copies.push_back(random.between_us(40, 300'000));
  }
}

}  // namespace taskgraph::sim
