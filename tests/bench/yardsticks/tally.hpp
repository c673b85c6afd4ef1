/// Times of the yardsticks, and the line of JSON that they print.
#pragma once

#include <time.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <vector>

namespace yardstick {

inline std::int64_t now_ns() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

/// As many operations as are measured, at most kWarmUpMax, go before them.
class Tally {
 public:
  static constexpr std::int64_t kWarmUpMax = 200;

  explicit Tally(std::int64_t count) : warm_up_(std::min(count, kWarmUpMax)), left_(count + warm_up_) {
    times_ns_.reserve(static_cast<std::size_t>(count));
  }
  /// One has ended that began at `since_ns`, which becomes now. False: that was the last.
  bool ended(std::int64_t& since_ns) {
    const std::int64_t now = now_ns();
    if (warm_up_ != 0) {
      if (--warm_up_ == 0) begin_ns_ = now;
    } else {
      times_ns_.push_back(now - since_ns);
      end_ns_ = now;
    }
    since_ns = now;
    return --left_ > 0;
  }
  void print() {
    const auto middle = times_ns_.begin() + static_cast<std::ptrdiff_t>(times_ns_.size() / 2);
    std::nth_element(times_ns_.begin(), middle, times_ns_.end());
    std::printf("{\"count\":%zu,\"seconds\":%.6f,\"p50_ns\":%lld}\n", times_ns_.size(),
                static_cast<double>(end_ns_ - begin_ns_) * 1e-9, static_cast<long long>(*middle));
  }

 private:
  std::int64_t warm_up_;
  std::int64_t left_;
  std::int64_t begin_ns_ = 0;
  std::int64_t end_ns_ = 0;
  std::vector<std::int64_t> times_ns_;
};

}  // namespace yardstick
