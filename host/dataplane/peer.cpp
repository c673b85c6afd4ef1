#include "host/dataplane/peer.hpp"

#include <utility>
#include <variant>

#include "host/core/mutant.hpp"

namespace taskgraph::dataplane {

Peer::Peer(const Identity& identity, core::LifeId of, const PlaneLimits& limits, Deliveries& deliveries)
    : life(of), frame_calls(identity, *this, deliveries), blob_calls(limits.fetches_max, deliveries), limits_(limits) {}

std::size_t kept_bytes(const wire::Message& message) {
  struct Size {
    std::size_t operator()(const core::Frame& frame) const { return core::kept_bytes(frame.body); }
    std::size_t operator()(const wire::AnnouncedRequest& request) const { return request.method.size(); }
    std::size_t operator()(const wire::AnnouncedAnswer&) const { return 0; }
    std::size_t operator()(const core::SealAsk&) const { return 0; }
    std::size_t operator()(const wire::SealAckPart& part) const {
      std::size_t sum = 0;
      for (const core::StoredFlag& stored : part.ack.flags) sum += sizeof stored + stored.flag.meta.size();
      return sum;
    }
  };
  return sizeof message + std::visit(Size{}, message);
}

void Peer::push(wire::Message&& message) {
  {
    const std::size_t bytes = kept_bytes(message);
    const std::lock_guard lock(mutex_);
    const bool full = queued_bytes_ + bytes > limits_.queued_bytes_max;
    if (ended_ || (full && !core::mutated(core::Mutant::unbounded_queue))) return;
    queued_bytes_ += bytes;
    queue_.push_back(std::move(message));
    if (answers_due_ != 0 || !caller_rests_) return;
    caller_rests_ = false;
  }
  kick_frames();
}

void Peer::end() {
  port.store(0, std::memory_order_relaxed);
  blob_calls.clear();
  const std::lock_guard lock(mutex_);
  ended_ = true;
  queue_.clear();
  queued_bytes_ = 0;
}

bool Peer::take_batch(const wire::BatchHeader& header, std::string& out) {
  const std::lock_guard lock(mutex_);
  caller_rests_ = queue_.empty();
  if (caller_rests_) return false;
  take_locked(header, out);
  return true;
}

void Peer::take_locked(const wire::BatchHeader& header, std::string& out) {
  if (queue_.empty()) return;
  wire::BatchWriter writer(out, header);
  while (!queue_.empty()) {
    if (writer.add(queue_.front()) == wire::BatchWriter::Added::batch_full) break;
    queued_bytes_ -= kept_bytes(queue_.front());  // what is too large for any batch is dropped
    queue_.pop_front();
  }
}

void Peer::answer_begins() {
  const std::lock_guard lock(mutex_);
  ++answers_due_;
}

void Peer::answer(const wire::BatchHeader& header, std::string& out) {
  {
    const std::lock_guard lock(mutex_);
    take_locked(header, out);
    --answers_due_;
    if (answers_due_ != 0 || queue_.empty() || !caller_rests_) return;
    caller_rests_ = false;
  }
  kick_frames();
}

std::size_t Peer::queued_bytes() {
  const std::lock_guard lock(mutex_);
  return queued_bytes_;
}

}  // namespace taskgraph::dataplane
