/// The server's end of every pull of one replica: who waits for which answer.
#pragma once

#include <optional>
#include <variant>
#include <vector>

#include "host/core/frame.hpp"
#include "host/core/outside_pull.hpp"
#include "host/core/slot_map.hpp"

namespace taskgraph::core {

/// Owned by a replica, on its strand. That user code sees a pull once is the doing of the channel, or of OutsideServes;
/// that it is answered once is done here. Memory: at most limits.serves_open, which the caller checks by size().
class Serves {
 public:
  struct OfTask {
    TaskId requester;
    Term requester_term;
    std::uint64_t pull;  ///< the requester's name for it
    Epoch epoch;
  };
  using Open = std::variant<OfTask, OutsideName>;

  /// Names the pull for the task's reply.
  std::uint64_t open(Open serve) { return open_.insert(serve); }
  /// Ends it; nothing when it is not open (any more).
  std::optional<Open> close(std::uint64_t serve) { return open_.take(serve); }
  /// Ends and returns all of tasks' pulls of epochs before `entered`. Those from outside belong to no epoch.
  std::vector<OfTask> leave_epoch(Epoch entered) {
    std::vector<OfTask> ended;
    if (open_.empty()) return ended;
    open_.for_each([&](std::uint64_t name, const Open& serve) {
      const auto* const of_task = std::get_if<OfTask>(&serve);
      if (of_task == nullptr || of_task->epoch >= entered) return;
      ended.push_back(*of_task);
      open_.erase(name);
    });
    return ended;
  }
  std::size_t size() const { return open_.size(); }

 private:
  SlotMap<Open> open_;
};

}  // namespace taskgraph::core
