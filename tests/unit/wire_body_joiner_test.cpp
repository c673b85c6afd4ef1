#include "host/wire/body_joiner.hpp"

#include <string>
#include <utility>
#include <variant>

#include "host/wire/control_codec.hpp"
#include "host/wire/limits.hpp"
#include "host/wire/message_splitter.hpp"
#include "tests/support/catch.hpp"

namespace taskgraph::wire {
namespace {

struct Letter {
  int name = 0;
  core::Bytes body;
};
using Joiner = BodyJoiner<Letter>;

TEST_CASE("a body that is whole at once comes back at once, also between the parts of another", "[wire][control]") {
  Joiner joiner(10);
  CHECK_FALSE(joiner.begin({1, core::Bytes("abc")}, 7).has_value());
  const auto small = joiner.begin({2, core::Bytes("xy")}, 2);
  REQUIRE(small.has_value());
  CHECK(small->name == 2);
  CHECK_FALSE(joiner.add("de").has_value());
  const auto empty = joiner.begin({3, {}}, 0);
  REQUIRE(empty.has_value());
  CHECK(empty->name == 3);
  const auto large = joiner.add("fg");
  REQUIRE(large.has_value());
  CHECK(large->name == 1);
  CHECK(large->body.view() == "abcdefg");
  CHECK(joiner.ok());
}

TEST_CASE("the next body may begin when the one before is whole", "[wire][control]") {
  Joiner joiner(4);
  for (int i = 0; i < 3; ++i) {
    CHECK_FALSE(joiner.begin({i, core::Bytes("ab")}, 4).has_value());
    const auto whole = joiner.add("cd");
    REQUIRE(whole.has_value());
    CHECK(whole->name == i);
    CHECK(whole->body.view() == "abcd");
  }
}

TEST_CASE("parts that do not fit together are refused for good", "[wire][control]") {
  const auto refuses = [](auto&& act) {
    Joiner joiner(8);
    act(joiner);
    const bool refused = !joiner.ok();
    CHECK_FALSE(joiner.add("x").has_value());
    return refused;
  };
  CHECK(refuses([](Joiner& joiner) { joiner.add("a part of nothing"); }));
  CHECK(refuses([](Joiner& joiner) { joiner.begin({1, core::Bytes("abc")}, 9); }));  // over the limit
  CHECK(refuses([](Joiner& joiner) { joiner.begin({1, core::Bytes("abc")}, 2); }));
  CHECK(refuses([](Joiner& joiner) {
    joiner.begin({1, core::Bytes("a")}, 3);
    joiner.begin({2, core::Bytes("a")}, 3);  // before the other is whole
  }));
  CHECK(refuses([](Joiner& joiner) {
    joiner.begin({1, core::Bytes("a")}, 3);
    joiner.add("bcd");
  }));
  CHECK_FALSE(refuses([](Joiner& joiner) { joiner.begin({1, core::Bytes("a")}, 8); }));
}

TEST_CASE("a large body crosses the wire in parts, with other messages between them", "[wire][control]") {
  std::string content(2 * kBodyPartBytesMax + 77, '\0');
  for (std::size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>(i * 7 + i / 251);
  core::OutsideReply reply{
      core::OutsideReply::Kind::answered, {{1, 2}, 3}, {4}, {5}, core::Outcome::value, 0, core::Bytes(content)};
  std::string stream;
  REQUIRE(encode(ToSupervisor{OutsideReplyStart{reply, 0}}, stream));
  for (std::size_t at = kBodyPartBytesMax; at < content.size(); at += kBodyPartBytesMax) {
    REQUIRE(encode(ToSupervisor{core::effect::AllStopped{}}, stream));
    REQUIRE(encode(ToSupervisor{BodyPart{std::string_view(content).substr(at, kBodyPartBytesMax)}}, stream));
  }
  MessageSplitter splitter;
  splitter.feed(stream);
  BodyJoiner<core::OutsideReply> joiner(content.size());
  std::optional<core::OutsideReply> whole;
  int others = 0;
  while (const auto message = splitter.next()) {
    REQUIRE_FALSE(whole.has_value());
    auto decoded = decode_to_supervisor(*message);
    REQUIRE(std::holds_alternative<ToSupervisor>(decoded));
    auto& read = std::get<ToSupervisor>(decoded);
    if (auto* start = std::get_if<OutsideReplyStart>(&read)) {
      CHECK(start->body_bytes == content.size());
      whole = joiner.begin(std::move(start->reply), start->body_bytes);
    } else if (const auto* part = std::get_if<BodyPart>(&read)) {
      whole = joiner.add(part->bytes);
    } else {
      ++others;
    }
  }
  REQUIRE(whole.has_value());
  CHECK(whole->name == reply.name);
  CHECK(whole->body.view() == content);
  CHECK(others == 2);
}

}  // namespace
}  // namespace taskgraph::wire
