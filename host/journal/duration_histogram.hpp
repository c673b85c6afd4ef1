/// Percentiles of durations in bounded memory.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

#include "host/core/ids.hpp"

namespace taskgraph::journal {

/// Buckets that grow with what they count, as in HdrHistogram (G. Tene): a percentile is too large by 1/32 at most, the
/// maximum is exact. 16 KiB.
class DurationHistogram {
 public:
  /// Below 0 counts as 0.
  void add(core::Duration duration) {
    const auto ns = static_cast<std::uint64_t>(std::max<std::int64_t>(duration.ns, 0));
    ++buckets_[bucket(ns)];
    ++count_;
    max_ns_ = std::max(max_ns_, ns);
  }
  std::uint64_t count() const { return count_; }
  core::Duration max() const { return {static_cast<std::int64_t>(max_ns_)}; }
  /// The smallest duration that at least `percent` of all do not exceed; 0 of none.
  core::Duration percentile(unsigned percent) const {
    const std::uint64_t wanted = (count_ * percent + 99) / 100;
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < buckets_.size(); ++i) {
      seen += buckets_[i];
      if (seen >= wanted) return {static_cast<std::int64_t>(std::min(highest(i), max_ns_))};
    }
    return max();
  }

 private:
  static constexpr unsigned kBits = 5;  ///< of precision
  static constexpr std::uint64_t kSteps = std::uint64_t{1} << kBits;

  /// Exact below 2 * kSteps; then kSteps for each power of two.
  static std::size_t bucket(std::uint64_t ns) {
    if (ns < 2 * kSteps) return ns;
    const unsigned shift = static_cast<unsigned>(std::bit_width(ns)) - kBits - 1;
    return shift * kSteps + (ns >> shift);
  }
  static std::uint64_t highest(std::size_t bucket) {
    if (bucket < 2 * kSteps) return bucket;
    const std::uint64_t shift = bucket / kSteps - 1;
    return ((bucket - shift * kSteps + 1) << shift) - 1;
  }

  std::array<std::uint64_t, (64 - kBits + 1) * kSteps> buckets_{};
  std::uint64_t count_ = 0;
  std::uint64_t max_ns_ = 0;
};

}  // namespace taskgraph::journal
