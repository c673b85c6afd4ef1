/// From the bytes of a stream socket to whole control messages.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "host/wire/decoder.hpp"
#include "host/wire/limits.hpp"

namespace taskgraph::wire {

/// Finds the messages in a stream that comes in pieces of any size. Used by one thread. Memory: the unfinished message
/// as far as it has come, whatever length it claims, and what was fed since next() last gave nothing.
class MessageSplitter {
 public:
  /// After an error nothing is kept.
  void feed(std::string_view piece);
  /// The next whole message without its length, until the next call of this object. Nothing: more must be fed, or
  /// error() says why this stream cannot go on.
  std::optional<std::string_view> next();
  const std::optional<WireError>& error() const { return error_; }
  std::size_t buffered_bytes() const { return buffer_.size() - taken_; }

 private:
  /// A buffer that a large message has left behind is given back above this.
  static constexpr std::size_t kIdleBytesMax = std::size_t{1} * 1024 * 1024;

  std::string buffer_;
  std::size_t taken_ = 0;         ///< of buffer_, given out already
  std::size_t offset_bytes_ = 0;  ///< of buffer_'s first byte in the stream, for errors
  std::optional<WireError> error_;
};

}  // namespace taskgraph::wire
