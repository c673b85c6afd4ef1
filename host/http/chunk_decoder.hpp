/// Takes a chunked body apart (RFC 9112, 7.1): stricter than Beast's parser, and byte by byte.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "host/http/request.hpp"

namespace taskgraph::http {

/// A chunk's line is 1 to 16 hexadecimal digits and CRLF. Extensions and trailers are refused: nothing here reads them,
/// and they are what parsers disagree about.
class ChunkDecoder {
 public:
  /// `body_bytes_max`: of all chunks together.
  explicit ChunkDecoder(std::uint64_t body_bytes_max) : room_bytes_(body_bytes_max) {}

  /// Takes bytes from the front of `input`; returns the data among them, which lies in `input`. Empty: the input is
  /// used up, or done(), or rejection().
  std::string_view take(std::string_view& input);
  bool done() const { return state_ == State::done; }
  const std::optional<Rejection>& rejection() const { return rejection_; }

 private:
  enum class State { size, size_line_feed, data, data_return, data_line_feed, end_return, end_line_feed, done };

  void take_byte(char byte);
  void take_digit(char byte);
  void expect(char byte, char wanted, State next);
  void refuse(std::uint16_t status, const char* reason) { rejection_ = Rejection{status, reason}; }

  static constexpr int kDigitsMax = 16;

  std::uint64_t room_bytes_;       ///< for the chunks that follow
  std::uint64_t chunk_bytes_ = 0;  ///< of this one, still to come
  int digits_ = 0;
  State state_ = State::size;
  std::optional<Rejection> rejection_;
};

}  // namespace taskgraph::http
