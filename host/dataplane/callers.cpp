#include "host/dataplane/callers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "host/wire/limits.hpp"

namespace taskgraph::dataplane {

// ---------------------------------------------------------------- frames

std::optional<Caller::Call> FrameCaller::next_call() {
  Call call{"POST /v1/frames", {}, wire::kBatchBytesMax};
  if (!peer_.take_batch({identity_.job, identity_.life, peer_.life}, call.body)) return std::nullopt;
  return call;
}

bool FrameCaller::answered(Response&& response) {
  if (response.status != 200) return false;
  return response.body.size() == 0 || deliveries_.deliver_batch(peer_, response.body.view());
}

// ---------------------------------------------------------------- bodies

void BlobCaller::fetch(const wire::Blob& blob, core::Frame&& frame) {
  {
    const std::lock_guard lock(mutex_);
    const auto same = [&](const Fetch& known) { return known.blob.id == blob.id; };
    if (fetches_.size() >= kFetchesMax || std::any_of(fetches_.begin(), fetches_.end(), same)) return;
    fetches_.push_back({blob, std::move(frame)});
  }
  kick();
}

std::optional<Caller::Call> BlobCaller::next_call() {
  const std::lock_guard lock(mutex_);
  if (fetches_.empty()) return std::nullopt;
  const wire::Blob& blob = fetches_.front().blob;
  return Call{"GET /v1/blobs/" + hex(blob.id), {}, blob.size_bytes};
}

BlobCaller::Fetch BlobCaller::pop() {
  const std::lock_guard lock(mutex_);
  Fetch fetch = std::move(fetches_.front());
  fetches_.pop_front();
  return fetch;
}

bool BlobCaller::answered(Response&& response) {
  Fetch fetch = pop();
  // Gone: its sender has given it up, and will announce it again if it is still wanted.
  if (response.status != 200 || response.body.size() != fetch.blob.size_bytes) return response.status == 404;
  if (auto* request = std::get_if<core::PullRequest>(&fetch.frame.body)) request->body = std::move(response.body);
  if (auto* answer = std::get_if<core::PullAnswer>(&fetch.frame.body)) answer->body = std::move(response.body);
  deliveries_.deliver(std::move(fetch.frame));
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
