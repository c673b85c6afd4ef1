/// Flags of one epoch: those that this task raised, kept to be announced again, and the names of those it has received.
#pragma once

#include <cstddef>
#include <vector>

#include "host/core/frame.hpp"
#include "host/core/replica_event.hpp"

namespace taskgraph::core {

/// Owned by a replica, on its strand. Memory: limits.flags_per_epoch of its own, and as many of each neighbour.
class Flags {
 public:
  explicit Flags(std::uint32_t flags_max) : flags_max_(flags_max) {}

  bool has_room() const { return raised_.size() < flags_max_; }
  /// Keeps a new flag; the caller announces it. Needs has_room().
  const Flag& raise(Term term, LinkIndex link, Bytes meta);
  /// Keeps a flag that the primary before this one raised, as a neighbour's primary has it. False: it is known already.
  bool adopt(const Flag& flag);
  /// Raised or adopted in this epoch, in order.
  const std::vector<Flag>& raised() const { return raised_; }

  /// True once per flag: it shall reach user code. False: it has, or the sender is over its limit.
  bool store(TaskId sender, const Flag& flag);
  /// What is stored of `sender`'s flags, for its next primary.
  void stored_from(TaskId sender, Epoch epoch, std::vector<StoredFlag>& out) const;

  /// The epoch has ended, and all of its flags with it.
  void clear();

 private:
  struct Stored {
    TaskId sender;
    Flag flag;
  };
  std::uint32_t flags_max_;
  std::uint32_t next_index_ = 0;
  std::vector<Flag> raised_;
  std::vector<Stored> stored_;  ///< by (sender, name)
};

}  // namespace taskgraph::core
