/// What is told of replicas and pulls for people to read. Nothing is decided by it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "host/core/assignment.hpp"
#include "host/core/ids.hpp"

namespace taskgraph::core {

/// A change of one replica, told once. All but `ended` of terms above 1 only: the first grant is no failover.
struct ReplicaMoment {
  enum class What : std::uint8_t {
    ended,     ///< it failed, or was killed; `term` is 0
    promoted,  ///< it has learnt of its term, and its task is about to
    sealed,    ///< it may act
    served     ///< the first answer of its task to a pull has left
  };
  What what = What::ended;
  TaskId task;
  Seat seat;
  Term term;
  Time at;
  friend bool operator==(const ReplicaMoment&, const ReplicaMoment&) = default;
};

/// A pull that was answered, or ran into its deadline.
struct SlowPull {
  TaskId from;
  TaskId to;
  std::string method;
  Duration took;
  Epoch epoch;
  friend bool operator==(const SlowPull&, const SlowPull&) = default;
};

/// The slowest ones, the slowest first.
class SlowPulls {
 public:
  static constexpr std::size_t kMax = 3;

  /// Whether `note` would keep one that took so long: ask before making it.
  bool is_slow(Duration took) const { return took > floor_; }
  void note(SlowPull pull) {
    if (!is_slow(pull.took)) return;
    const auto place =
        std::find_if(list_.begin(), list_.end(), [&](const SlowPull& other) { return other.took < pull.took; });
    list_.insert(place, std::move(pull));
    if (list_.size() > kMax) list_.pop_back();
    if (list_.size() == kMax) floor_ = list_.back().took;
  }
  void note(const SlowPulls& others) {
    for (const SlowPull& pull : others.list_) note(pull);
  }
  const std::vector<SlowPull>& list() const { return list_; }

 private:
  std::vector<SlowPull> list_;
  Duration floor_{-1};
};

}  // namespace taskgraph::core
