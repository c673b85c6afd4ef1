/// Texts and files that mean harm, or were damaged: always an answer, always short, never a crash. Repeatable: the
/// seeds are fixed.
#include <sys/stat.h>
#include <unistd.h>

#include <random>

#include "tests/support/catch.hpp"
#include "tests/support/topology_text.hpp"

namespace taskgraph::config {
namespace {

using test::seen;
using test::topology_text;

struct Case {
  const char* story;
  std::string text;
  const char* message;
};

TEST_CASE("texts that are no JSON, or more than that", "[config][topology]") {
  const std::string nul("{\"a\": 1,\n \0}", 12);
  const std::vector<Case> cases{
      {"empty", "", "t.json:1:1: no JSON here: the file is empty"},
      {"a comment only", "\n /* x */ ", "t.json:2:10: no JSON here: the file is empty"},
      {"NUL", nul, "t.json:2:2: a NUL byte; the file is no text"},
      {"NUL behind the end", topology_text() + std::string(1, '\0'), "t.json:2:2: a NUL byte; the file is no text"},
      {"byte order mark", "\xef\xbb\xbf{}", "t.json:1:1: begins with a byte order mark; save it as UTF-8 without one"},
      {"UTF-16", std::string("\xff\xfe{\0", 4), "t.json:1:1: is UTF-16; save it as UTF-8"},
      {"a wild byte", topology_text(", \"x-a\": \"ä\xff\""), "t.json:2:12: not UTF-8: byte \"\\xff\""},
      {"in a comment", "// \xc3(\n{}", "t.json:1:4: not UTF-8: byte \"\\xc3\""},
      {"overlong", "[\"\xc0\xaf\"]", "t.json:1:3: not UTF-8: byte \"\\xc0\""},
      {"a surrogate in UTF-8", "[\"\xed\xa0\x80\"]", "t.json:1:3: not UTF-8: byte \"\\xed\""},
      {"cut in a character", "[\"\xe2\x82", "t.json:1:3: not UTF-8: byte \"\\xe2\""},
      {"lone high surrogate", topology_text(", \"x-a\": \"\\ud800\""),
       "t.json:2:11: /x-a: a lone surrogate; \\ud800 to \\udfff come in pairs, the high one first"},
      {"lone low surrogate", topology_text(", \"x-a\": \"\\udc00\""),
       "t.json:2:10: /x-a: a lone surrogate in this string; \\ud800 to \\udfff come in pairs, the high one first"},
      {"lone low surrogate in a name", topology_text(", \"x-\\udc00\": 1"),
       "t.json:2:3: /x-\\xed\\xb0\\x80: a lone surrogate in this string; \\ud800 to \\udfff come in pairs, the high "
       "one first"},
      {"two documents", topology_text() + "\n{}",
       "t.json:3:1: more text after the end of the document; a file holds one"},
      {"a name twice", topology_text(", \"job\": \"k\""),
       "t.json:2:3: /job: name \"job\" again; it stands at line 1, column 16 already; remove one"},
      {"twice within", topology_text(", \"x-a\": [{\"b\": 1, \"c\": {}, \"\\u0062\": 2}]"),
       "t.json:2:29: /x-a/0/b: name \"b\" again; it stands at line 2, column 12 already; remove one"},
      {"trailing comma in an object", topology_text(", "), "t.json:2:3: a comma before the end; remove it"},
      {"trailing comma in a list", topology_text(", \"x-a\": [1, ]"),
       "t.json:2:14: /x-a/1: a comma before the end; remove it"},
      {"no comma", topology_text(" \"x-a\": 1"), "t.json:2:2: expected a comma or } here"},
      {"no comma in a list", topology_text(", \"x-a\": [1 2]"), "t.json:2:13: /x-a/1: expected a comma or ] here"},
      {"no colon", topology_text(", \"x-a\" 1"), "t.json:2:9: /x-a: expected a colon after the name"},
      {"no value", topology_text(", \"x-a\": "),
       "t.json:2:10: /x-a: expected a value: a string, a number, true, false, null, [ or {"},
      {"single quotes", "{'version': 1}", "t.json:1:2: expected a name in double quotes, not single ones"},
      {"bare word", "{version: 1}", "t.json:1:2: expected a name in double quotes"},
      {"half a literal", topology_text(", \"x-a\": tru"),
       "t.json:2:13: /x-a: expected a value: a string, a number, true, false, null, [ or {"},
      {"NaN", topology_text(", \"x-a\": NaN"),
       "t.json:2:10: /x-a: expected a value: a string, a number, true, false, null, [ or {"},
      {"hexadecimal", topology_text(", \"x-a\": 0x1"), "t.json:2:11: expected a comma or } here"},
      {"leading zero", topology_text(", \"x-a\": 01"), "t.json:2:11: expected a comma or } here"},
      {"a point and nothing", topology_text(", \"x-a\": 1."),
       "t.json:2:12: /x-a: expected a digit after the decimal point"},
      {"e and nothing", topology_text(", \"x-a\": 1e"), "t.json:2:12: /x-a: expected a digit in the exponent"},
      {"escape", topology_text(", \"x-a\": \"\\q\""),
       "t.json:2:11: /x-a: no valid escape in a string; write \\n, \\t, \\\" or \\u and four hexadecimal digits"},
      {"short \\u", topology_text(", \"x-a\": \"\\u12g4\""), "t.json:2:11: /x-a: \\u needs four hexadecimal digits"},
      {"line end in a string", topology_text(", \"x-a\": \"b\n\""),
       "t.json:2:12: /x-a: a raw line end or control character in a string; close the string or write \\n, \\t or "
       "\\u00XX"},
      {"open string", "{\"version", "t.json:1:10: the file ends inside a string; a double quote is missing"},
      {"open object", "{\"version\": 1", "t.json:1:14: the file ends too early: expected a comma or } here"},
      {"open comment", "{} /* x", "t.json:1:8: a comment that does not end, or a lone /"},
      {"slash", "{} / x", "t.json:1:5: a comment that does not end, or a lone /"},
  };
  for (const Case& c : cases) {
    INFO(c.story);
    CHECK(seen(c.text) == c.message);
  }
}

TEST_CASE("numbers that doubles or readers would bend", "[config][topology]") {
  const auto with_number = [](const std::string& number) { return seen(topology_text(", \"x-a\": " + number)); };
  CHECK(with_number("9007199254740992") == "ok");
  CHECK(with_number("-9007199254740992") == "ok");
  CHECK(
      with_number("9007199254740993") ==
      "t.json:2:10: /x-a: integer \"9007199254740993\" is beyond 2^53, where doubles have gaps; write it as a string");
  CHECK(
      with_number("-9007199254740993") ==
      "t.json:2:10: /x-a: integer \"-9007199254740993\" is beyond 2^53, where doubles have gaps; write it as a string");
  CHECK(with_number("1e308") == "ok");
  CHECK(with_number("1e400") == "t.json:2:10: /x-a: this number is beyond what a double holds");
  CHECK(with_number("-1e309") == "t.json:2:10: /x-a: this number is beyond what a double holds");
  CHECK(with_number("1e-400") ==
        "t.json:2:10: /x-a: number \"1e-400\" is beyond what a double holds (about 2.3e-308 to 1.7e308)");
  CHECK(with_number("1e-99999999999999999999") ==
        "t.json:2:10: /x-a: number \"1e-99999999999999999999\" is beyond what a double holds (about 2.3e-308 to "
        "1.7e308)");
  CHECK(with_number("-0") == "ok");
  CHECK(with_number("0.1e-5") == "ok");
  const std::string digits = with_number(std::string(200, '7'));
  CHECK(digits.starts_with("t.json:2:10: /x-a: integer \"7777"));
  CHECK(digits.size() < 260);
  CHECK(with_number(std::string(1'000'000, '7')) == "t.json:2:10: /x-a: this number is beyond what a double holds");
  CHECK(with_number("0." + std::string(1'000'000, '3')) == "ok");
}

TEST_CASE("depth bombs end at the limit", "[config][topology]") {
  CHECK(seen(std::string(3'000'000, '[')) == "t.json:1:65: nested more than 64 deep");
  std::string objects;
  for (int i = 0; i < 100'000; ++i) objects += "{\"a\":";
  CHECK(seen(objects) == "t.json:1:321: nested more than 64 deep");
  const auto nested = [](std::size_t depth) {
    return topology_text(", \"x-a\": " + std::string(depth, '[') + std::string(depth, ']'));
  };
  CHECK(seen(nested(63)) == "ok");
  CHECK(seen(nested(64)) == "t.json:2:73: nested more than 64 deep");
}

TEST_CASE("long strings, names and files end at the limit", "[config][topology]") {
  CHECK(seen(topology_text(", \"x-a\": \"" + std::string(65'536, 'a') + "\"")) == "ok");
  CHECK(seen(topology_text(", \"x-a\": \"" + std::string(5'000'000, 'a') + "\"")) ==
        "t.json:2:10: /x-a: a string of 5000000 bytes; at most 65536 are taken; put the data into a file of its own");
  const std::string name = seen(topology_text(", \"" + std::string(5'000'000, 'a') + "\": 1"));
  CHECK(name.find("a string of 5000000 bytes; at most 65536") != std::string::npos);
  CHECK(name.size() < 1'000);
  const std::string escaped = [] {
    std::string out;
    for (int i = 0; i < 65'537; ++i) out += "\\n";
    return out;
  }();
  CHECK(seen(topology_text(", \"x-a\": \"" + escaped + "\"")) ==
        "t.json:2:10: /x-a: a string of 65537 bytes; at most 65536 are taken; put the data into a file of its own");
  const std::string text = topology_text();
  CHECK(seen(text + std::string(kTopologyFileBytesMax - text.size(), ' ')) == "ok");
  CHECK(seen(text + std::string(kTopologyFileBytesMax - text.size() + 1, ' ')) ==
        "t.json:1:1: longer than 16777216 bytes (16 MiB)");
}

TEST_CASE("a flood of errors is counted, not printed", "[config][topology]") {
  std::string names;
  for (int i = 0; i < 200'000; ++i) names += ",\"k" + std::to_string(i % 100'000) + "\":1";
  const std::string out = seen(topology_text(names));
  CHECK(out.size() < 10'000);
  CHECK(out.ends_with("\nand 299980 more"));
  std::string loops;
  for (int i = 0; i < 100'000; ++i) loops += i == 0 ? "[1,1]" : ",[1,1]";
  CHECK(seen(topology_text(", \"links\": {\"e\": {\"shape\": \"edges\", \"edges\": [" + loops + "]}}"))
            .ends_with("\nand 99980 more"));
}

TEST_CASE("words of the file cannot steer a terminal", "[config][topology]") {
  const std::string out = seen(topology_text(
      ", \"\\u001b[31m\\n\\u0007\\u009b\": \"\\u001b\", \"links\": {\"a\": {\"shape\": \"\\u001b[2J\"}}"));
  for (const char c : out) CHECK((c == '\n' || static_cast<unsigned char>(c) >= 0x20));
  CHECK(out.find("\xc2\x9b") == std::string::npos);
}

/// One damage to a text.
std::string damaged(std::string text, std::mt19937& random) {
  const auto below = [&](std::size_t limit) { return random() % std::max<std::size_t>(limit, 1); };
  static constexpr std::string_view kSpice = "{}[]\",:0123456789.eE+-/*\\ \n\ttfnu\xff\xed\x80";
  const std::size_t changes = 1 + below(4);
  for (std::size_t i = 0; i < changes && !text.empty(); ++i) {
    const std::size_t at = below(text.size());
    switch (below(7)) {
      case 0:
        text[at] = static_cast<char>(random() & 0xffU);
        break;
      case 1:
        text[at] = kSpice[below(kSpice.size())];
        break;
      case 2:
        text.insert(at, 1, kSpice[below(kSpice.size())]);
        break;
      case 3:
        text.erase(at, 1 + below(9));
        break;
      case 4:
        text.resize(at);
        break;
      case 5:
        text.insert(at, text.substr(below(text.size()), 1 + below(40)));
        break;
      default:
        text[at] = static_cast<char>(static_cast<unsigned char>(text[at]) ^ (1U << below(8)));
    }
  }
  return text;
}

TEST_CASE("damaged files give an answer that names a place", "[config][topology]") {
  const std::vector<std::string> originals{
      test::file_text(test::source_folder() / "topologies/regression.json"),
      test::file_text(test::source_folder() / "topologies/echo.json"),
      test::file_text(test::source_folder() / "topologies/pagerank.json"),
      topology_text(R"(, "links": {"out": {"shape": "edges", "edges": [[0, 1], [2, 3]], "inverse": "in"}, "x-n": 1.5e3,
        "in": {"shape": "edges", "edges": [[1, 0], [3, 2]], "inverse": "out"}, "s": {"shape": "star", "hub": 2},
        "n": {"shape": "ring", "hops": 2, "role": "next"}, "p": {"shape": "ring", "hops": 2, "role": "prev"}},
        "limits": {"hook": "1.5s", "message_bytes": "64KiB"}, "failure": {"lease": "2s"}, "restart": {"max": 3})"),
  };
  std::mt19937 random(20'240'229);
  int right = 0;
  int wrong = 0;
  for (int round = 0; round < 12'000; ++round) {
    const std::string text = damaged(originals[static_cast<std::size_t>(round) % originals.size()], random);
    CAPTURE(round, text);
    const TopologyResult result = test::parse(text);
    if (const auto* errors = std::get_if<TopologyErrors>(&result)) {
      ++wrong;
      REQUIRE(errors->kind == TopologyErrors::Kind::invalid);
      REQUIRE_FALSE(errors->diagnostics.empty());
      REQUIRE(errors->diagnostics.size() <= kDiagnosticsMax);
      const auto lines = static_cast<std::uint32_t>(std::count(text.begin(), text.end(), '\n')) + 1;
      for (const Diagnostic& diagnostic : errors->diagnostics) {
        REQUIRE(diagnostic.position.line >= 1);
        REQUIRE(diagnostic.position.line <= lines);
        REQUIRE(diagnostic.position.column >= 1);
        REQUIRE_FALSE(diagnostic.message.empty());
        REQUIRE(to_text(diagnostic).size() < 1'000);
      }
    } else {
      ++right;
      // What is accepted is accepted again in its canonical form, which is its own.
      const auto& file = std::get<TopologyFile>(result);
      const TopologyResult again = test::parse(file.canonical);
      REQUIRE(std::holds_alternative<TopologyFile>(again));
      REQUIRE(std::get<TopologyFile>(again).digest == file.digest);
    }
  }
  // Both happen often, or the test would show little.
  CHECK(right > 300);
  CHECK(wrong > 6'000);
}

/// A folder that is gone after the test.
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "taskgraph-topology-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
    path_ = name;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::filesystem::path operator/(const char* name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

TEST_CASE("what is no readable file is told from what is wrong", "[config][topology]") {
  const Folder folder;
  using Kind = TopologyErrors::Kind;
  const auto check = [](const std::filesystem::path& file, Kind kind, ExitCode code, std::string_view message) {
    const TopologyResult result = load_topology_file(file);
    const auto* errors = std::get_if<TopologyErrors>(&result);
    REQUIRE(errors != nullptr);
    CHECK(errors->kind == kind);
    CHECK(errors->failure().code == code);
    CHECK(errors->text() == file.string() + std::string(message));
  };
  check(folder / "none.json", Kind::missing, ExitCode::file_missing, ": no such file");
  check(folder / "none/none.json", Kind::missing, ExitCode::file_missing, ": no such file");
  check(folder / ".", Kind::unreadable, ExitCode::file_missing, ": is a folder; name a file");
  REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
  check(folder / "pipe", Kind::unreadable, ExitCode::file_missing, ": is no regular file but a pipe or device");
  check("/dev/zero", Kind::unreadable, ExitCode::file_missing, ": is no regular file but a pipe or device");
  std::filesystem::create_symlink("loop", folder / "loop");
  check(folder / "loop", Kind::unreadable, ExitCode::file_missing,
        ": cannot be opened: Too many levels of symbolic links");
  std::ofstream(folder / "bad.json") << "{";
  check(folder / "bad.json", Kind::invalid, ExitCode::topology_invalid,
        ":1:2: the file ends too early: expected a name in double quotes");
  std::ofstream(folder / "long.json") << std::string(kTopologyFileBytesMax + 1, ' ');
  check(folder / "long.json", Kind::invalid, ExitCode::topology_invalid, ": longer than 16777216 bytes (16 MiB)");
  if (::geteuid() != 0) {  // root may read everything
    std::ofstream(folder / "secret.json") << "{}";
    std::filesystem::permissions(folder / "secret.json", std::filesystem::perms::none);
    check(folder / "secret.json", Kind::unreadable, ExitCode::file_missing, ": cannot be opened: Permission denied");
  }
}

TEST_CASE("a file is read through a link, and its folder is absolute", "[config][topology]") {
  const Folder folder;
  std::ofstream(folder / "good.json") << topology_text();
  std::filesystem::create_symlink("good.json", folder / "link.json");
  const TopologyResult result = load_topology_file(std::filesystem::relative(folder / "link.json"));
  REQUIRE(std::holds_alternative<TopologyFile>(result));
  CHECK(std::get<TopologyFile>(result).directory == (folder / "x").parent_path());
}

}  // namespace
}  // namespace taskgraph::config
