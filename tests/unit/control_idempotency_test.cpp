#include "host/control/idempotency.hpp"

#include "tests/support/catch.hpp"

namespace taskgraph::control {
namespace {

using What = IdempotencyTable::Known::What;

core::Time at(std::int64_t seconds) {
  return {seconds * 1'000'000'000};
}

StoredAnswer answer(std::string_view body) {
  return {200, "text/plain", core::Bytes(body)};
}

const RequestDigest kOne = digest_of("/a", "1");

TEST_CASE("idempotency: keys are 1 to 255 printable characters", "[control]") {
  CHECK(is_idempotency_key("8e03978e-40d5-43dd-bc93-6894a57f9324"));
  CHECK(is_idempotency_key("\"with quotes and blanks\""));
  CHECK(is_idempotency_key(std::string(255, '~')));
  CHECK_FALSE(is_idempotency_key(""));
  CHECK_FALSE(is_idempotency_key(std::string(256, 'x')));
  CHECK_FALSE(is_idempotency_key("a\tb"));
  CHECK_FALSE(is_idempotency_key("caf\xc3\xa9"));
}

TEST_CASE("idempotency: a request is its route and its body", "[control]") {
  CHECK(digest_of("/a", "1") == kOne);
  CHECK(digest_of("/a", "2") != kOne);
  CHECK(digest_of("/b", "1") != kOne);
  CHECK(digest_of("/a1", "") != kOne);  // the border between the two counts
}

TEST_CASE("idempotency: the first runs, the next ones join it, later ones get its answer", "[control]") {
  IdempotencyTable table;
  CHECK(table.begin("k", kOne, 1, at(0)).what == What::nothing);
  const auto joined = table.begin("k", kOne, 2, at(1));
  CHECK(joined.what == What::under_way);
  CHECK(joined.pull == 1);
  table.answered("k", answer("x"), at(2));
  const auto replayed = table.begin("k", kOne, 3, at(3));
  REQUIRE(replayed.what == What::answered);
  CHECK(replayed.answer->body.view() == "x");
  CHECK(table.begin("l", kOne, 4, at(3)).what == What::nothing);
}

TEST_CASE("idempotency: a key belongs to one request, under way and afterwards", "[control]") {
  IdempotencyTable table;
  table.begin("k", kOne, 1, at(0));
  CHECK(table.begin("k", digest_of("/a", "2"), 2, at(0)).what == What::other);
  table.answered("k", answer("x"), at(0));
  CHECK(table.begin("k", digest_of("/b", "1"), 3, at(0)).what == What::other);
  CHECK(table.begin("k", kOne, 4, at(0)).what == What::answered);
}

TEST_CASE("idempotency: what ended without the task's answer runs again", "[control]") {
  IdempotencyTable table;
  table.begin("k", kOne, 1, at(0));
  table.failed("k");
  CHECK(table.size() == 0);
  CHECK(table.bytes() == 0);
  CHECK(table.begin("k", kOne, 2, at(0)).what == What::nothing);
}

TEST_CASE("idempotency: an answer is kept for its time, counted from the answer", "[control]") {
  IdempotencyTable table({.age_max = core::seconds(600)});
  table.begin("k", kOne, 1, at(0));
  table.answered("k", answer("x"), at(100));
  CHECK(table.begin("k", kOne, 2, at(700)).what == What::answered);
  CHECK(table.begin("k", kOne, 3, at(701)).what == What::nothing);
  CHECK(table.bytes() == 1);
  // What is under way has no age.
  CHECK(table.begin("k", kOne, 4, at(100'000)).what == What::under_way);
}

TEST_CASE("idempotency: over the number of entries the oldest answer goes", "[control]") {
  IdempotencyTable table({.entries_max = 2});
  table.begin("a", kOne, 1, at(0));
  table.begin("b", kOne, 2, at(0));
  CHECK(table.begin("c", kOne, 3, at(0)).what == What::full);  // nothing that could go
  table.answered("b", answer("b"), at(1));
  table.answered("a", answer("a"), at(2));
  CHECK(table.begin("c", kOne, 3, at(3)).what == What::nothing);
  CHECK(table.size() == 2);
  CHECK(table.begin("a", kOne, 4, at(3)).what == What::answered);
  table.failed("c");
  CHECK(table.begin("b", kOne, 5, at(3)).what == What::nothing);
}

TEST_CASE("idempotency: over the bytes the oldest answers go, and one that alone is too large is not kept",
          "[control]") {
  IdempotencyTable table({.bytes_max = 100});
  const std::string half(48, 'x');
  for (const char* key : {"a", "b"}) {
    table.begin(key, kOne, 1, at(0));
    table.answered(key, answer(half), at(0));
  }
  CHECK(table.bytes() == 98);
  table.begin("c", kOne, 2, at(1));
  table.answered("c", answer(std::string(100, 'x')), at(1));
  CHECK(table.bytes() == 98);
  CHECK(table.size() == 2);
  table.begin("d", kOne, 3, at(2));
  table.answered("d", answer(half), at(2));
  CHECK(table.bytes() == 98);
  CHECK(table.begin("a", kOne, 4, at(2)).what == What::nothing);
  CHECK(table.begin("b", kOne, 5, at(2)).what == What::answered);
  CHECK(table.begin("d", kOne, 6, at(2)).what == What::answered);
}

TEST_CASE("idempotency: the limits that hold where nobody sets others", "[control]") {
  const IdempotencyLimits limits;
  CHECK(limits.entries_max == 4096);
  CHECK(limits.bytes_max == 64U * 1024 * 1024);
  CHECK(limits.age_max == core::seconds(600));
}

}  // namespace
}  // namespace taskgraph::control
