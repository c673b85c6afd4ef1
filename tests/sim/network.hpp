/// The network between places (machines): which copies of a supervisor's message to another one arrive, and when; and
/// where nothing passes, whatever carries it.
#pragma once

#include <cstdint>
#include <vector>

#include "host/core/ids.hpp"
#include "tests/sim/counters.hpp"
#include "tests/sim/random.hpp"

namespace taskgraph::sim {

/// One thread. Within a place nothing gets lost. A cut swallows one direction; a reset loses all that is in flight
/// between two places.
class Network {
 public:
  Network(std::uint32_t places, std::uint32_t per_mille)
      : places_(places), per_mille_(per_mille), cut_(places * places), generation_(places * places) {}

  /// Delays of the copies that shall arrive, at most two; none when the message is lost.
  void send(std::uint32_t from, std::uint32_t to, bool faulty, Random& random, Counters& counters,
            std::vector<core::Duration>& copies) const;
  /// A message sent in an older generation was in flight at a reset.
  std::uint32_t generation(std::uint32_t from, std::uint32_t to) const { return generation_[at(from, to)]; }
  void reset(std::uint32_t a, std::uint32_t b) {
    ++generation_[at(a, b)];
    ++generation_[at(b, a)];
  }
  void cut(std::uint32_t from, std::uint32_t to) { ++cut_[at(from, to)]; }
  bool is_cut(std::uint32_t from, std::uint32_t to) const { return cut_[at(from, to)] != 0; }
  void heal(std::uint32_t from, std::uint32_t to) { --cut_[at(from, to)]; }

 private:
  std::size_t at(std::uint32_t from, std::uint32_t to) const { return std::size_t{from} * places_ + to; }

  const std::uint32_t places_;
  const std::uint32_t per_mille_;
  std::vector<std::uint32_t> cut_;  ///< how many cuts are open
  std::vector<std::uint32_t> generation_;
};

}  // namespace taskgraph::sim
