/// Waits for descriptors to become ready, and can be woken.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "host/core/ids.hpp"
#include "host/process/descriptor.hpp"

namespace taskgraph::runtime {

/// epoll with edge trigger: a descriptor is told when it becomes ready, not as long as it is. `wait` by one thread at a
/// time; all else from any thread.
class Poller {
 public:
  struct Ready {
    void* whose = nullptr;
    std::uint32_t events = 0;  ///< EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLERR | EPOLLHUP
  };

  /// Throws std::system_error.
  Poller();

  /// Told of everything from here on, at first of what it is ready for now. Throws std::system_error.
  void add(int descriptor, void* whose);
  /// Before it is closed, if it has duplicates; closing the last one removes it, too.
  void remove(int descriptor);

  /// Blocks for at most `timeout` (0: not at all; negative: no limit), or until `wake`. The list is valid until the
  /// next call; a wake is not in it.
  std::span<const Ready> wait(core::Duration timeout);
  /// Ends a running `wait`, or the next one.
  void wake();

  static constexpr int kEventsMax = 64;  ///< of one wait

 private:
  process::Descriptor epoll_;
  process::Descriptor wake_;
  std::vector<Ready> ready_;
};

}  // namespace taskgraph::runtime
