#include "plugins/pagerank/edge_list.hpp"

#include <sys/stat.h>

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/catch.hpp"
#include "tests/support/temporary_folder.hpp"

namespace taskgraph::pagerank {
namespace {

using Pairs = std::vector<std::pair<VertexId, VertexId>>;

Pairs read(const std::string& text) {
  const tests::TemporaryFolder folder;
  Pairs pairs;
  for (const RawEdge& edge : read_edges(folder.write("edges.txt", text))) pairs.emplace_back(edge.from, edge.to);
  return pairs;
}

/// What it says of `text`, without the folder.
std::string complaint(const std::string& text) {
  const tests::TemporaryFolder folder;
  const std::string path = folder.write("edges.txt", text).string();
  try {
    read_edges(path);
  } catch (const std::invalid_argument& e) {
    const std::string what = e.what();
    REQUIRE(what.rfind(path, 0) == 0);
    return "edges.txt" + what.substr(path.size());
  }
  return "";
}

std::string bad_line(int line, const std::string& found) {
  return "edges.txt:" + std::to_string(line) +
         ": expected two vertex numbers from 0 to 18446744073709551615, separated by blanks or tabs, or a comment "
         "after #; found " +
         found;
}

}  // namespace

TEST_CASE("edge list: ids are separated by blanks and tabs, lines by line feeds or CRLF") {
  CHECK(read("1 2\n3\t4\r\n \t 5 \t 6 \t \r\n0 0") == Pairs{{1, 2}, {3, 4}, {5, 6}, {0, 0}});
}

TEST_CASE("edge list: comments and empty lines are passed over") {
  CHECK(read("# Nodes: 2 Edges: 1\n\n\r\n   \n  # another\n1 2\n#3 4\n") == Pairs{{1, 2}});
  CHECK(read("").empty());
  CHECK(read("# nothing").empty());
  CHECK(read("\n").empty());
}

TEST_CASE("edge list: ids have 64 bits") {
  CHECK(read("9223372036854775808 18446744073709551615\n00018446744073709551615 007\n") ==
        Pairs{{9223372036854775808ULL, UINT64_MAX}, {UINT64_MAX, 7}});
  CHECK(complaint("1 18446744073709551616\n") == bad_line(1, "\"1 18446744073709551616\""));
  CHECK(complaint("1 184467440737095516150\n") == bad_line(1, "\"1 184467440737095516150\""));
}

TEST_CASE("edge list: a bad line is named with its number and what stands there") {
  CHECK(complaint("# one\n1 2\n1\n") == bad_line(3, "\"1\""));
  CHECK(complaint("1 2\r\n1 \r\n3 4") == bad_line(2, "\"1 \""));
  for (const char* line :
       {"a b", "1,2", "-1 2", "1 2 3", "1 2x", "1.5 2", "0x1 2", "1 2 # why", "1\v2", "% 1 2", "+1 2"}) {
    CHECK(complaint(std::string("1 2\n") + line + "\n5 6\n") ==
          bad_line(2, "\"" + std::string(line == std::string("1\v2") ? "1?2" : line) + "\""));
  }
  CHECK(complaint(std::string("1 2\n3\0 4\n", 9)) == bad_line(2, "\"3? 4\""));
  CHECK(complaint("1 2\n3 " + std::string(100, 'y')) == bad_line(2, "\"3 " + std::string(58, 'y') + "...\""));
}

TEST_CASE("edge list: lines may end anywhere between two reads") {
  std::string text;
  Pairs expected;
  for (VertexId i = 0; text.size() < 3'500'000; ++i) {
    // Lengths differ, so that pieces of the file end at all places of a line.
    const VertexId other = i * i * 7'919;
    text += std::to_string(i) + (i % 3 == 0 ? "\t" : "  ") + std::to_string(other) + (i % 5 == 0 ? "\r\n" : "\n");
    expected.emplace_back(i, other);
  }
  CHECK(read(text) == expected);
  CHECK(complaint(text + "x\n") == bad_line(static_cast<int>(expected.size()) + 1, "\"x\""));
}

TEST_CASE("edge list: a line has a longest length") {
  CHECK(read("# " + std::string(kLineBytesMax - 2, '-') + "\n1 2").size() == 1);
  const std::string longest = "1 2\n#" + std::string(2 << 20, '-') + "\n1 2\n";
  CHECK(complaint(longest) == "edges.txt:2: longer than 65536 bytes");
}

TEST_CASE("edge list: what is no readable file says why") {
  const tests::TemporaryFolder folder;
  const auto missing = (folder.path() / "none.txt").string();
  CHECK_THROWS_WITH(read_edges(missing), missing + ": No such file or directory");
  CHECK_THROWS_WITH(read_edges(folder.path()), folder.path().string() + ": is no regular file");
  const auto pipe = (folder.path() / "pipe").string();
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  CHECK_THROWS_WITH(read_edges(pipe), pipe + ": is no regular file");
}

}  // namespace taskgraph::pagerank
