#include <string>
#include <utility>
#include <vector>

#include "host/wire/frame_codec.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/wire_batches.hpp"
#include "tests/support/wire_messages.hpp"

namespace taskgraph::wire {
namespace {

using tests::kBatchHeader;
using tests::read_batch;
using tests::ReadBatch;
using tests::text_of;
using tests::WireRandom;
using Added = BatchWriter::Added;

core::Frame request(std::size_t method_bytes, std::size_t body_bytes) {
  return {{kBatchHeader.job, {}, {}, {}, {}, {}, 0, 0},
          core::PullRequest{1, std::string(method_bytes, 'm'), core::Bytes(std::string(body_bytes, 'b'))}};
}

TEST_CASE("a batch of all kinds comes back as it was written", "[wire][batch]") {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    WireRandom random(seed);
    std::vector<Message> messages;
    for (std::size_t kind = 0; kind < WireRandom::kMessageKinds; ++kind) {
      messages.push_back(random.message(kind, kBatchHeader.job));
    }
    std::string bytes;
    BatchWriter writer(bytes, kBatchHeader);
    for (const Message& message : messages) REQUIRE(writer.add(message) == Added::added);
    CHECK(writer.messages() == messages.size());
    CHECK(writer.bytes() == bytes.size());

    const ReadBatch read = read_batch(bytes);
    INFO("seed " << seed);
    REQUIRE_FALSE(read.error.has_value());
    CHECK(read.header == kBatchHeader);
    REQUIRE(read.messages.size() == messages.size());
    for (std::size_t i = 0; i < messages.size(); ++i) CHECK(text_of(read.messages[i]) == text_of(messages[i]));
    CHECK(read.again == bytes);
  }
}

TEST_CASE("a pull request is laid out as the table says", "[wire][batch]") {
  std::string bytes;
  BatchWriter writer(bytes, {{1, 2}, {3, 4}, {5, 6}});
  const core::Stamp stamp{{1, 2}, {7}, {8}, {9}, {300}, {11}, 12, 13};
  REQUIRE(writer.add(core::Frame{stamp, core::PullRequest{14, "sum", core::Bytes("ab")}}) == Added::added);
  using namespace std::string_literals;
  const std::string expected =
      "tgWB\1\0"s
      "\1\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0"s
      "\3\0\0\0\0\0\0\0\4\0\0\0\0\0\0\0"s
      "\5\0\0\0\0\0\0\0\6\0\0\0\0\0\0\0"s
      "\x11\0\0\0\3\7\x8\x9\xac\2\xb\xc\xd\xe\3sum\2ab"s;
  CHECK(bytes == expected);
}

TEST_CASE("a batch may be appended to something, and may be empty", "[wire][batch]") {
  std::string bytes = "before";
  const BatchWriter writer(bytes, kBatchHeader);
  CHECK(writer.bytes() == kBatchHeaderBytes);
  const ReadBatch read = read_batch(std::string_view(bytes).substr(6));
  CHECK_FALSE(read.error.has_value());
  CHECK(read.messages.empty());
  CHECK(read.header == kBatchHeader);
}

TEST_CASE("a wire version outside of the window is refused with both sides named", "[wire][batch]") {
  std::string bytes;
  BatchWriter writer(bytes, kBatchHeader);
  REQUIRE(writer.add(request(1, 1)) == Added::added);
  for (const int version : {0, 2, 255}) {
    bytes[4] = static_cast<char>(version);
    const ReadBatch read = read_batch(bytes);
    REQUIRE(read.error.has_value());
    CHECK(read.error->kind == WireError::Kind::version);
    CHECK(read.error->text == "byte 4: the sender speaks wire version " + std::to_string(version) +
                                  ", this host speaks 1; upgrade the older of the two, one release after another");
    CHECK(read.messages.empty());
    CHECK(read.header.job.is_nil());
  }
}

TEST_CASE("what is no batch is refused as such", "[wire][batch]") {
  const ReadBatch http = read_batch("HTTP/1.1 400 Bad Request\r\n\r\n");
  REQUIRE(http.error.has_value());
  CHECK(http.error->text == "byte 0: no batch of TaskGraph: it does not begin with \"tgWB\"");
  CHECK(http.header == BatchHeader{{}, {}, {}, 0});
  const ReadBatch nothing = read_batch("");
  REQUIRE(nothing.error.has_value());
  CHECK(nothing.error->text == "byte 0: the batch's magic is cut off: 4 bytes are needed and 0 are left");
}

TEST_CASE("bodies and methods are sent along up to their limits", "[wire][batch]") {
  std::string bytes;
  BatchWriter writer(bytes, kBatchHeader);
  CHECK(writer.add(request(kMethodBytesMax, kEagerBytesMax)) == Added::added);
  const std::string good = bytes;
  CHECK(writer.add(request(kMethodBytesMax + 1, 0)) == Added::too_large);
  CHECK(writer.add(request(0, kEagerBytesMax + 1)) == Added::too_large);
  const core::Bytes large(std::string(kEagerBytesMax + 1, 'x'));
  const core::Stamp stamp{kBatchHeader.job, {}, {}, {}, {}, {}, 0, 0};
  CHECK(writer.add(core::Frame{stamp, core::Flag{{}, {}, large}}) == Added::too_large);
  CHECK(writer.add(core::Frame{stamp, core::PullAnswer{1, core::Outcome::value, 0, large}}) == Added::too_large);
  CHECK(writer.add(AnnouncedRequest{stamp, 1, std::string(kMethodBytesMax + 1, 'm'), {{1, 2}, 3}}) == Added::too_large);
  CHECK(bytes == good);  // a refused message leaves nothing behind
  CHECK(writer.messages() == 1);
  CHECK_FALSE(read_batch(bytes).error.has_value());
}

/// A batch with one message of these bytes.
std::string batch_of(const std::string& message) {
  std::string bytes;
  const BatchWriter writer(bytes, kBatchHeader);
  const auto length = static_cast<std::uint32_t>(message.size());
  for (unsigned shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(length >> shift);
  return bytes + message;
}

TEST_CASE("a reader refuses what no writer writes", "[wire][batch]") {
  using namespace std::string_literals;
  const std::string zero_stamp(7, '\0');
  const auto refusal = [](const std::string& message) {
    const ReadBatch read = read_batch(batch_of(message));
    CHECK(read.messages.empty());
    return read.error.has_value() ? read.error->text : "accepted";
  };
  CHECK(refusal("") == "byte 58: the kind of the message is cut off: 1 bytes are needed and 0 are left");
  CHECK(refusal("\x63") == "byte 58: there is no message of kind 99");
  CHECK(refusal("\1" + zero_stamp + "ab") == "byte 66: 2 bytes are left over after the message");
  CHECK(refusal("\3" + zero_stamp + "\0\x81\x08"s) == "byte 67: the method has 1025 bytes; at most 1024");
  CHECK(refusal("\3" + zero_stamp + "\0\0\x81\x80\x04"s) == "byte 68: the body has 65537 bytes; at most 65536");
  CHECK(refusal("\2" + zero_stamp + "\0\0\0\x81\x80\x04"s) ==
        "byte 69: the flag's meta has 65537 bytes; at most 65536");
  CHECK(refusal("\4" + zero_stamp + "\0\4\0\0"s) == "byte 67: outcome 4 is not one of an answer");
  CHECK(refusal("\4" + zero_stamp + "\0\7\0\0"s) == "byte 67: the outcome is 7; at most 5");
  CHECK(refusal("\5" + zero_stamp + "\0\0"s + std::string(16, 'u') + '\0') ==
        "byte 84: a blob of 0 bytes is announced");
  const std::string seal_ack = "\x8\0\0"s + std::string(16, 'l') + '\0';
  CHECK(refusal(seal_ack + "\2\2\0"s) == "byte 79: part 2 of only 2");
  CHECK(refusal(seal_ack + "\0\x81\x20\0"s) == "byte 79: the number of parts is 4097; at most 4096");
  CHECK(refusal(seal_ack + "\0\1\xff\x7f"s) ==
        "byte 80: the stored flags are 16383 of at least 6 bytes each; 0 bytes follow");
  CHECK(refusal(seal_ack + "\0\1\xff\xff\x7f"s) == "byte 80: the stored flags are 2097151; at most 16384");
}

TEST_CASE("the length of a message is limited, whatever follows", "[wire][batch]") {
  const ReadBatch long_one = read_batch(batch_of(std::string(kMessageBytesMax + 1, '\1')));
  REQUIRE(long_one.error.has_value());
  CHECK(long_one.error->kind == WireError::Kind::too_large);
  CHECK(long_one.error->text == "byte 54: a message of 67585 bytes; at most 67584");
  std::string cut = batch_of(std::string(100, '\1'));
  cut.pop_back();
  const ReadBatch cut_off = read_batch(cut);
  REQUIRE(cut_off.error.has_value());
  CHECK(cut_off.error->text == "byte 58: a message is cut off: 100 bytes are needed and 99 are left");
}

TEST_CASE("a full batch says so, and what it holds is whole", "[wire][batch]") {
  std::string bytes;
  BatchWriter writer(bytes, kBatchHeader);
  std::size_t added = 0;
  while (writer.add(request(0, 60'000)) == Added::added) ++added;
  CHECK(writer.add(request(0, 60'000)) == Added::batch_full);
  CHECK(added == 69);  // of 60,000 bytes and a little in 4 MiB
  CHECK(writer.add(request(0, 10)) == Added::added);
  CHECK(bytes.size() <= kBatchBytesMax);
  CHECK(read_batch(bytes).messages.size() == added + 1);

  bytes.append(kBatchBytesMax + 1 - bytes.size(), '\0');
  const ReadBatch over = read_batch(bytes);
  REQUIRE(over.error.has_value());
  CHECK(over.error->text == "byte 0: the batch has 4194305 bytes; at most 4194304");
  CHECK(over.messages.empty());
}

TEST_CASE("messages of a batch are counted", "[wire][batch]") {
  std::string bytes;
  BatchWriter writer(bytes, kBatchHeader);
  const core::Frame smallest{{kBatchHeader.job, {}, {}, {}, {}, {}, 0, 0}, core::Acknowledgement{}};
  for (std::size_t i = 0; i < kBatchMessagesMax; ++i) REQUIRE(writer.add(smallest) == Added::added);
  CHECK(writer.add(smallest) == Added::batch_full);
  CHECK(read_batch(bytes).messages.size() == kBatchMessagesMax);

  const std::string one = bytes.substr(kBatchHeaderBytes, (bytes.size() - kBatchHeaderBytes) / kBatchMessagesMax);
  const ReadBatch over = read_batch(bytes + one);
  REQUIRE(over.error.has_value());
  CHECK(over.error->kind == WireError::Kind::too_large);
  CHECK(over.messages.size() == kBatchMessagesMax);
}

/// One message of each kind.
std::string mixed_batch(std::uint64_t seed) {
  WireRandom random(seed, 40);
  std::string bytes;
  BatchWriter writer(bytes, kBatchHeader);
  for (std::size_t kind = 0; kind < WireRandom::kMessageKinds; ++kind) {
    if (writer.add(random.message(kind, kBatchHeader.job)) != Added::added) return {};
  }
  return bytes;
}

TEST_CASE("a batch that is cut off anywhere gives the messages before the cut", "[wire][batch][hostile]") {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    const std::string bytes = mixed_batch(seed);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      const ReadBatch read = read_batch(std::string_view(bytes).substr(0, size));
      INFO("seed " << seed << ", " << size << " bytes");
      if (read.error.has_value()) {
        CHECK(read.error->offset_bytes <= size);
      } else {
        CHECK(read.again == bytes.substr(0, size));  // it was cut between two messages
      }
      CHECK(read.messages.size() < WireRandom::kMessageKinds);
    }
  }
}

TEST_CASE("a batch with any byte changed gives an error or messages with that very encoding",
          "[wire][batch][hostile]") {
  std::size_t refused = 0;
  std::size_t accepted = 0;
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    const std::string bytes = mixed_batch(seed);
    for (std::size_t at = 0; at < bytes.size(); ++at) {
      for (const unsigned flip : {0x01U, 0x10U, 0x7fU, 0x80U, 0xffU}) {
        std::string damaged = bytes;
        damaged[at] = static_cast<char>(static_cast<unsigned char>(damaged[at]) ^ flip);
        const ReadBatch read = read_batch(damaged);
        INFO("seed " << seed << ", byte " << at << ", flip " << flip);
        if (read.error.has_value()) {
          ++refused;
          CHECK(read.error->offset_bytes <= damaged.size());
          if (read.header.version != 0) CHECK(damaged.compare(0, read.again.size(), read.again) == 0);
        } else {
          ++accepted;
          CHECK(read.again == damaged);
        }
      }
    }
  }
  CHECK(refused > 1'000);
  CHECK(accepted > 1'000);
}

}  // namespace
}  // namespace taskgraph::wire
