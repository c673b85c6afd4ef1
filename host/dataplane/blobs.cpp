#include "host/dataplane/blobs.hpp"

#include <cstring>
#include <utility>

#include "host/core/mutant.hpp"

namespace taskgraph::dataplane {

std::optional<wire::Blob> Blobs::keep(const BlobKey& of, core::Bytes body, core::Time now) {
  BlobKey key = of;
  if (core::mutated(core::Mutant::reuse_blob)) key.sequence = 0;
  const Nonce random = identity_.random_nonce();
  wire::BlobId id;
  std::memcpy(&id.high, random.data(), sizeof id.high);
  std::memcpy(&id.low, random.data() + sizeof id.high, sizeof id.low);
  const std::size_t size = body.size();
  const std::lock_guard lock(mutex_);
  expire(now);
  const core::Time until = now + limits_.blob_kept;
  if (const auto known = by_key_.find(key); known != by_key_.end()) {
    kept_.find(known->second)->second.until = until;
    expiries_.emplace_back(until, known->second);
    return wire::Blob{known->second, size};
  }
  if (!make_room(size)) return std::nullopt;
  bytes_ += size;
  kept_.emplace(id, Kept{key, std::move(body), until});
  by_key_.emplace(key, id);
  expiries_.emplace_back(until, id);
  return wire::Blob{id, size};
}

std::optional<core::Bytes> Blobs::fetch(wire::BlobId id, core::Time now) {
  const std::lock_guard lock(mutex_);
  expire(now);
  const auto found = kept_.find(id);
  if (found == kept_.end()) return std::nullopt;
  if (!std::exchange(found->second.fetched, true)) fetched_.push_back(id);
  return found->second.body;
}

void Blobs::forget(wire::BlobId id) {
  const std::lock_guard lock(mutex_);
  if (const auto found = kept_.find(id); found != kept_.end()) remove(found);
}

void Blobs::drop(core::LifeId to) {
  const std::lock_guard lock(mutex_);
  for (auto at = by_key_.lower_bound(BlobKey{to, {}, {}, {}, {}, 0}); at != by_key_.end() && at->first.to == to;) {
    const wire::BlobId id = at->second;
    ++at;
    remove(kept_.find(id));
  }
}

bool Blobs::make_room(std::size_t bytes) {
  while (!fetched_.empty() && bytes_ + bytes > limits_.blobs_bytes_max) {
    if (const auto first = kept_.find(fetched_.front()); first != kept_.end()) remove(first);
    fetched_.pop_front();
  }
  return bytes_ == 0 || bytes_ + bytes <= limits_.blobs_bytes_max;
}

void Blobs::expire(core::Time now) {
  for (; !expiries_.empty() && expiries_.front().first <= now; expiries_.pop_front()) {
    const auto at = kept_.find(expiries_.front().second);
    if (at != kept_.end() && at->second.until <= now) remove(at);
  }
  while (!fetched_.empty() && !kept_.contains(fetched_.front())) fetched_.pop_front();
}

void Blobs::remove(std::map<wire::BlobId, Kept>::iterator at) {
  bytes_ -= at->second.body.size();
  by_key_.erase(at->second.key);
  kept_.erase(at);
}

}  // namespace taskgraph::dataplane
