#include "host/config/json_canonical.hpp"

#include <cmath>
#include <random>

#include "tests/support/catch.hpp"

namespace taskgraph::config {
namespace {

/// The canonical form of a text, as plain JSON or as a topology.
std::string canonical(std::string text, std::string (*form)(JsonValue) = &canonical_json) {
  const SourceText source("t.json", std::move(text));
  Diagnostics errors(source);
  const auto document = JsonDocument::parse(errors);
  const auto found = errors.take_errors();
  if (!found.empty()) return to_text(found.front());
  return form(document->root());
}

TEST_CASE("texts that mean the same have one canonical form", "[config]") {
  CHECK(canonical("{\"b\": [1, 2.50] , // comment\n \"a\": null, /* c */ \"B\": {}}") ==
        R"({"B":{},"a":null,"b":[1,2.5]})");
  CHECK(canonical("[1.0, 1e0, 10e-1, -0, 0.0, 1e3]") == "[1,1,1,0,0,1000]");
  CHECK(canonical("[0.1, 1e-10, 1.7976931348623157e308, 5e-324]") == "[0.1,1e-10,1.7976931348623157e+308,5e-324]");
  CHECK(canonical("[9007199254740992, -9007199254740992, 1e22]") == "[9007199254740992,-9007199254740992,1e+22]");
  CHECK(canonical(R"(["\u00e9\/\t\u0001\"\\ \ud83d\ude00", "é"])") == "[\"é/\\t\\u0001\\\"\\\\ 😀\",\"é\"]");
  CHECK(canonical("[true, false, [], {}]") == "[true,false,[],{}]");
}

TEST_CASE("the canonical form is its own", "[config]") {
  std::mt19937_64 random(3);
  std::string text = "[";
  for (int i = 0; i < 2'000; ++i) {
    const auto mantissa = static_cast<double>(random() >> 11U);
    const double value = std::ldexp(mantissa, static_cast<int>(random() % 1'900) - 1'000);
    char digits[64];
    std::snprintf(digits, sizeof digits, "%s%.17e", i == 0 ? "" : ",", value);
    text += digits;
  }
  const std::string once = canonical(text + "]");
  REQUIRE(once.front() == '[');
  CHECK(canonical(once) == once);
}

TEST_CASE("x- names do not count in a topology, but for those of the plugin", "[config]") {
  CHECK(canonical(R"({"x-a": 1, "plugin": {"x-b": 2, "args": {"x-c": 3, "d": {"x-e": 4}}}, "args": {"x-f": 5},
                      "tasks": {"groups": [{"x-g": 6, "ids": [1]}]}})",
                  &canonical_topology) ==
        R"({"args":{},"plugin":{"args":{"d":{"x-e":4},"x-c":3}},"tasks":{"groups":[{"ids":[1]}]}})");
}

TEST_CASE("differences name the place and both sides", "[config]") {
  const auto show = [](const char* ours, const char* theirs, std::size_t max = 10) {
    std::string out;
    for (const Difference& d : differences(ours, theirs, max))
      out += d.pointer + ": " + d.ours + " | " + d.theirs + "\n";
    return out;
  };
  CHECK(show(R"({"a":1,"b":2})", R"({"b":2, "a":1.0})").empty());
  CHECK(show(R"({"tasks":{"count":15},"x":1})", R"({"tasks":{"count":16,"backups":1}})") ==
        "/tasks/backups: absent | 1\n/tasks/count: 15 | 16\n/x: 1 | absent\n");
  CHECK(show(R"([1,[2,3],"a"])", R"([1,[2,4,5]])") == "/1/1: 3 | 4\n/1/2: absent | 5\n/2: \"a\" | absent\n");
  CHECK(show(R"({"a/b":1,"c~d":true})", R"({"a/b":2,"c~d":"true"})") == "/a~1b: 1 | 2\n/c~0d: true | \"true\"\n");
  CHECK(show("[1,2,3,4]", "[5,6,7,8]", 2) == "/0: 1 | 5\n/1: 2 | 6\n");
  CHECK(show("[1]", "[1", 5) == ": a document | no JSON\n");
  CHECK(show("[1]", "[2]", 0).empty());
  CHECK(differences("{}", R"({"a":")" + std::string(9'000, 'x') + "\"}", 1).front().theirs.size() < 200);
}

TEST_CASE("SHA-256 is the published one", "[config]") {
  // FIPS 180-2, appendix B.1
  CHECK(sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(sha256_hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

}  // namespace
}  // namespace taskgraph::config
