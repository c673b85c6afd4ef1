/// One end of the ordered, loss-free stream of frames between the primaries of two tasks, as seen by one of them.
#pragma once

#include <boost/circular_buffer.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "host/core/frame.hpp"
#include "host/core/ids.hpp"
#include "host/core/job.hpp"

namespace taskgraph::core {

/// Numbers, keeps and re-sends what goes out until it is acknowledged; puts in order, deduplicates and holds back what
/// comes in. Belongs to a pair of terms: a new term of either end is a new channel, so that nothing of an old life gets
/// in. Owned by a replica, on its strand. Memory: at most `limits.channel_frames` that were sent and are not
/// acknowledged, and what waits behind them: requests within `limits.channel_*`, answers and this epoch's flags as far
/// as their own limits allow; the same for frames held back.
class Channel {
 public:
  explicit Channel(const Limits& limits) : limits_(limits) {}

  // --- outgoing
  /// False: a further request must be refused as busy. Answers and flags are bounded elsewhere and always have room.
  bool has_room(std::size_t bytes) const {
    return outgoing_.size() < limits_.channel_frames && outgoing_bytes_ + bytes <= limits_.channel_bytes;
  }
  void push(FrameBody body, Epoch epoch);
  /// Appends what was not sent yet, as long as at most `limits.channel_frames` are under way; `stamp` gives the parts
  /// that are the same for all. Starts the clock for re-sending.
  void transmit(Stamp stamp, Time now, std::vector<Frame>& out);
  /// Appends the oldest unacknowledged frames again when their time has come; waits twice as long each time.
  void retransmit(Stamp stamp, Time now, std::vector<Frame>& out);
  /// `sequence` and all before it have been consumed by the peer. Numbers never sent are ignored.
  void acknowledged(std::uint64_t sequence, Time now);
  bool has_unsent() const { return sent_ < outgoing_.size(); }
  std::size_t kept() const { return outgoing_.size(); }
  /// Flags and requests of earlier epochs are worth nothing any more: those not sent yet are dropped, those that were
  /// keep their number, which the peer waits for, and lose their body. Answers stay: the peer may lag behind.
  void leave_epochs_before(Epoch epoch);
  /// Never before the returned time is there something to re-send.
  Time resend_at() const { return resend_at_; }

  // --- incoming
  enum class Received : std::uint8_t { in_order, held, duplicate, over_limit };
  /// Takes a frame with a sequence. `in_order`: `next` has something, epoch permitting.
  Received receive(Frame&& frame);
  /// The next frame in order, unless it is of a later epoch than `current`; it counts as consumed from here on.
  std::optional<Frame> next(Epoch current);
  std::uint64_t consumed() const { return consumed_; }
  /// Frames consumed and not yet acknowledged by anything that we sent.
  std::uint64_t acknowledgements_due() const { return consumed_ - acknowledged_to_peer_ + (duplicate_seen_ ? 1 : 0); }
  /// Whatever carries an acknowledgement has left.
  void acknowledgement_sent() {
    acknowledged_to_peer_ = consumed_;
    duplicate_seen_ = false;
  }
  std::size_t held() const { return held_.size(); }

  static constexpr Duration kResendFirst = milliseconds(100);
  static constexpr Duration kResendMax = seconds(2);
  static constexpr std::size_t kResendFramesMax = 64;  ///< of one round

 private:
  struct Kept {
    Epoch epoch;
    FrameBody body;
  };

  const Limits& limits_;

  // outgoing: frames first_ .. first_ + outgoing_.size() - 1, the first `sent_` of them sent at least once
  boost::circular_buffer<Kept> outgoing_;
  std::uint64_t first_ = 1;
  std::size_t sent_ = 0;
  std::size_t outgoing_bytes_ = 0;
  Time resend_at_ = Time::never();
  Duration resend_after_ = kResendFirst;

  // incoming
  std::uint64_t consumed_ = 0;
  std::uint64_t acknowledged_to_peer_ = 0;
  bool duplicate_seen_ = false;
  std::optional<Frame> in_order_;        ///< number consumed_ + 1, the common case, beside the map
  std::map<std::uint64_t, Frame> held_;  ///< later numbers
  std::size_t held_bytes_ = 0;
};

}  // namespace taskgraph::core
