/// Messages whose body comes in parts, put together again.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "host/core/bytes.hpp"

namespace taskgraph::wire {

/// `Message` has a `core::Bytes body`. One body is put together at a time; messages that are whole at once may come
/// between its parts. Used by one thread. Memory: the unfinished body as far as it has come, of at most
/// `body_bytes_max`.
template <typename Message>
class BodyJoiner {
 public:
  explicit BodyJoiner(std::uint64_t body_bytes_max) : body_bytes_max_(body_bytes_max) {}

  /// `message` with the first part of its body, which has `body_bytes`. It comes back if that is all.
  std::optional<Message> begin(Message message, std::uint64_t body_bytes) {
    if (message.body.size() == body_bytes) return message;
    if (unfinished_.has_value() || body_bytes > body_bytes_max_ || message.body.size() > body_bytes) return refuse();
    body_bytes_ = body_bytes;
    body_ = std::string(message.body.view());
    unfinished_.emplace(std::move(message));
    return std::nullopt;
  }
  /// The next part: the message, if it was the last.
  std::optional<Message> add(std::string_view part) {
    if (!unfinished_.has_value() || part.size() > body_bytes_ - body_.size()) return refuse();
    // As much room again, but not more than is needed: what is claimed and never comes takes none.
    if (body_.capacity() - body_.size() < part.size()) {
      body_.reserve(std::min<std::uint64_t>(body_bytes_, std::max(body_.size() * 2, body_.size() + part.size())));
    }
    body_.append(part);
    if (body_.size() != body_bytes_) return std::nullopt;
    auto* const kept = new std::string(std::exchange(body_, {}));
    unfinished_->body = core::Bytes::adopt(
        kept->data(), kept->size(), [](void* owner) { delete static_cast<std::string*>(owner); }, kept);
    return std::exchange(unfinished_, std::nullopt);
  }
  /// Whatever was there belongs to a stream that has ended.
  void begin_anew() {
    ok_ = true;
    unfinished_.reset();
    body_ = {};
  }
  /// False: the parts did not fit together, or were too many; nothing comes any more.
  bool ok() const { return ok_; }

 private:
  std::nullopt_t refuse() {
    ok_ = false;
    unfinished_.reset();
    body_ = {};
    return std::nullopt;
  }

  const std::uint64_t body_bytes_max_;
  bool ok_ = true;
  std::optional<Message> unfinished_;
  std::uint64_t body_bytes_ = 0;
  std::string body_;
};

}  // namespace taskgraph::wire
