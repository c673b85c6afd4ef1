/// Appends the primitives of the wire to a string. Everything is little-endian; numbers that are small as a rule are
/// varints: 7 bits a byte, the lowest first, the highest bit says that another byte follows.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "host/core/ids.hpp"

namespace taskgraph::wire {

inline constexpr std::size_t kVarintBytesMax = 10;
inline constexpr std::size_t kUuidBytes = 16;
inline constexpr std::size_t kLengthBytes = 4;  ///< of the length that stands before a message

/// Bytes that `value` takes as a varint.
constexpr std::size_t varint_bytes(std::uint64_t value) {
  return (static_cast<std::size_t>(std::bit_width(value | 1U)) + 6) / 7;
}

/// Small negative numbers become small positive ones: 0, -1, 1, -2, ... are 0, 1, 2, 3, ...
constexpr std::uint32_t zigzag(std::int32_t value) {
  return (static_cast<std::uint32_t>(value) << 1U) ^ (value < 0 ? ~std::uint32_t{0} : 0U);
}

/// Used by one thread for one value after another; `out` outlives it, and nobody else appends meanwhile.
///
/// Small values gather in a buffer of its own and are appended many at once; flush() hands over the last of them.
class Encoder {
 public:
  explicit Encoder(std::string& out) : out_(out) {}
  Encoder(const Encoder&) = delete;
  Encoder& operator=(const Encoder&) = delete;

  void u8(std::uint8_t value) { fixed(value); }
  void u16(std::uint16_t value) { fixed(value); }
  void u32(std::uint32_t value) { fixed(value); }
  void u64(std::uint64_t value) { fixed(value); }

  void varint(std::uint64_t value) {
    make_room(kVarintBytesMax);
    while (value >= 0x80U) {
      gathered_[size_++] = static_cast<char>(value | 0x80U);
      value >>= 7U;
    }
    gathered_[size_++] = static_cast<char>(value);
  }
  void signed_varint(std::int32_t value) { varint(zigzag(value)); }
  template <typename Tag, typename Rep>
  void number(core::Strong<Tag, Rep> value) {
    varint(value.value);
  }
  template <typename Tag>
  void uuid(const core::Uuid<Tag>& value) {
    u64(value.high);
    u64(value.low);
  }
  /// Without a length: the reader knows how many.
  void raw(std::string_view bytes) {
    if (bytes.size() <= kGatheredBytesMax - size_) {
      if (!bytes.empty()) std::memcpy(gathered_ + size_, bytes.data(), bytes.size());
      size_ += bytes.size();
      return;
    }
    flush();
    out_.append(bytes);
  }
  /// Behind a varint of its length.
  void string(std::string_view bytes) {
    varint(bytes.size());
    raw(bytes);
  }

  void flush() {
    out_.append(gathered_, size_);
    size_ = 0;
  }

 private:
  static constexpr std::size_t kGatheredBytesMax = 256;

  void make_room(std::size_t bytes) {
    if (bytes > kGatheredBytesMax - size_) flush();
  }
  template <std::unsigned_integral T>
  void fixed(T value) {
    make_room(sizeof(T));
    for (std::size_t i = 0; i < sizeof(T); ++i) {
      gathered_[size_++] = static_cast<char>(static_cast<std::uint8_t>(value >> (8 * i)));
    }
  }

  std::string& out_;
  std::size_t size_ = 0;
  char gathered_[kGatheredBytesMax];  // the first size_ are set
};

/// Writes a length that was left open: the 4 bytes of `out` from `at` on.
inline void put_length(std::string& out, std::size_t at, std::size_t length) {
  for (std::size_t i = 0; i < kLengthBytes; ++i) {
    out[at + i] = static_cast<char>(static_cast<std::uint8_t>(length >> (8 * i)));
  }
}

}  // namespace taskgraph::wire
