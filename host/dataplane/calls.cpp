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

bool FrameCalls::next_call(Call& call) {
  if (!peer_.take_batch({identity_.job, identity_.life, peer_.life}, call.message)) return false;
  call.target = "POST /v1/frames";
  call.response_bytes_max = wire::kBatchBytesMax;
  return true;
}

bool FrameCalls::answered(const Response& response) {
  if (response.status != 200) return false;
  return response.body.empty() || deliveries_.deliver_batch(peer_, response.body);
}

// ---------------------------------------------------------------- bodies

bool BlobCalls::fetch(const wire::Blob& blob, core::Frame&& frame) {
  const std::lock_guard lock(mutex_);
  const auto same = [&](const Fetch& known) { return known.blob.id == blob.id; };
  if (cleared_ || waiting_.size() >= fetches_max_) return false;
  if (std::any_of(waiting_.begin(), waiting_.end(), same)) return false;
  if (under_way_.has_value() && same(*under_way_)) return false;
  waiting_.push_back({blob, std::move(frame), {}, 0, 0});
  return true;
}

void BlobCalls::clear() {
  std::deque<Fetch> dropped;  // freed without the lock
  const std::lock_guard lock(mutex_);
  cleared_ = true;
  waiting_.swap(dropped);
}

bool BlobCalls::next_call(Call& call) {
  const std::lock_guard lock(mutex_);
  if (waiting_.empty()) return false;
  Fetch& fetch = under_way_.emplace(std::move(waiting_.front()));
  waiting_.pop_front();
  ++fetch.calls;
  if (fetch.body.is_empty()) fetch.body = deliveries_.buffer(fetch.blob.size_bytes);
  call.target = "GET /v1/blobs/" + hex(fetch.blob.id);
  if (fetch.received_bytes != 0) call.fields = fmt::format("Range: bytes={}-\r\n", fetch.received_bytes);
  call.room = {fetch.body.data() + fetch.received_bytes, fetch.blob.size_bytes - fetch.received_bytes};
  return true;
}

std::optional<BlobCalls::Fetch> BlobCalls::take_under_way() {
  const std::lock_guard lock(mutex_);
  return std::exchange(under_way_, std::nullopt);
}

bool BlobCalls::answered(const Response& response) {
  std::optional<Fetch> fetch = take_under_way();
  TG_ASSERT(fetch.has_value());
  // Gone: its sender has given it up, and will announce it again if it is still wanted.
  const std::size_t received = fetch->received_bytes + response.body.size();
  const bool whole = received == fetch->blob.size_bytes || core::mutated(core::Mutant::take_partial_body);
  if (response.status != fetch->expected_status() || !whole) return response.status == 404;
  core::Bytes body = std::move(fetch->body).release(received);
  if (auto* request = std::get_if<core::PullRequest>(&fetch->frame.body)) request->body = std::move(body);
  if (auto* answer = std::get_if<core::PullAnswer>(&fetch->frame.body)) answer->body = std::move(body);
  deliveries_.deliver(std::move(fetch->frame));
  return true;
}

void BlobCalls::failed(const ResponseReader& so_far) {
  std::optional<Fetch> fetch = take_under_way();
  TG_ASSERT(fetch.has_value());
  if (so_far.status() == fetch->expected_status()) fetch->received_bytes += so_far.filled_bytes();
  const std::lock_guard lock(mutex_);
  if (!cleared_ && fetch->calls < kCallsMax) waiting_.push_front(*std::move(fetch));
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
