#include "plugins/pagerank/partition.hpp"

#include <algorithm>
#include <bit>

namespace taskgraph::pagerank {
namespace {

/// The first vertex of each of `part_count` blocks; one more at the end.
std::vector<VertexIndex> cut(const Graph& graph, std::size_t part_count) {
  const auto weight_before = [&](VertexIndex vertex) { return graph.edges_before(vertex) + vertex; };
  const VertexIndex count = graph.vertex_count();
  std::vector<VertexIndex> first(part_count + 1, count);
  VertexIndex vertex = 0;
  for (std::size_t part = 0; part < part_count; ++part) {
    // Factors below 2^33 and kPartsMax: no overflow.
    const std::uint64_t weight = weight_before(count) * part / part_count;
    while (vertex < count && weight_before(vertex) < weight) ++vertex;
    first[part] = vertex;
  }
  return first;
}

/// A set of vertices that is read in order.
class VertexSet {
 public:
  explicit VertexSet(VertexIndex count) : words_(count / 64 + 1, 0) {}
  void clear() { std::fill(words_.begin(), words_.end(), 0); }
  void insert(VertexIndex vertex) { words_[vertex / 64] |= std::uint64_t{1} << (vertex % 64); }
  template <typename F>
  void for_each(F call) const {
    for (std::size_t i = 0; i < words_.size(); ++i) {
      for (std::uint64_t word = words_[i]; word != 0; word &= word - 1) {
        call(static_cast<VertexIndex>(i * 64 + static_cast<std::size_t>(std::countr_zero(word))));
      }
    }
  }

 private:
  std::vector<std::uint64_t> words_;
};

}  // namespace

Partition::Partition(const Graph& graph, std::size_t part_count)
    : ids_(graph.ids()), edge_count_(graph.edge_count()), parts_(part_count) {
  const std::vector<VertexIndex> first = cut(graph, part_count);
  for (std::size_t p = 0; p < part_count; ++p) {
    Part& part = parts_[p];
    part.first = first[p];
    part.count = first[p + 1] - first[p];
    part.outbox.resize(part_count);
    for (VertexIndex v = first[p]; v < first[p + 1]; ++v) part.out_degree.push_back(graph.out_degree(v));
  }

  VertexSet needed(vertex_count());
  std::vector<std::uint32_t> place(vertex_count());
  for (std::size_t p = 0; p < part_count; ++p) {
    Part& part = parts_[p];
    needed.clear();
    for (VertexIndex v = first[p]; v < first[p + 1]; ++v) {
      needed.insert(v);
      for (const VertexIndex source : graph.sources(v)) needed.insert(source);
    }
    std::uint32_t inbox_size = 0;
    std::size_t owner = 0;
    part.inbox_first.push_back(0);
    needed.for_each([&](VertexIndex source) {
      for (; source >= first[owner + 1]; ++owner) part.inbox_first.push_back(inbox_size);
      if (owner != p) parts_[owner].outbox[p].push_back(source - first[owner]);
      place[source] = inbox_size++;
    });
    part.inbox_first.resize(part_count + 1, inbox_size);

    part.first_source.push_back(0);
    part.sources.reserve(graph.edges_before(first[p + 1]) - graph.edges_before(first[p]));
    for (VertexIndex v = first[p]; v < first[p + 1]; ++v) {
      for (const VertexIndex source : graph.sources(v)) part.sources.push_back(place[source]);
      part.first_source.push_back(static_cast<std::uint32_t>(part.sources.size()));
    }
  }
}

}  // namespace taskgraph::pagerank
