#include "host/http/chunk_decoder.hpp"

#include <algorithm>

namespace taskgraph::http {

std::string_view ChunkDecoder::take(std::string_view& input) {
  while (!input.empty() && !done() && !rejection_) {
    if (state_ == State::data) {
      const std::string_view data = input.substr(0, std::min<std::uint64_t>(chunk_bytes_, input.size()));
      input.remove_prefix(data.size());
      chunk_bytes_ -= data.size();
      if (chunk_bytes_ == 0) state_ = State::data_return;
      return data;
    }
    take_byte(input.front());
    input.remove_prefix(1);
  }
  return {};
}

void ChunkDecoder::take_byte(char byte) {
  switch (state_) {
    case State::size:
      return take_digit(byte);
    case State::size_line_feed:
      if (byte != '\n') return refuse(400, "a chunk's line does not end in CRLF");
      digits_ = 0;
      if (chunk_bytes_ > room_bytes_) return refuse(413, "the body is too long");
      room_bytes_ -= chunk_bytes_;
      state_ = chunk_bytes_ == 0 ? State::end_return : State::data;
      return;
    case State::data_return:
      return expect(byte, '\r', State::data_line_feed);
    case State::data_line_feed:
      return expect(byte, '\n', State::size);
    case State::end_return:
      if (byte != '\r') return refuse(400, "trailers are not accepted");
      state_ = State::end_line_feed;
      return;
    case State::end_line_feed:
      return expect(byte, '\n', State::done);
    case State::data:
    case State::done:
      return;
  }
}

void ChunkDecoder::take_digit(char byte) {
  if (byte == '\r' && digits_ > 0) {
    state_ = State::size_line_feed;
    return;
  }
  std::uint64_t digit = 0;
  if (byte >= '0' && byte <= '9') {
    digit = static_cast<std::uint64_t>(byte - '0');
  } else if (byte >= 'a' && byte <= 'f') {
    digit = static_cast<std::uint64_t>(byte - 'a') + 10;
  } else if (byte >= 'A' && byte <= 'F') {
    digit = static_cast<std::uint64_t>(byte - 'A') + 10;
  } else {
    return refuse(400, "a chunk's size is not hexadecimal digits alone");
  }
  if (++digits_ > kDigitsMax) return refuse(400, "a chunk's size has too many digits");
  if (digits_ == 1) chunk_bytes_ = 0;
  chunk_bytes_ = chunk_bytes_ << 4 | digit;
}

void ChunkDecoder::expect(char byte, char wanted, State next) {
  if (byte != wanted) return refuse(400, "a chunk does not end where its size says");
  state_ = next;
}

}  // namespace taskgraph::http
