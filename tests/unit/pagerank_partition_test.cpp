#include "plugins/pagerank/partition.hpp"

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <utility>
#include <vector>

#include "plugins/pagerank/graph.hpp"
#include "tests/support/catch.hpp"

namespace taskgraph::pagerank {
namespace {

using EdgeSet = std::set<std::pair<VertexId, VertexId>>;

/// `dense`: ids below the number of vertices; else anywhere in 64 bits.
std::vector<RawEdge> random_edges(std::mt19937_64& random, bool dense) {
  const std::uint64_t vertices = 1 + random() % 40;
  std::vector<VertexId> ids;
  for (std::uint64_t i = 0; i < vertices; ++i) ids.push_back(dense ? i * 3 : random());
  if (!dense) ids.back() = UINT64_MAX;
  std::vector<RawEdge> edges(random() % 150);
  for (RawEdge& edge : edges) edge = {ids[random() % vertices], ids[random() % vertices]};
  return edges;
}

EdgeSet edges_of(const std::vector<RawEdge>& raw) {
  EdgeSet edges;
  for (const RawEdge& edge : raw) edges.emplace(edge.from, edge.to);
  return edges;
}

EdgeSet edges_of(const Graph& graph) {
  EdgeSet edges;
  for (VertexIndex to = 0; to < graph.vertex_count(); ++to) {
    for (const VertexIndex from : graph.sources(to)) edges.emplace(graph.ids()[from], graph.ids()[to]);
  }
  return edges;
}

/// The vertex behind each place of a part's inbox, found by the senders' lists.
std::vector<VertexIndex> inbox_of(const Partition& partition, std::size_t p) {
  std::vector<VertexIndex> inbox;
  for (std::size_t q = 0; q < partition.part_count(); ++q) {
    const Part& sender = partition.part(q);
    REQUIRE(partition.part(p).inbox_first[q] == inbox.size());
    if (q == p) {
      for (VertexIndex v = 0; v < sender.count; ++v) inbox.push_back(sender.first + v);
    } else {
      for (const VertexIndex v : sender.outbox[p]) inbox.push_back(sender.first + v);
      CHECK(std::is_sorted(sender.outbox[p].begin(), sender.outbox[p].end()));
    }
  }
  REQUIRE(partition.part(p).inbox_first.back() == inbox.size());
  return inbox;
}

/// The edges as the parts know them, each of which knows those to its own vertices only.
EdgeSet edges_of(const Partition& partition) {
  EdgeSet edges;
  VertexIndex next = 0;
  for (std::size_t p = 0; p < partition.part_count(); ++p) {
    const Part& part = partition.part(p);
    REQUIRE(part.first == next);
    next += part.count;
    REQUIRE(part.first_source.size() == part.count + std::size_t{1});
    const std::vector<VertexIndex> inbox = inbox_of(partition, p);
    std::set<VertexIndex> used;
    for (VertexIndex v = 0; v < part.count; ++v) {
      for (std::uint32_t i = part.first_source[v]; i < part.first_source[v + 1]; ++i) {
        const VertexIndex source = inbox.at(part.sources[i]);
        used.insert(source);
        CHECK(edges.emplace(partition.ids()[source], partition.ids()[part.first + v]).second);
      }
    }
    for (const VertexIndex source : inbox) {
      const bool own = source >= part.first && source < part.first + part.count;
      CHECK((own || used.contains(source)));  // nothing is sent that nobody needs
    }
  }
  REQUIRE(next == partition.vertex_count());
  return edges;
}

}  // namespace

TEST_CASE("graph: vertices by rising id, repeated edges once, loops kept, degrees right") {
  const Graph graph({{7, 9}, {9, 7}, {7, 9}, {7, 7}, {7, 7}, {3, 9}, {7, 9}});
  CHECK(graph.ids() == std::vector<VertexId>{3, 7, 9});
  CHECK(graph.edge_count() == 4);
  CHECK(edges_of(graph) == EdgeSet{{7, 9}, {9, 7}, {7, 7}, {3, 9}});
  CHECK(graph.out_degree(0) == 1);
  CHECK(graph.out_degree(1) == 2);
  CHECK(graph.out_degree(2) == 1);
}

TEST_CASE("graph: none of it is no graph, and no error") {
  const Graph graph(std::vector<RawEdge>{});
  CHECK(graph.vertex_count() == 0);
  CHECK(graph.edge_count() == 0);
  CHECK(Partition(graph, 3).vertex_count() == 0);
}

TEST_CASE("graph: the edges of a list, whatever the ids") {
  std::mt19937_64 random(5);
  for (int round = 0; round < 300; ++round) {
    const std::vector<RawEdge> raw = random_edges(random, round % 2 == 0);
    const Graph graph(raw);
    const EdgeSet expected = edges_of(raw);
    CHECK(edges_of(graph) == expected);
    CHECK(graph.edge_count() == expected.size());
    CHECK(std::is_sorted(graph.ids().begin(), graph.ids().end()));
    std::map<VertexId, std::uint32_t> degrees;
    for (const auto& [from, to] : expected) {
      ++degrees[from];
      degrees[to] += 0;
    }
    REQUIRE(graph.vertex_count() == degrees.size());
    for (VertexIndex v = 0; v < graph.vertex_count(); ++v) {
      CHECK(graph.out_degree(v) == degrees.at(graph.ids()[v]));
      const auto sources = graph.sources(v);
      CHECK(std::is_sorted(sources.begin(), sources.end()));
    }
  }
}

TEST_CASE("partition: the parts together are the graph") {
  std::mt19937_64 random(6);
  for (int round = 0; round < 200; ++round) {
    const Graph graph(random_edges(random, round % 2 == 0));
    const Partition partition(graph, 1 + random() % 9);
    CHECK(edges_of(partition) == edges_of(graph));
    CHECK(partition.edge_count() == graph.edge_count());
    for (std::size_t p = 0; p < partition.part_count(); ++p) {
      const Part& part = partition.part(p);
      for (VertexIndex v = 0; v < part.count; ++v) CHECK(part.out_degree[v] == graph.out_degree(part.first + v));
    }
  }
}

TEST_CASE("partition: no part weighs much more than another") {
  std::mt19937_64 random(7);
  std::vector<RawEdge> raw;
  // Most edges lead to small ids: equal numbers of vertices would not do.
  for (int i = 0; i < 20'000; ++i) raw.push_back({random() % 2'000, (random() % 2'000) * (random() % 2'000) / 2'000});
  const Graph graph(raw);
  const Partition partition(graph, 8);
  const std::size_t fair = (graph.edge_count() + graph.vertex_count()) / 8;
  for (std::size_t p = 0; p < 8; ++p) {
    const std::size_t weight = partition.part(p).sources.size() + partition.part(p).count;
    CHECK(weight > fair * 9 / 10);
    CHECK(weight < fair * 11 / 10);
  }
}

}  // namespace taskgraph::pagerank
