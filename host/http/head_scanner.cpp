#include "host/http/head_scanner.hpp"

#include <algorithm>
#include <array>

namespace taskgraph::http {
namespace {

// RFC 9110, 5.5 would let bytes beyond ASCII pass as opaque; nothing here needs them, and two parsers may differ on
// them.
constexpr std::array<bool, 256> kPlain = [] {
  std::array<bool, 256> plain{};
  for (std::size_t byte = 0x20; byte < 0x7f; ++byte) plain[byte] = true;
  plain['\t'] = true;
  return plain;
}();

}  // namespace

void HeadScanner::reset() {
  state_ = State::line_start;
  head_bytes_ = line_bytes_ = lines_ = 0;
  rejection_.reset();
}

std::size_t HeadScanner::take(std::string_view bytes) {
  std::size_t taken = 0;
  while (taken < bytes.size() && !done() && !rejection_) {
    if (state_ == State::in_line) {
      taken += scan_line(bytes.substr(taken));
      if (taken == bytes.size()) break;
    }
    if (head_bytes_ == limits_.head_bytes_max) {
      refuse(431, "the head is too long");
      break;
    }
    if (lines_ == 0 && line_bytes_ == limits_.request_line_bytes_max && bytes[taken] != '\r' && bytes[taken] != '\n') {
      refuse(414, "the request line is too long");
      break;
    }
    take_byte(bytes[taken++]);
    ++head_bytes_;
  }
  return taken;
}

/// The fast way through a line: up to its end or to what take_byte() has to decide.
std::size_t HeadScanner::scan_line(std::string_view bytes) {
  std::size_t room = std::min(bytes.size(), limits_.head_bytes_max - head_bytes_);
  if (lines_ == 0) room = std::min(room, limits_.request_line_bytes_max - line_bytes_);
  std::size_t plain = 0;
  while (plain < room && kPlain[static_cast<unsigned char>(bytes[plain])]) ++plain;
  head_bytes_ += plain;
  line_bytes_ += plain;
  return plain;
}

void HeadScanner::take_byte(char byte) {
  switch (state_) {
    case State::line_start:
      if (byte == '\r') {
        if (lines_ == 0) return refuse(400, "a request begins with its request line");
        state_ = State::last_line_feed;
        return;
      }
      if (byte == ' ' || byte == '\t')
        return refuse(400, "a line begins with a space (folded fields are not accepted)");
      if (lines_ > limits_.fields_max) return refuse(431, "too many fields");
      state_ = State::in_line;
      [[fallthrough]];
    case State::in_line:
      if (byte == '\r') {
        state_ = State::line_feed;
      } else if (byte == '\n') {
        refuse(400, "a line ends without a carriage return");
      } else if (kPlain[static_cast<unsigned char>(byte)]) {
        ++line_bytes_;
      } else {
        refuse(400, "the head has a character that is not printable ASCII");
      }
      return;
    case State::line_feed:
    case State::last_line_feed:
      if (byte != '\n') return refuse(400, "a carriage return without a line feed");
      ++lines_;
      line_bytes_ = 0;
      state_ = state_ == State::line_feed ? State::line_start : State::done;
      return;
    case State::done:
      return;
  }
}

}  // namespace taskgraph::http
