/// Acknowledgements of a seal in parts: one carries every flag that a life has stored of a task, which may be more than
/// a message, and more than a batch, has room for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "host/core/worker.hpp"
#include "host/wire/message.hpp"

namespace taskgraph::wire {

/// At least one part, each small enough for a BatchWriter; parts may be sent in any order and in several batches. A
/// flag that several replicas of the life have stored is sent once. `serial` rises with each acknowledgement of a life.
///
/// Nothing when it would take more than kSealPartsMax parts (256 MiB of flags): no seal may close by a part of it.
std::vector<SealAckPart> split(core::SealAck ack, std::uint64_t serial);

/// Puts parts together again, in whatever order they come, doubled or not. A part that is lost costs nothing: the
/// acknowledgement is asked for again, and comes under a new serial.
///
/// Used by one thread. Memory: at most kJoiningMax incomplete acknowledgements with kJoiningBytesMax of flags; beyond
/// that the oldest go.
class SealAckJoiner {
 public:
  static constexpr std::size_t kJoiningMax = 256;
  static constexpr std::size_t kJoiningBytesMax = std::size_t{64} * 1024 * 1024;

  /// The whole acknowledgement, when `part` was the last one that it lacked.
  std::optional<core::SealAck> join(SealAckPart part);

  std::size_t incomplete() const { return joining_.size(); }
  std::size_t bytes() const { return bytes_; }

 private:
  struct Joining {
    core::SealAck ack;
    std::uint64_t serial = 0;
    std::vector<bool> has;  ///< by part
    std::size_t missing = 0;
    std::size_t bytes = 0;
  };

  void forget(std::vector<Joining>::iterator which);

  std::vector<Joining> joining_;  ///< the oldest first
  std::size_t bytes_ = 0;
};

}  // namespace taskgraph::wire
