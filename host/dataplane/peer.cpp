#include "host/dataplane/peer.hpp"

#include <utility>
#include <variant>

#include "host/dataplane/callers.hpp"

namespace taskgraph::dataplane {

Peer::~Peer() = default;

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

Peer::Pushed Peer::push(wire::Message&& message) {
  const std::size_t bytes = kept_bytes(message);
  const std::lock_guard lock(mutex_);
  if (queued_bytes_ + bytes > kQueuedBytesMax) return Pushed::dropped;
  queued_bytes_ += bytes;
  queue_.push_back(std::move(message));
  if (answers_due_ != 0 || !caller_rests_) return Pushed::queued;
  caller_rests_ = false;
  return Pushed::kick;
}

bool Peer::take_batch(const wire::BatchHeader& header, std::string& out) {
  const std::lock_guard lock(mutex_);
  caller_rests_ = queue_.empty();
  return take_locked(header, out);
}

bool Peer::take_locked(const wire::BatchHeader& header, std::string& out) {
  if (queue_.empty()) return false;
  wire::BatchWriter writer(out, header);
  while (!queue_.empty()) {
    if (writer.add(queue_.front()) == wire::BatchWriter::Added::batch_full) break;
    queued_bytes_ -= kept_bytes(queue_.front());  // what is too large for any batch is dropped
    queue_.pop_front();
  }
  return true;
}

void Peer::answer_begins() {
  const std::lock_guard lock(mutex_);
  ++answers_due_;
}

bool Peer::answer(const wire::BatchHeader& header, std::string& out, bool& kick) {
  const std::lock_guard lock(mutex_);
  const bool some = take_locked(header, out);
  --answers_due_;
  kick = answers_due_ == 0 && !queue_.empty() && caller_rests_;
  if (kick) caller_rests_ = false;
  return some;
}

}  // namespace taskgraph::dataplane
