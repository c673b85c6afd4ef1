/// Random numbers that are the same on every compiler and library: no std distribution, no std engine.
#pragma once

#include <cstdint>

#include "host/core/ids.hpp"

namespace taskgraph::sim {

/// SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014). One thread.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    state_ += 0x9e3779b97f4a7c15ULL;
    return mix(state_);
  }
  /// 0 .. bound-1. The bias of the remainder does not matter at these bounds.
  std::uint64_t below(std::uint64_t bound) { return next() % bound; }
  std::uint32_t between(std::uint32_t low, std::uint32_t high) {
    return low + static_cast<std::uint32_t>(below(std::uint64_t{high} - low + 1));
  }
  bool per_mille(std::uint32_t chance) { return below(1000) < chance; }
  core::Duration between_us(std::uint32_t low, std::uint32_t high) {
    return {std::int64_t{between(low, high)} * 1000 + static_cast<std::int64_t>(below(1000))};
  }

  static std::uint64_t mix(std::uint64_t value) {
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9ULL;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebULL;
    return value ^ (value >> 31);
  }

 private:
  std::uint64_t state_;
};

}  // namespace taskgraph::sim
