#include "host/dataplane/calls.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "host/core/assert.hpp"
#include "host/core/mutant.hpp"
#include "host/dataplane/peer.hpp"
#include "host/wire/limits.hpp"

namespace taskgraph::dataplane {

// ---------------------------------------------------------------- frames

std::optional<Call> FrameCalls::next_call() {
  Call call{"POST /v1/frames", {}, wire::kBatchBytesMax};
  if (!peer_.take_batch({identity_.job, identity_.life, peer_.life}, call.body)) return std::nullopt;
  return call;
}

bool FrameCalls::answered(Response&& response) {
  if (response.status != 200) return false;
  return response.body.size() == 0 || deliveries_.deliver_batch(peer_, response.body.view());
}

// ---------------------------------------------------------------- bodies

bool BlobCalls::fetch(const wire::Blob& blob, core::Frame&& frame) {
  const std::lock_guard lock(mutex_);
  const auto same = [&](const Fetch& known) { return known.blob.id == blob.id; };
  if (waiting_.size() >= fetches_max_ || std::any_of(waiting_.begin(), waiting_.end(), same)) return false;
  if (under_way_.has_value() && same(*under_way_)) return false;
  waiting_.push_back({blob, std::move(frame)});
  return true;
}

void BlobCalls::clear() {
  const std::lock_guard lock(mutex_);
  waiting_.clear();
}

std::optional<Call> BlobCalls::next_call() {
  const std::lock_guard lock(mutex_);
  if (waiting_.empty()) return std::nullopt;
  under_way_ = std::move(waiting_.front());
  waiting_.pop_front();
  const wire::Blob& blob = under_way_->blob;
  return Call{"GET /v1/blobs/" + hex(blob.id), {}, blob.size_bytes};
}

std::optional<BlobCalls::Fetch> BlobCalls::take_under_way() {
  const std::lock_guard lock(mutex_);
  return std::exchange(under_way_, std::nullopt);
}

bool BlobCalls::answered(Response&& response) {
  std::optional<Fetch> fetch = take_under_way();
  TG_ASSERT(fetch.has_value());
  // Gone: its sender has given it up, and will announce it again if it is still wanted.
  const bool whole = response.body.size() == fetch->blob.size_bytes || core::mutated(core::Mutant::take_partial_body);
  if (response.status != 200 || !whole) return response.status == 404;
  if (auto* request = std::get_if<core::PullRequest>(&fetch->frame.body)) request->body = std::move(response.body);
  if (auto* answer = std::get_if<core::PullAnswer>(&fetch->frame.body)) answer->body = std::move(response.body);
  deliveries_.deliver(std::move(fetch->frame));
  return true;
}

// ---------------------------------------------------------------- names of bodies

std::string hex(wire::BlobId id) {
  return fmt::format("{:016x}{:016x}", id.high, id.low);
}

std::optional<wire::BlobId> blob_id(std::string_view hex) {
  if (hex.size() != 32) return std::nullopt;
  wire::BlobId id;
  const auto read = [](std::string_view digits, std::uint64_t& value) {
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    return error == std::errc() && end == digits.data() + digits.size();
  };
  if (!read(hex.substr(0, 16), id.high) || !read(hex.substr(16), id.low)) return std::nullopt;
  return id;
}

}  // namespace taskgraph::dataplane
