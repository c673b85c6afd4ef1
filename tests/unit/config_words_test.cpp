#include "host/config/words.hpp"

#include "tests/support/catch.hpp"

namespace taskgraph::config {
namespace {

TEST_CASE("quote: what could harm a terminal is escaped, the rest stays") {
  CHECK(quote("tree") == "\"tree\"");
  CHECK(quote("caf\xc3\xa9") == "\"caf\xc3\xa9\"");
  CHECK(quote("a\"b\\c") == R"("a\"b\\c")");
  CHECK(quote(std::string_view("\0\n\t\x1b\x7f", 5)) == R"("\x00\n\t\x1b\x7f")");
  CHECK(quote("\xc2\x9b") == R"("\xc2\x9b")");  // C1: a control sequence introducer
  CHECK(quote("\xed\xa0\x80\xff") == R"("\xed\xa0\x80\xff")");
  CHECK(quote(std::string(kQuotedBytesMax, 'x')) == '"' + std::string(kQuotedBytesMax, 'x') + '"');
  CHECK(quote(std::string(5'000'000, 'x')) == '"' + std::string(kQuotedBytesMax, 'x') + "\"... (5000000 bytes)");
}

TEST_CASE("printable: one line, nothing cut, no quotation marks") {
  CHECK(printable("a \"b\"\n\x1b") == "a \"b\"\\n\\x1b");
  CHECK(printable(std::string(1'000, 'x')).size() == 1'000);
}

TEST_CASE("utf8_sequence: lengths and what is malformed") {
  CHECK(utf8_sequence("a") == 1);
  CHECK(utf8_sequence("\xc3\xa9") == 2);
  CHECK(utf8_sequence("\xe2\x82\xac") == 3);
  CHECK(utf8_sequence("\xf0\x9f\x98\x80") == 4);
  CHECK(utf8_sequence("\xf4\x8f\xbf\xbf") == 4);
  for (const char* bad : {"", "\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf0\x80\x80\x80",
                          "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xc3", "\xe2\x82", "\xe2\x82x", "\xc3x"}) {
    CHECK(utf8_sequence(bad) == 0);
  }
}

TEST_CASE("nearest: the likeliest candidate, or none") {
  const std::vector<std::string_view> shapes{"tree", "ring", "full", "star", "edges"};
  CHECK(nearest("treee", shapes) == "tree");
  CHECK(nearest("rign", shapes) == "ring");  // swapped
  CHECK(nearest("fulL", shapes) == "full");  // replaced
  CHECK(nearest("sar", shapes) == "star");   // left out
  CHECK(nearest("egdse", shapes) == std::nullopt);
  CHECK(nearest("grid", shapes) == std::nullopt);
  CHECK(nearest("", shapes) == std::nullopt);
  CHECK(nearest(std::string(1'000'000, 't'), shapes) == std::nullopt);
  const std::vector<std::string_view> short_and_long{"a", std::string_view()};
  CHECK(nearest("x", short_and_long) == std::nullopt);
}

TEST_CASE("did_you_mean: a clause, or nothing") {
  const std::vector<std::string_view> names{"topology"};
  CHECK(did_you_mean("topolgy", names) == "; did you mean \"topology\"?");
  CHECK(did_you_mean("topolgy", names, "--", "") == "; did you mean --topology?");
  CHECK(did_you_mean("x", names).empty());
}

}  // namespace
}  // namespace taskgraph::config
