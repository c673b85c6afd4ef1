#include <limits>
#include <string>
#include <vector>

#include "host/core/frame.hpp"
#include "host/wire/decoder.hpp"
#include "host/wire/encoder.hpp"
#include "host/wire/text_cut.hpp"
#include "tests/support/catch.hpp"

namespace taskgraph::wire {
namespace {

template <typename Fill>
std::string encoded(Fill fill) {
  std::string out;
  Encoder encoder(out);
  fill(encoder);
  encoder.flush();
  return out;
}

std::string varint(std::uint64_t value) {
  return encoded([&](Encoder& out) { out.varint(value); });
}

TEST_CASE("numbers are little-endian, and varints hold 7 bits a byte", "[wire]") {
  CHECK(encoded([](Encoder& out) { out.u16(0x0102); }) == "\x02\x01");
  CHECK(encoded([](Encoder& out) { out.u32(0x01020304); }) == "\x04\x03\x02\x01");
  CHECK(encoded([](Encoder& out) { out.u64(0x0102030405060708); }) == "\x08\x07\x06\x05\x04\x03\x02\x01");
  CHECK(varint(127) == "\x7f");
  CHECK(varint(128) == "\x80\x01");
  CHECK(varint(300) == "\xac\x02");
  CHECK(varint(std::numeric_limits<std::uint64_t>::max()) == "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
  CHECK(encoded([](Encoder& out) { out.string("ab"); }) ==
        "\x02"
        "ab");
}

TEST_CASE("every number comes back as it was written, in as many bytes as announced", "[wire]") {
  for (unsigned bit = 0; bit < 64; ++bit) {
    for (const std::uint64_t value : {(std::uint64_t{1} << bit) - 1, std::uint64_t{1} << bit}) {
      const std::string bytes = varint(value);
      CHECK(bytes.size() == varint_bytes(value));
      Decoder in(bytes);
      CHECK(in.varint("it") == value);
      CHECK(in.ok());
      CHECK(in.remaining_bytes() == 0);
    }
  }
  for (const std::int32_t value :
       {0, 1, -1, 64, -65, std::numeric_limits<std::int32_t>::max(), std::numeric_limits<std::int32_t>::min()}) {
    const std::string bytes = encoded([&](Encoder& out) { out.signed_varint(value); });
    Decoder in(bytes);
    CHECK(in.signed_varint("it") == value);
    CHECK(in.ok());
  }
}

TEST_CASE("an encoder gathers any mixture of small and large values in order", "[wire]") {
  std::string expected;
  const std::string written = encoded([&](Encoder& out) {
    for (std::size_t size = 0; size < 600; ++size) {
      const std::string piece(size, static_cast<char>('a' + size % 26));
      out.raw(piece);
      out.u8(static_cast<std::uint8_t>(size));
      expected += piece + static_cast<char>(size);
    }
  });
  CHECK(written == expected);
}

TEST_CASE("a number has one encoding: a longer one, or one of more than 64 bits, is refused", "[wire]") {
  const std::vector<std::string> refused{std::string("\x80\x00", 2), std::string("\xff\x80\x00", 3),
                                         "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02",
                                         "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"};
  for (const std::string& bytes : refused) {
    Decoder in(bytes);
    CHECK(in.varint("the epoch") == 0);
    REQUIRE_FALSE(in.ok());
    CHECK(in.error()->text == "byte 0: the epoch is no number in its shortest form");
  }
}

TEST_CASE("the first failure of a decoder sticks, with what and where", "[wire]") {
  Decoder in("\x01\x02\x03", 100);
  CHECK(in.u16("the first") == 0x0201);
  CHECK(in.u32("the second") == 0);
  REQUIRE(in.error().has_value());
  CHECK(in.error()->offset_bytes == 102);
  CHECK(in.error()->text == "byte 102: the second is cut off: 4 bytes are needed and 1 are left");
  CHECK(in.u8("the third") == 0);  // the byte is there, but nothing is read any more
  CHECK(in.string("the fourth", 10).empty());
  CHECK(in.count("the fifth", 10, 1) == 0);
  in.expect_end("the input");
  CHECK(in.error()->offset_bytes == 102);
}

TEST_CASE("numbers beyond their type or limit are refused", "[wire]") {
  Decoder task(std::string_view("\x80\x80\x80\x80\x10"));  // 2^32
  CHECK(task.number<core::TaskId>("the task") == core::TaskId{0});
  REQUIRE_FALSE(task.ok());
  CHECK(task.error()->kind == WireError::Kind::too_large);
  CHECK(task.error()->text == "byte 0: the task is 4294967296; at most 4294967295");

  Decoder outcome(std::string_view("\x06"));
  outcome.enumerator("the outcome", core::Outcome::deadline);
  REQUIRE_FALSE(outcome.ok());
  CHECK(outcome.error()->text == "byte 0: the outcome is 6; at most 5");
}

TEST_CASE("lengths and counts are compared with what is there before anything is reserved", "[wire]") {
  const std::string huge = varint(std::uint64_t{1} << 60) + "abc";
  Decoder text(huge);
  CHECK(text.string("the text", std::numeric_limits<std::size_t>::max()).empty());
  REQUIRE_FALSE(text.ok());
  CHECK(text.error()->text == "byte 9: the text is cut off: 1152921504606846976 bytes are needed and 3 are left");

  Decoder limited("\x05hello");
  CHECK(limited.string("the text", 4).empty());
  REQUIRE_FALSE(limited.ok());
  CHECK(limited.error()->text == "byte 0: the text has 5 bytes; at most 4");

  Decoder many(std::string_view("\3ABCDE"));
  CHECK(many.count("the pairs", 10, 2) == 0);  // 5 bytes are no 3 pairs
  REQUIRE_FALSE(many.ok());
  CHECK(many.error()->text == "byte 0: the pairs are 3 of at least 2 bytes each; 5 bytes follow");

  Decoder fitting(
      std::string_view("\x03"
                       "ABCDEF"));
  CHECK(fitting.count("the pairs", 3, 2) == 3);
  Decoder over(
      std::string_view("\x03"
                       "ABCDEF"));
  CHECK(over.count("the pairs", 2, 2) == 0);
  REQUIRE_FALSE(over.ok());
  CHECK(over.error()->kind == WireError::Kind::too_large);
}

TEST_CASE("a text that is too long is cut between characters and says by how much", "[wire]") {
  CHECK(cut_text(std::string(100, 'x'), 100) == std::string(100, 'x'));
  std::string cut(60, 'x');
  cut += " [... 41 bytes cut]";
  CHECK(cut_text(std::string(101, 'x'), 100) == cut);
  std::string euros;
  for (int i = 0; i < 50; ++i) euros += "\u20ac";  // 3 bytes each: byte 61 is within one, 60 is not
  CHECK(cut_text("a" + euros, 100) == "a" + euros.substr(0, 57) + " [... 93 bytes cut]");
  const std::string no_utf8(200, '\x80');
  CHECK(cut_text(no_utf8, 100).size() <= 100);
}

}  // namespace
}  // namespace taskgraph::wire
