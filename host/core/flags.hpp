/// Flags of one epoch: those that this task raised, kept to be announced again, and the names of those it has received.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "host/core/frame.hpp"
#include "host/core/replica_event.hpp"

namespace taskgraph::core {

/// Owned by a replica, on its strand. Memory: of each task, itself included, limits.flags_per_epoch for each of at most
/// kOriginTermsMax terms.
class Flags {
 public:
  explicit Flags(std::uint32_t flags_max) : flags_max_(flags_max) {}

  enum class Kept : std::uint8_t { added, known, over_limit };

  /// How many this primary raised itself: what its limit counts.
  std::size_t raised_here() const { return next_index_; }
  /// Keeps a new flag; the caller announces it. nullptr: over the limit.
  const Flag* raise(Term term, LinkIndex link, Bytes meta);
  /// Keeps a flag that a primary before this one raised, as a neighbour's primary has it; `added` ones are announced.
  Kept adopt(const Flag& flag);
  /// Raised or adopted in this epoch, in order.
  const std::vector<Flag>& raised() const { return raised_; }

  /// `added` once per flag: it shall reach user code.
  Kept store(TaskId sender, const Flag& flag);
  /// What is stored of `sender`'s flags, for its next primary.
  void stored_from(TaskId sender, Epoch epoch, std::vector<StoredFlag>& out) const;

  /// The epoch has ended, and all of its flags with it.
  void clear();

  /// Terms of one task whose flags are kept in one epoch; each is a failover.
  static constexpr std::uint32_t kOriginTermsMax = 16;

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
