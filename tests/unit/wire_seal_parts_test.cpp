#include "host/wire/seal_parts.hpp"

#include <algorithm>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "host/wire/frame_codec.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/wire_batches.hpp"

namespace taskgraph::wire {
namespace {

using tests::kBatchHeader;

core::StoredFlag stored(std::uint32_t index, std::size_t meta_bytes) {
  return {{3}, {4}, {{{5}, index}, {6}, core::Bytes(std::string(meta_bytes, static_cast<char>('a' + index % 26)))}};
}

core::SealAck ack_of(std::uint32_t flags, std::size_t meta_bytes, std::uint64_t life = 8) {
  core::SealAck ack{{3}, {7}, {0, life}, {}};
  for (std::uint32_t i = 0; i < flags; ++i) ack.flags.push_back(stored(i, meta_bytes));
  return ack;
}

std::vector<std::uint32_t> indices(const core::SealAck& ack) {
  std::vector<std::uint32_t> indices;
  for (const core::StoredFlag& flag : ack.flags) indices.push_back(flag.flag.name.index);
  std::sort(indices.begin(), indices.end());
  return indices;
}

std::vector<std::uint32_t> first_numbers(std::uint32_t count) {
  std::vector<std::uint32_t> numbers;
  for (std::uint32_t i = 0; i < count; ++i) numbers.push_back(i);
  return numbers;
}

TEST_CASE("an acknowledgement that fits into a message is one part, and whole at once", "[wire][seal]") {
  SealAckJoiner joiner;
  for (const std::uint32_t flags : {0U, 1U, 100U}) {
    std::vector<SealAckPart> parts = split(ack_of(flags, 20), 1);
    REQUIRE(parts.size() == 1);
    const std::optional<core::SealAck> whole = joiner.join(std::move(parts[0]));
    REQUIRE(whole.has_value());
    CHECK(whole->task == core::TaskId{3});
    CHECK(whole->term == core::Term{7});
    CHECK(whole->life == core::LifeId{0, 8});
    CHECK(indices(*whole) == first_numbers(flags));
  }
  CHECK(joiner.incomplete() == 0);
}

TEST_CASE("a flag that several replicas have stored is sent once", "[wire][seal]") {
  core::SealAck ack = ack_of(10, 20);
  for (std::uint32_t i = 0; i < 10; ++i) ack.flags.push_back(stored(9 - i, 20));
  ack.flags.push_back(stored(3, 20));
  ack.flags.back().epoch = {5};  // another flag of this name
  const std::vector<SealAckPart> parts = split(std::move(ack), 1);
  REQUIRE(parts.size() == 1);
  CHECK(parts[0].ack.flags.size() == 11);
}

TEST_CASE("a large acknowledgement travels in parts and is whole with the last of them", "[wire][seal]") {
  for (const std::size_t meta_bytes : {std::size_t{0}, std::size_t{1'000}, kEagerBytesMax - 1, kEagerBytesMax}) {
    const std::uint32_t flags = meta_bytes == 0 ? 40'000 : 200;
    std::vector<SealAckPart> parts = split(ack_of(flags, meta_bytes), 9);
    REQUIRE(parts.size() > 1);
    INFO(parts.size() << " parts of flags with " << meta_bytes << " bytes");
    std::mt19937 random(static_cast<std::uint32_t>(meta_bytes));
    std::shuffle(parts.begin(), parts.end(), random);
    SealAckJoiner joiner;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      std::string batch;
      BatchWriter writer(batch, kBatchHeader);
      REQUIRE(writer.add(parts[i]) == BatchWriter::Added::added);
      const auto read = tests::read_batch(batch);
      REQUIRE(read.messages.size() == 1);
      const auto part = std::get<SealAckPart>(read.messages[0]);
      CHECK_FALSE((i + 1 < parts.size() && joiner.join(part).has_value()));
      if (i + 1 < parts.size()) {
        CHECK_FALSE(joiner.join(part).has_value());  // doubled
        continue;
      }
      const std::optional<core::SealAck> whole = joiner.join(part);
      REQUIRE(whole.has_value());
      CHECK(indices(*whole) == first_numbers(flags));
      CHECK(whole->flags[0].flag.meta.size() == meta_bytes);
    }
    CHECK(joiner.incomplete() == 0);
    CHECK(joiner.bytes() == 0);
  }
}

TEST_CASE("parts of two acknowledgements never make one", "[wire][seal]") {
  std::vector<SealAckPart> older = split(ack_of(100, 1'000), 1);
  std::vector<SealAckPart> newer = split(ack_of(101, 1'000), 2);
  REQUIRE(older.size() == 2);
  REQUIRE(newer.size() == 2);
  SealAckJoiner joiner;
  CHECK_FALSE(joiner.join(older[0]).has_value());
  CHECK_FALSE(joiner.join(newer[1]).has_value());
  CHECK_FALSE(joiner.join(older[1]).has_value());
  CHECK_FALSE(joiner.join(older[0]).has_value());
  const std::optional<core::SealAck> whole = joiner.join(newer[0]);
  REQUIRE(whole.has_value());
  CHECK(indices(*whole) == first_numbers(101));

  std::vector<SealAckPart> elsewhere = split(ack_of(100, 1'000, 99), 1);
  CHECK_FALSE(joiner.join(older[0]).has_value());
  CHECK_FALSE(joiner.join(elsewhere[1]).has_value());
  CHECK(joiner.incomplete() == 2);
  SealAckPart other_count = older[1];  // a sender that contradicts itself
  other_count.parts = 3;
  CHECK_FALSE(joiner.join(other_count).has_value());
}

TEST_CASE("what waits for its other parts is bounded in number and bytes", "[wire][seal]") {
  SealAckJoiner joiner;
  const std::vector<SealAckPart> parts = split(ack_of(100, 1'000), 1);
  const auto part_of = [&](std::uint64_t life) {
    SealAckPart part = parts[0];
    part.ack.life = {0, life};
    return part;
  };
  for (std::uint64_t life = 1; life <= SealAckJoiner::kJoiningMax + 5; ++life) joiner.join(part_of(life));
  CHECK(joiner.incomplete() == SealAckJoiner::kJoiningMax);

  SealAckJoiner large;
  core::Bytes meta(std::string(kEagerBytesMax, 'x'));
  for (std::uint64_t life = 1; life <= 1'100; ++life) {
    SealAckPart part{{{3}, {7}, {0, life % 200}, {}}, life / 200, 0, 7};
    part.part = static_cast<std::uint32_t>(life % 7);
    for (int i = 0; i < 10; ++i) part.ack.flags.push_back({{3}, {4}, {{{5}, 0}, {6}, meta}});
    large.join(std::move(part));
    CHECK(large.bytes() <= SealAckJoiner::kJoiningBytesMax);
  }
  CHECK(large.incomplete() > 50);
}

TEST_CASE("an acknowledgement beyond all parts is not cut short", "[wire][seal]") {
  core::SealAck ack{{3}, {7}, {0, 8}, {}};
  const core::Bytes meta(std::string(kEagerBytesMax, 'x'));
  for (std::uint32_t i = 0; i < kSealPartsMax; ++i) ack.flags.push_back({{3}, {4}, {{{5}, i}, {6}, meta}});
  CHECK(split(ack, 1).size() == kSealPartsMax);
  ack.flags.push_back({{3}, {4}, {{{5}, kSealPartsMax}, {6}, meta}});
  CHECK(split(ack, 1).empty());
}

}  // namespace
}  // namespace taskgraph::wire
