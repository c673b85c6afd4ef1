/// The requester's end of every pull of one replica: each ends exactly once.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "host/core/frame.hpp"
#include "host/core/observation.hpp"
#include "host/core/replica_event.hpp"
#include "host/core/slot_map.hpp"

namespace taskgraph::core {

/// Owned by `self`'s replica, on its strand. Knows nothing of channels: the replica sends what it is given. Memory: at
/// most limits.pulls_open, which the caller checks by size().
class Pulls {
 public:
  explicit Pulls(TaskId self) : self_(self) {}

  struct Open {
    std::uint64_t token;
    TaskId to;
    Epoch epoch;
    Time started;
    Time deadline;
    std::string method;
    Bytes body;
    std::uint64_t order;  ///< of starting
  };

  /// Keeps the pull and returns the request to be sent, now or when the task has a primary.
  PullRequest start(Open pull);
  /// The outcome that `answer` of task `from` gives, or nothing: late, doubled and foreign answers are dropped.
  std::optional<effect::PullEnded> answered(TaskId from, PullAnswer answer, Time now);
  std::optional<effect::PullEnded> cancel(std::uint64_t token);
  /// Ends all that are of an earlier epoch, in the order of their start.
  void leave_epoch(Epoch entered, ReplicaEffects& out);
  /// Ends those whose deadline has come.
  void expire(Time now, ReplicaEffects& out);
  /// The requests that are open to `task`, in the order of their start, for its new primary.
  std::vector<PullRequest> open_to(TaskId task);

  /// Of those that were answered or expired.
  const SlowPulls& slowest() const { return slowest_; }
  std::size_t size() const { return open_.size(); }
  /// No deadline is earlier than this; it may be too early.
  Time next_deadline() const { return open_.empty() ? Time::never() : next_deadline_; }

 private:
  template <typename Condition>
  void end_all(Outcome outcome, Condition condition, ReplicaEffects& out);

  void note(const Open& open, Time now) {
    if (!slowest_.is_slow(now - open.started)) return;
    slowest_.note({self_, open.to, open.method, now - open.started, open.epoch});
  }

  const TaskId self_;
  SlotMap<Open> open_;
  SlowPulls slowest_;
  std::uint64_t next_order_ = 0;
  Time next_deadline_ = Time::never();
};

}  // namespace taskgraph::core
