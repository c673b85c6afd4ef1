/// What a connection has answered and not sent yet, ready for one gather write.
#pragma once

#include <boost/asio/buffer.hpp>
#include <boost/container/static_vector.hpp>
#include <cstddef>
#include <deque>
#include <string>
#include <string_view>

#include "host/core/bytes.hpp"
#include "host/http/response.hpp"

namespace taskgraph::http {

/// Heads and small bodies are joined to one text; large bodies stay where their owner has them.
class OutputQueue {
 public:
  /// `head_only`: the answer to HEAD, whose body is told and not sent. `close`: the connection ends after it.
  void append(const Response& response, bool head_only, bool close);
  void append(std::string_view text);

  /// From the front; valid until the next change.
  using Buffers = boost::container::static_vector<boost::asio::const_buffer, 64>;
  Buffers front() const;
  /// So many bytes were sent.
  void consume(std::size_t bytes);
  void clear();

  bool empty() const { return bytes_ == 0; }
  std::size_t bytes() const { return bytes_; }

 private:
  struct Piece {
    std::string text;  ///< empty: it is the body
    core::Bytes body;
    std::string_view view() const { return text.empty() ? body.view() : std::string_view(text); }
  };
  static constexpr std::size_t kCopiedBytesMax = 1024;
  static constexpr std::size_t kTextBytesReserved = 512;
  static constexpr std::size_t kTextBytesMax = 64 * 1024;

  std::string& tail_text();

  std::deque<Piece> pieces_;
  std::size_t sent_bytes_ = 0;  ///< of the first piece
  std::size_t bytes_ = 0;       ///< of all, but for these
};

}  // namespace taskgraph::http
