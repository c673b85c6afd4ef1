/// Heads of HTTP messages, written in front of a body that stands there already.
#pragma once

#include <array>
#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>

#include "host/core/assert.hpp"

namespace taskgraph::dataplane {

/// Free bytes at the front of a message: its head is as long as it turns out to be once the body is known.
inline constexpr std::size_t kHeadRoomBytes = 256;

/// A message without its head and body yet, in the memory of `spare`.
inline std::string begun_message(std::string spare) {
  spare.reserve(2 * kHeadRoomBytes);  // most batches fit
  spare.resize(kHeadRoomBytes);
  return spare;
}

/// A message is one string, so that it leaves in one piece and its memory can be used again.
class MessageHead {
 public:
  MessageHead& operator<<(std::string_view text) {
    TG_ASSERT(text.size() <= text_.size() - size_);
    std::memcpy(text_.data() + size_, text.data(), text.size());
    size_ += text.size();
    return *this;
  }
  MessageHead& operator<<(std::unsigned_integral auto number) {
    const auto [end, error] = std::to_chars(text_.data() + size_, text_.data() + text_.size(), number);
    TG_ASSERT(error == std::errc());
    size_ = static_cast<std::size_t>(end - text_.data());
    return *this;
  }

  /// Into the room of `message`. Returns where the message begins.
  std::size_t put(std::string& message) const {
    TG_ASSERT(message.size() >= kHeadRoomBytes);
    const std::size_t begin = kHeadRoomBytes - size_;
    std::memcpy(message.data() + begin, text_.data(), size_);
    return begin;
  }

 private:
  std::array<char, kHeadRoomBytes> text_;  // the first size_ are set
  std::size_t size_ = 0;
};

}  // namespace taskgraph::dataplane
