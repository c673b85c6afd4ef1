/// What waits to be sent to another life, or to be fetched from it, whichever connection takes it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>

#include "host/core/ids.hpp"
#include "host/dataplane/calls.hpp"
#include "host/dataplane/plane_limits.hpp"
#include "host/wire/frame_codec.hpp"
#include "host/wire/message.hpp"

namespace taskgraph::dataplane {

/// Any thread. Memory: limits.queued_bytes_max; what is beyond is dropped, as the core sends it again.
class Peer {
 public:
  /// All outlive it.
  Peer(const Identity& identity, core::LifeId of, const PlaneLimits& limits, Deliveries& deliveries);
  virtual ~Peer() = default;
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  /// Its connection for frames must be told that there are some; or the one for bodies.
  virtual void kick_frames() = 0;
  virtual void kick_blobs() = 0;

  /// The message waits for its connection, or a response that is about to take it.
  void push(wire::Message&& message);
  /// It has ended, and its life is never seen again: nothing waits for it any more.
  void end();

  /// For its connection: moves what fits into one batch to `out`. False when nothing waits: it will be told of the next
  /// message.
  bool take_batch(const wire::BatchHeader& header, std::string& out);
  /// A request of that life has come and will be answered as soon as the strands that it concerns have run.
  void answer_begins();
  /// For the response: the same. The connection for frames is told when there is more.
  void answer(const wire::BatchHeader& header, std::string& out);

  std::size_t queued_bytes();

  const core::LifeId life;
  std::atomic<std::uint16_t> port{0};  ///< 0: not known, or the life has ended
  FrameCalls frame_calls;
  BlobCalls blob_calls;

 private:
  void take_locked(const wire::BatchHeader& header, std::string& out);

  const PlaneLimits& limits_;
  std::mutex mutex_;
  std::deque<wire::Message> queue_;  // guarded by mutex_, as all below
  std::size_t queued_bytes_ = 0;
  std::uint32_t answers_due_ = 0;
  bool caller_rests_ = true;
  bool ended_ = false;
};

/// What a message keeps in memory.
std::size_t kept_bytes(const wire::Message& message);

}  // namespace taskgraph::dataplane
