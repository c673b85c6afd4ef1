#include "host/core/channel.hpp"

#include <algorithm>
#include <utility>

#include "host/core/assert.hpp"
#include "host/core/mutant.hpp"

namespace taskgraph::core {

void Channel::push(FrameBody body, Epoch epoch) {
  if (outgoing_.full()) outgoing_.set_capacity(std::max<std::size_t>(4, outgoing_.capacity() * 2));
  outgoing_bytes_ += kept_bytes(body);
  outgoing_.push_back(Kept{epoch, std::move(body)});
}

void Channel::transmit(Stamp stamp, Time now, std::vector<Frame>& out) {
  for (; has_unsent() && sent_ < limits_.channel_frames; ++sent_) {
    const Kept& kept = outgoing_[sent_];
    stamp.epoch = kept.epoch;
    stamp.sequence = mutated(Mutant::reuse_sequence) && sent_ > 2 ? first_ : first_ + sent_;
    out.push_back(Frame{stamp, kept.body});
  }
  if (resend_at_ == Time::never() && !outgoing_.empty()) resend_at_ = now + resend_after_;
}

void Channel::retransmit(Stamp stamp, Time now, std::vector<Frame>& out) {
  if (now < resend_at_) return;
  const std::size_t count = std::min(sent_, kResendFramesMax);
  for (std::size_t i = 0; i < count; ++i) {
    stamp.epoch = outgoing_[i].epoch;
    stamp.sequence = first_ + i;
    out.push_back(Frame{stamp, outgoing_[i].body});
  }
  resend_after_ = std::min(resend_after_ * 2, kResendMax);
  resend_at_ = now + resend_after_;
}

void Channel::leave_epochs_before(Epoch epoch) {
  const auto is_over = [&](const Kept& kept) {
    const bool lasts =
        std::holds_alternative<PullAnswer>(kept.body) || std::holds_alternative<Acknowledgement>(kept.body);
    return kept.epoch < epoch && !lasts;
  };
  const auto unsent = outgoing_.begin() + static_cast<std::ptrdiff_t>(sent_);
  for (auto kept = outgoing_.begin(); kept != outgoing_.end(); ++kept) {
    if (!is_over(*kept)) continue;
    outgoing_bytes_ -= kept_bytes(kept->body);
    if (kept < unsent) kept->body = Acknowledgement{};
  }
  outgoing_.erase(std::remove_if(unsent, outgoing_.end(), is_over), outgoing_.end());
}

void Channel::acknowledged(std::uint64_t sequence, Time now) {
  if (sequence < first_ || sequence >= first_ + sent_) return;
  const auto count = static_cast<std::size_t>(sequence - first_ + 1);
  for (std::size_t i = 0; i < count; ++i) outgoing_bytes_ -= kept_bytes(outgoing_[i].body);
  outgoing_.erase_begin(count);
  first_ += count;
  sent_ -= count;
  resend_after_ = kResendFirst;
  resend_at_ = sent_ == 0 ? Time::never() : now + resend_after_;
}

Channel::Received Channel::receive(Frame&& frame) {
  const std::uint64_t sequence = frame.stamp.sequence;
  if (sequence <= consumed_) {
    if (mutated(Mutant::skip_deduplication)) {
      in_order_.emplace(std::move(frame));
      return Received::in_order;
    }
    duplicate_seen_ = true;  // the acknowledgement may have been lost: say it again
    return Received::duplicate;
  }
  if (sequence == consumed_ + 1) {
    if (in_order_.has_value()) return Received::duplicate;
    in_order_.emplace(std::move(frame));
    return Received::in_order;
  }
  const std::size_t bytes = kept_bytes(frame.body);
  const std::size_t frames_max = std::size_t{limits_.channel_frames} + limits_.flags_per_epoch;
  const bool over = held_.size() >= frames_max || held_bytes_ + bytes > limits_.channel_bytes;
  if (over && !mutated(Mutant::unbounded_parking)) return Received::over_limit;
  if (!held_.try_emplace(sequence, std::move(frame)).second) return Received::duplicate;
  held_bytes_ += bytes;
  return Received::held;
}

std::optional<Frame> Channel::next(Epoch current) {
  if (!in_order_.has_value()) {
    const auto first = held_.begin();
    if (first == held_.end() || first->first != consumed_ + 1) return std::nullopt;
    held_bytes_ -= kept_bytes(first->second.body);
    in_order_.emplace(std::move(first->second));
    held_.erase(first);
  }
  if (in_order_->stamp.epoch > current && !mutated(Mutant::ignore_epoch)) return std::nullopt;
  consumed_ = std::max(consumed_, in_order_->stamp.sequence);
  return std::exchange(in_order_, std::nullopt);
}

}  // namespace taskgraph::core
