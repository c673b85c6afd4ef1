/// Reads what encoder.hpp has written, from bytes that anybody may have sent.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "host/core/ids.hpp"

namespace taskgraph::wire {

/// Why bytes were refused.
struct WireError {
  enum class Kind : std::uint8_t {
    malformed,  ///< cut off, damaged, or written by something else
    version,    ///< the sender speaks a wire version that this host does not
    too_large   ///< a size or count above its limit
  };
  Kind kind = Kind::malformed;
  std::size_t offset_bytes = 0;  ///< where, from the start of the batch or of the control message
  std::string text;              ///< "byte 57: the method has 2000 bytes; at most 1024"
};

/// Reads values one after another and never beyond its input, which outlives it and the views that it returns. The
/// first failure sticks: from then on every value is zero or empty, so a caller checks once, after the last of them
/// (and in loops). Every value has one encoding only; a longer one is malformed.
///
/// `what` names the value in the error's text: "the sender's term".
class Decoder {
 public:
  /// `offset_bytes`: of the first byte of `input` in whatever it is a part of.
  explicit Decoder(std::string_view input, std::size_t offset_bytes = 0)
      : begin_(input.data()), at_(begin_), end_(begin_ + input.size()), offset_bytes_(offset_bytes) {}

  std::uint8_t u8(const char* what) { return fixed<std::uint8_t>(what); }
  std::uint16_t u16(const char* what) { return fixed<std::uint16_t>(what); }
  std::uint32_t u32(const char* what) { return fixed<std::uint32_t>(what); }
  std::uint64_t u64(const char* what) { return fixed<std::uint64_t>(what); }

  std::uint64_t varint(const char* what, std::uint64_t max = std::numeric_limits<std::uint64_t>::max()) {
    // One byte, as nearly always.
    if (at_ != end_ && static_cast<std::uint8_t>(*at_) < 0x80U && static_cast<std::uint8_t>(*at_) <= max) {
      return static_cast<std::uint8_t>(*at_++);
    }
    return long_varint(what, max);
  }
  std::int32_t signed_varint(const char* what) {
    const auto value = static_cast<std::uint32_t>(varint(what, std::numeric_limits<std::uint32_t>::max()));
    return static_cast<std::int32_t>((value >> 1U) ^ ((value & 1U) != 0 ? ~std::uint32_t{0} : 0U));
  }
  /// A core::Strong.
  template <typename T>
  T number(const char* what) {
    return T{static_cast<typename T::rep>(varint(what, std::numeric_limits<typename T::rep>::max()))};
  }
  /// A core::Uuid.
  template <typename T>
  T uuid(const char* what) {
    const std::uint64_t high = u64(what);
    return T{high, u64(what)};
  }
  /// One of the enumerators 0 .. `last`.
  template <typename T>
  T enumerator(const char* what, T last) {
    return static_cast<T>(varint(what, static_cast<std::uint64_t>(last)));
  }
  /// The next `bytes` ones.
  std::string_view raw(const char* what, std::size_t bytes);
  /// Behind a varint of its length, which is at most `bytes_max`.
  std::string_view string(const char* what, std::size_t bytes_max);
  /// How many elements follow: at most `count_max`, each of at least `element_bytes_min` bytes (> 0), for which the
  /// input has room. So what a caller reserves is bounded by what was really sent.
  std::size_t count(const char* what, std::size_t count_max, std::size_t element_bytes_min);

  bool ok() const { return !error_.has_value(); }
  const std::optional<WireError>& error() const { return error_; }
  std::size_t remaining_bytes() const { return static_cast<std::size_t>(end_ - at_); }
  std::size_t offset_bytes() const { return offset_bytes_ + static_cast<std::size_t>(at_ - begin_); }
  /// Fails unless all has been read; `what` has ended.
  void expect_end(const char* what);
  /// The first failure counts. It is said to be where the next value would be read, or at `at_bytes`.
  void fail(WireError::Kind kind, const std::string& text) { fail(kind, text, offset_bytes()); }
  void fail(WireError::Kind kind, const std::string& text, std::size_t at_bytes);
  /// What went wrong in `part`, a decoder of a part of this input, has gone wrong here.
  void fail_as(const Decoder& part);

 private:
  std::uint64_t long_varint(const char* what, std::uint64_t max);
  void cut_off(const char* what, std::size_t needed_bytes);
  template <std::unsigned_integral T>
  T fixed(const char* what) {
    if (remaining_bytes() < sizeof(T)) {
      cut_off(what, sizeof(T));
      return 0;
    }
    T value = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i) {
      value = static_cast<T>(value | static_cast<T>(static_cast<T>(static_cast<std::uint8_t>(at_[i])) << (8 * i)));
    }
    at_ += sizeof(T);
    return value;
  }

  const char* begin_;
  const char* at_;
  const char* end_;  ///< at_ after a failure: nothing more is read
  std::size_t offset_bytes_;
  std::optional<WireError> error_;
};

}  // namespace taskgraph::wire
