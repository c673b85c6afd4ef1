/// What waits to be sent to another life, whichever connection takes it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>

#include "host/core/ids.hpp"
#include "host/wire/frame_codec.hpp"
#include "host/wire/message.hpp"

namespace taskgraph::dataplane {

class FrameCaller;
class BlobCaller;

/// Any thread. Memory: kQueuedBytesMax; what is beyond is dropped, as the core sends it again.
class Peer {
 public:
  explicit Peer(core::LifeId of) : life(of) {}
  ~Peer();

  enum class Pushed { queued, kick, dropped };
  /// `kick`: its FrameCaller must be told; else it knows, or a response is about to take the message.
  Pushed push(wire::Message&& message);

  /// For the caller: moves what fits into one batch to `out`. False when nothing waits: it will be told of the next
  /// message.
  bool take_batch(const wire::BatchHeader& header, std::string& out);
  /// A request of that life has come and will be answered as soon as the strands that it concerns have run.
  void answer_begins();
  /// For the response: the same. `kick`: the caller must be told, as there is more.
  bool answer(const wire::BatchHeader& header, std::string& out, bool& kick);

  const core::LifeId life;
  std::atomic<std::uint16_t> port{0};  ///< 0: not known, or the life is gone
  std::unique_ptr<FrameCaller> frames;
  std::unique_ptr<BlobCaller> blobs;

  static constexpr std::size_t kQueuedBytesMax = std::size_t{64} * 1024 * 1024;

 private:
  bool take_locked(const wire::BatchHeader& header, std::string& out);

  std::mutex mutex_;
  std::deque<wire::Message> queue_;  // guarded by mutex_, as all below
  std::size_t queued_bytes_ = 0;
  std::uint32_t answers_due_ = 0;
  bool caller_rests_ = true;
};

/// What a message keeps in memory.
std::size_t kept_bytes(const wire::Message& message);

}  // namespace taskgraph::dataplane
