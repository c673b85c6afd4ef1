/// Each shape against a definition written another way: the tree by walking down from its root, the ring by distances
/// on the circle, the list of edges by a matrix.
#include <cstdlib>
#include <random>

#include "tests/support/catch.hpp"
#include "topologies/shapes/edges.hpp"
#include "topologies/shapes/full.hpp"
#include "topologies/shapes/ring.hpp"
#include "topologies/shapes/star.hpp"
#include "topologies/shapes/tree.hpp"

namespace taskgraph::topologies {
namespace {

using Ids = std::vector<std::uint32_t>;

Ids neighbours(const StaticShape& shape, std::uint32_t task) {
  std::vector<core::TaskId> out{{77}};  // what stands there already stays
  shape.neighbours({task}, core::Epoch{3}, out);
  REQUIRE(out.front().value == 77);
  Ids ids;
  for (std::size_t i = 1; i < out.size(); ++i) ids.push_back(out[i].value);
  REQUIRE(shape.degree({task}) == ids.size());
  REQUIRE_FALSE(shape.differs_per_epoch());
  return ids;
}

std::uint32_t below(std::uint32_t limit, std::mt19937& random) {
  return static_cast<std::uint32_t>(random() % limit);
}

/// The tree as it grows: ids are handed out in turn, beginning with the root, to the next task in line for children.
struct GrownTree {
  std::vector<Ids> children;
  std::vector<Ids> parents;
  GrownTree(std::uint32_t count, std::uint32_t arity, std::uint32_t root) : children(count), parents(count) {
    Ids line{root};
    std::uint32_t fresh = root;
    for (std::size_t head = 0; head < line.size(); ++head) {
      for (std::uint32_t k = 0; k < arity && line.size() < count; ++k) {
        fresh = fresh + 1 == count ? 0 : fresh + 1;
        children[line[head]].push_back(fresh);
        parents[fresh] = {line[head]};
        line.push_back(fresh);
      }
    }
    for (Ids& ids : children) std::sort(ids.begin(), ids.end());
  }
};

TEST_CASE("a tree of fifteen is the one of the books", "[topologies]") {
  const Tree children(15, 2, 0, TreeRole::children);
  const Tree parents(15, 2, 0, TreeRole::parents);
  CHECK(neighbours(children, 0) == Ids{1, 2});
  CHECK(neighbours(children, 6) == Ids{13, 14});
  CHECK(neighbours(children, 7).empty());
  CHECK(neighbours(parents, 0).empty());
  CHECK(neighbours(parents, 14) == Ids{6});
}

TEST_CASE("a tree is what grows from its root", "[topologies]") {
  for (std::uint32_t count = 1; count <= 40; ++count) {
    for (const std::uint32_t arity : {1U, 2U, 3U, 7U, 1'000U}) {
      for (const std::uint32_t root : {0U, count / 3, count - 1}) {
        const GrownTree grown(count, arity, root);
        const Tree children(count, arity, root, TreeRole::children);
        const Tree parents(count, arity, root, TreeRole::parents);
        for (std::uint32_t task = 0; task < count; ++task) {
          CAPTURE(count, arity, root, task);
          REQUIRE(neighbours(children, task) == grown.children[task]);
          REQUIRE(neighbours(parents, task) == grown.parents[task]);
        }
      }
    }
  }
}

TEST_CASE("a ring is all tasks within some steps on the circle", "[topologies]") {
  for (std::uint32_t count = 1; count <= 24; ++count) {
    for (std::uint32_t hops = 1; hops <= count + 2; ++hops) {
      const Ring next(count, hops, RingRole::next);
      const Ring prev(count, hops, RingRole::prev);
      const Ring both(count, hops, RingRole::both);
      for (std::uint32_t a = 0; a < count; ++a) {
        Ids ahead;
        Ids behind;
        Ids near;
        for (std::uint32_t b = 0; b < count; ++b) {
          if (b == a) continue;
          // Steps from a to b, going up by one and from the last id to 0.
          std::uint32_t steps = 0;
          for (std::uint32_t at = a; at != b; at = at + 1 == count ? 0 : at + 1) ++steps;
          if (steps <= hops) ahead.push_back(b);
          if (count - steps <= hops) behind.push_back(b);
          if (std::min(steps, count - steps) <= hops) near.push_back(b);
        }
        CAPTURE(count, hops, a);
        REQUIRE(neighbours(next, a) == ahead);
        REQUIRE(neighbours(prev, a) == behind);
        REQUIRE(neighbours(both, a) == near);
      }
    }
  }
}

TEST_CASE("full and star, task by task", "[topologies]") {
  for (std::uint32_t count = 1; count <= 12; ++count) {
    const Full full(count);
    for (std::uint32_t hub = 0; hub < count; ++hub) {
      const Star star(count, hub);
      for (std::uint32_t a = 0; a < count; ++a) {
        std::set<std::uint32_t> others;
        for (std::uint32_t b = 0; b < count; ++b) others.insert(b);
        others.erase(a);
        CAPTURE(count, hub, a);
        REQUIRE(neighbours(full, a) == Ids(others.begin(), others.end()));
        REQUIRE(neighbours(star, a) == (a == hub ? Ids(others.begin(), others.end()) : Ids{hub}));
      }
    }
  }
}

TEST_CASE("edges are a matrix of neighbours", "[topologies]") {
  std::mt19937 random(7);
  for (int round = 0; round < 60; ++round) {
    const std::uint32_t count = 1 + below(20, random);
    std::vector<std::vector<bool>> undirected(count, std::vector<bool>(count));
    std::vector<std::vector<bool>> directed(count, std::vector<bool>(count));
    std::vector<Edge> undirected_list;
    std::vector<Edge> directed_list;
    for (int i = 0; i < 60; ++i) {
      const std::uint32_t a = below(count, random);
      const std::uint32_t b = below(count, random);
      if (a == b) continue;
      if (!undirected[a][b]) undirected_list.push_back({a, b});
      if (!directed[a][b]) directed_list.push_back({a, b});
      undirected[a][b] = undirected[b][a] = true;
      directed[a][b] = true;
    }
    const Edges both_ways(count, undirected_list, EdgeSense::undirected);
    const Edges one_way(count, directed_list, EdgeSense::directed);
    for (std::uint32_t a = 0; a < count; ++a) {
      Ids row_undirected;
      Ids row_directed;
      for (std::uint32_t b = 0; b < count; ++b) {
        if (undirected[a][b]) row_undirected.push_back(b);
        if (directed[a][b]) row_directed.push_back(b);
      }
      REQUIRE(neighbours(both_ways, a) == row_undirected);
      REQUIRE(neighbours(one_way, a) == row_directed);
    }
  }
}

TEST_CASE("a hundred thousand tasks cost no more than their answers", "[topologies]") {
  constexpr std::uint32_t kCount = 100'000;
  const Ring ring(kCount, 2, RingRole::both);
  const Tree tree(kCount, 1'000, 99'999, TreeRole::children);
  const Full full(kCount);
  std::size_t links = 0;
  for (std::uint32_t task = 0; task < kCount; ++task) {
    links += neighbours(ring, task).size();
    links += neighbours(tree, task).size();
    links += full.degree({task});
  }
  CHECK(links == std::size_t{kCount} * 4 + (kCount - 1) + std::size_t{kCount} * (kCount - 1));
  CHECK(neighbours(ring, 0) == Ids{1, 2, 99'998, 99'999});
  CHECK(neighbours(tree, 99'999).size() == 1'000);
  CHECK(neighbours(full, 50'000).size() == kCount - 1);
}

}  // namespace
}  // namespace taskgraph::topologies
