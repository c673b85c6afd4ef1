#include "host/dataplane/blobs.hpp"

#include <cstring>
#include <utility>

#include "host/dataplane/secret.hpp"

namespace taskgraph::dataplane {

wire::Blob Blobs::keep(const BlobKey& key, core::Bytes body, core::Time now) {
  const Nonce random = random_nonce();
  wire::BlobId id;
  std::memcpy(&id.high, random.data(), sizeof id.high);
  std::memcpy(&id.low, random.data() + sizeof id.high, sizeof id.low);
  const std::size_t size = body.size();
  const std::lock_guard lock(mutex_);
  expire(now);
  if (const auto known = by_key_.find(key); known != by_key_.end()) return {known->second, size};
  while (!by_age_.empty() && bytes_ + size > kBytesMax) {
    if (const auto oldest = kept_.find(by_age_.front()); oldest != kept_.end()) remove(oldest);
    by_age_.pop_front();
  }
  bytes_ += size;
  kept_.emplace(id, Kept{key, std::move(body), now + kKept});
  by_key_.emplace(key, id);
  by_age_.push_back(id);
  return {id, size};
}

std::optional<core::Bytes> Blobs::find(wire::BlobId id, core::Time now) {
  const std::lock_guard lock(mutex_);
  expire(now);
  const auto found = kept_.find(id);
  return found == kept_.end() ? std::nullopt : std::optional(found->second.body);
}

void Blobs::drop(wire::BlobId id) {
  const std::lock_guard lock(mutex_);
  if (const auto found = kept_.find(id); found != kept_.end()) remove(found);
}

void Blobs::expire(core::Time now) {
  while (!by_age_.empty()) {
    const auto oldest = kept_.find(by_age_.front());
    if (oldest != kept_.end()) {
      if (oldest->second.until > now) return;
      remove(oldest);
    }
    by_age_.pop_front();
  }
}

void Blobs::remove(std::map<wire::BlobId, Kept>::iterator at) {
  bytes_ -= at->second.body.size();
  by_key_.erase(at->second.key);
  kept_.erase(at);
}

}  // namespace taskgraph::dataplane
