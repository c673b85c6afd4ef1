#include "host/wire/message_splitter.hpp"

#include <utility>

#include "host/wire/encoder.hpp"

namespace taskgraph::wire {

void MessageSplitter::feed(std::string_view piece) {
  if (error_.has_value()) return;
  // Moving what is left costs more than it frees unless most has been taken.
  if (taken_ == buffer_.size() || taken_ > buffer_.size() / 2) {
    offset_bytes_ += taken_;
    buffer_.erase(0, std::exchange(taken_, 0));
    if (buffer_.empty() && buffer_.capacity() > kIdleBytesMax) std::string().swap(buffer_);
  }
  buffer_.append(piece);
}

std::optional<std::string_view> MessageSplitter::next() {
  if (error_.has_value() || buffered_bytes() < kLengthBytes) return std::nullopt;
  Decoder in(std::string_view(buffer_).substr(taken_), offset_bytes_ + taken_);
  const std::size_t at = in.offset_bytes();
  const std::size_t length = in.u32("the length of a message");
  if (length == 0 || length > kControlBytesMax) {
    in.fail(
        length == 0 ? WireError::Kind::malformed : WireError::Kind::too_large,
        "a message of " + std::to_string(length) + " bytes; at least 1 and at most " + std::to_string(kControlBytesMax),
        at);
    error_ = in.error();
    std::string().swap(buffer_);
    taken_ = 0;
    return std::nullopt;
  }
  if (in.remaining_bytes() < length) return std::nullopt;
  taken_ += kLengthBytes + length;
  return in.raw("a message", length);
}

}  // namespace taskgraph::wire
