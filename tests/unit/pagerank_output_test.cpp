#include "plugins/pagerank/output.hpp"

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "tests/support/catch.hpp"
#include "tests/support/temporary_folder.hpp"

namespace taskgraph::pagerank {

TEST_CASE("ranks file: by falling rank, ties by rising id, as printf would print them") {
  const tests::TemporaryFolder folder;
  write_ranks(folder.path() / "r", ".part-1", {3, 7, 9, UINT64_MAX}, {0.1, 0.25, 0.1, 0.55});
  CHECK(folder.read("r") ==
        "18446744073709551615\t0.55000000000000004\n7\t0.25\n3\t0.10000000000000001\n9\t0.10000000000000001\n");
}

TEST_CASE("ranks file: any number is printed as by %.17g") {
  std::mt19937_64 random(1);
  std::vector<VertexId> ids;
  std::vector<double> ranks;
  std::string expected;
  for (int exponent = -300; exponent < 1; ++exponent) {
    for (int i = 0; i < 100; ++i) {
      ranks.push_back(std::ldexp(static_cast<double>(random() >> 11), exponent - 53));
      ids.push_back(ids.size());
    }
  }
  const tests::TemporaryFolder folder;
  write_ranks(folder.path() / "r", ".part-1", ids, ranks);
  std::vector<std::pair<double, VertexId>> order;
  for (std::size_t i = 0; i < ids.size(); ++i) order.emplace_back(-ranks[i], ids[i]);
  std::sort(order.begin(), order.end());
  for (const auto& [negative, id] : order) {
    char line[64];
    std::snprintf(line, sizeof(line), "%llu\t%.17g\n", static_cast<unsigned long long>(id), -negative);
    expected += line;
  }
  CHECK((folder.read("r") == expected));
}

TEST_CASE("ranks file: an old one is replaced; none is left half written") {
  const tests::TemporaryFolder folder;
  folder.write("r", "old");
  write_ranks(folder.path() / "r", ".part-1", {1}, {1.0});
  CHECK(folder.read("r") == "1\t1\n");
  CHECK_THROWS_WITH(write_ranks(folder.path() / "none" / "r", ".part-1", {1}, {1.0}),
                    Catch::Contains("none/r: could not be written: No such file"));
  // /dev/full takes no byte, so that the error comes late.
  std::filesystem::create_symlink("/dev/full", folder.path() / "x.part-1");
  CHECK_THROWS_WITH(write_ranks(folder.path() / "x", ".part-1", {1}, {1.0}),
                    Catch::Contains("x: could not be written: No space left"));
  CHECK_FALSE(std::filesystem::exists(folder.path() / "x"));
  CHECK_FALSE(std::filesystem::is_symlink(folder.path() / "x.part-1"));
}

TEST_CASE("result: numbers and texts are JSON") {
  CHECK(print_summary({.iterations = 61, .vertices = 4, .edges = 7, .step = 0.25, .converged = true, .restarts = 2}) ==
        "{\"iterations\":61,\"vertices\":4,\"edges\":7,\"step\":0.25,\"converged\":true,\"restarts\":2}");
  CHECK(print_summary({}) ==
        "{\"iterations\":0,\"vertices\":0,\"edges\":0,\"step\":0,\"converged\":false,\"restarts\":0}");
  CHECK(print_error("a \"b\"\\\n\x01z") == "{\"error\":\"a \\\"b\\\"\\\\  z\"}");
}

}  // namespace taskgraph::pagerank
