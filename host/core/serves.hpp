/// The server's end of every pull of one replica: who waits for which answer.
#pragma once

#include <optional>
#include <vector>

#include "host/core/frame.hpp"
#include "host/core/slot_map.hpp"

namespace taskgraph::core {

/// Owned by a replica, on its strand. That user code sees a pull once is the channel's doing; that it is answered once
/// is done here. Memory: at most limits.serves_open, which the caller checks by size().
class Serves {
 public:
  struct Open {
    TaskId requester;
    Term requester_term;
    std::uint64_t pull;  ///< the requester's name for it
    Epoch epoch;
  };

  /// Names the pull for the task's reply.
  std::uint64_t open(Open serve) { return open_.insert(serve); }
  /// Ends it; nothing when it is not open (any more).
  std::optional<Open> close(std::uint64_t serve) { return open_.take(serve); }
  /// Ends and returns all of epochs before `entered`.
  std::vector<Open> leave_epoch(Epoch entered) {
    std::vector<Open> ended;
    if (open_.empty()) return ended;
    open_.for_each([&](std::uint64_t name, const Open& serve) {
      if (serve.epoch >= entered) return;
      ended.push_back(serve);
      open_.erase(name);
    });
    return ended;
  }
  std::size_t size() const { return open_.size(); }

 private:
  SlotMap<Open> open_;
};

}  // namespace taskgraph::core
