#include "host/wire/decoder.hpp"

#include "host/wire/encoder.hpp"

namespace taskgraph::wire {

std::string_view Decoder::raw(const char* what, std::size_t bytes) {
  if (remaining_bytes() < bytes) {
    cut_off(what, bytes);
    return {};
  }
  const std::string_view view(at_, bytes);
  at_ += bytes;
  return view;
}

std::string_view Decoder::string(const char* what, std::size_t bytes_max) {
  const std::size_t start = offset_bytes();
  const std::uint64_t bytes = varint(what);
  if (bytes > bytes_max) {
    fail(WireError::Kind::too_large,
         std::string(what) + " has " + std::to_string(bytes) + " bytes; at most " + std::to_string(bytes_max), start);
    return {};
  }
  return raw(what, bytes);
}

std::size_t Decoder::count(const char* what, std::size_t count_max, std::size_t element_bytes_min) {
  const std::size_t start = offset_bytes();
  const std::uint64_t count = varint(what);
  if (count > count_max) {
    fail(WireError::Kind::too_large,
         std::string(what) + " are " + std::to_string(count) + "; at most " + std::to_string(count_max), start);
    return 0;
  }
  if (count > remaining_bytes() / element_bytes_min) {
    fail(WireError::Kind::malformed,
         std::string(what) + " are " + std::to_string(count) + " of at least " + std::to_string(element_bytes_min) +
             " bytes each; " + std::to_string(remaining_bytes()) + " bytes follow",
         start);
    return 0;
  }
  return count;
}

void Decoder::expect_end(const char* what) {
  if (at_ == end_) return;
  fail(WireError::Kind::malformed, std::to_string(remaining_bytes()) + " bytes are left over after " + what);
}

void Decoder::fail(WireError::Kind kind, const std::string& text, std::size_t at_bytes) {
  if (error_.has_value()) return;
  error_ = WireError{kind, at_bytes, "byte " + std::to_string(at_bytes) + ": " + text};
  end_ = at_;
}

void Decoder::fail_as(const Decoder& part) {
  if (error_.has_value() || part.ok()) return;
  error_ = part.error_;
  end_ = at_;
}

std::uint64_t Decoder::long_varint(const char* what, std::uint64_t max) {
  if (!ok()) return 0;
  const std::size_t start = offset_bytes();
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < kVarintBytesMax; ++i) {
    if (at_ == end_) {
      cut_off(what, 1);
      return 0;
    }
    const auto byte = static_cast<std::uint8_t>(*at_++);
    const std::uint64_t bits = byte & 0x7fU;
    // The tenth byte has room for one bit only; a last byte of 0 could have been left out.
    if ((i == kVarintBytesMax - 1 && byte > 1) || (i > 0 && byte == 0)) break;
    value |= bits << (7 * i);
    if (byte >= 0x80U) continue;
    if (value <= max) return value;
    fail(WireError::Kind::too_large,
         std::string(what) + " is " + std::to_string(value) + "; at most " + std::to_string(max), start);
    return 0;
  }
  fail(WireError::Kind::malformed, std::string(what) + " is no number in its shortest form", start);
  return 0;
}

void Decoder::cut_off(const char* what, std::size_t needed_bytes) {
  fail(WireError::Kind::malformed, std::string(what) + " is cut off: " + std::to_string(needed_bytes) +
                                       " bytes are needed and " + std::to_string(remaining_bytes()) + " are left");
}

}  // namespace taskgraph::wire
