/// Finds the end of a request's head, and refuses what no request of ours contains, before anything is parsed.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "host/http/limits.hpp"
#include "host/http/request.hpp"

namespace taskgraph::http {

/// Looks at each byte once and in order: the outcome does not depend on how the bytes were split. Lines end in CRLF;
/// a bare CR or LF, control characters, bytes beyond ASCII, a line that begins with a space (obs-fold) and an empty
/// first line are refused, as are lines, fields and heads beyond the limits.
class HeadScanner {
 public:
  /// The limits must outlive it.
  explicit HeadScanner(const RequestLimits& limits) : limits_(limits) {}

  /// Takes the next bytes of the head; returns how many of them belong to it. Then done(), rejection(), or all taken.
  std::size_t take(std::string_view bytes);
  bool done() const { return state_ == State::done; }
  const std::optional<Rejection>& rejection() const { return rejection_; }
  /// Something of a head was taken.
  bool started() const { return head_bytes_ > 0; }
  void reset();

 private:
  enum class State { line_start, in_line, line_feed, last_line_feed, done };

  std::size_t scan_line(std::string_view bytes);
  void take_byte(char byte);
  void refuse(std::uint16_t status, const char* reason) { rejection_ = Rejection{status, reason}; }

  const RequestLimits& limits_;
  State state_ = State::line_start;
  std::size_t head_bytes_ = 0;
  std::size_t line_bytes_ = 0;  ///< of the line that is not complete yet
  std::size_t lines_ = 0;       ///< complete ones
  std::optional<Rejection> rejection_;
};

}  // namespace taskgraph::http
