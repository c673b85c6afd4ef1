/// What other threads bring, waited for.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <stdexcept>
#include <utility>
#include <vector>

namespace taskgraph::tests {

/// Any thread. In the order in which it was put.
template <typename T>
class Waited {
 public:
  void put(T value) {
    const std::lock_guard lock(mutex_);
    values_.push_back(std::move(value));
    put_.notify_all();
  }
  /// Throws when nothing has come in 30 s.
  T take() {
    std::unique_lock lock(mutex_);
    if (!put_.wait_for(lock, std::chrono::seconds(30), [&] { return taken_ < values_.size(); })) {
      throw std::runtime_error("nothing has come in 30 s");
    }
    return std::move(values_[taken_++]);
  }
  std::size_t left() {
    const std::lock_guard lock(mutex_);
    return values_.size() - taken_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable put_;
  std::vector<T> values_;
  std::size_t taken_ = 0;
};

}  // namespace taskgraph::tests
