#include "plugins/pagerank/graph.hpp"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <stdexcept>
#include <string>

namespace taskgraph::pagerank {
namespace {

struct Edge {
  VertexIndex from;
  VertexIndex to;
};

struct Numbered {
  std::vector<VertexId> ids;
  std::vector<Edge> edges;
};

void check_count(std::uint64_t vertices) {
  if (vertices > kVerticesMax)
    throw std::invalid_argument("the graph has more than " + std::to_string(kVerticesMax) + " vertices");
}

/// For ids that are small for their number: a table with a place for each id.
Numbered number_dense(const std::vector<RawEdge>& raw, VertexId id_max) {
  std::vector<VertexIndex> index_of(id_max + 1, 0);
  for (const RawEdge& edge : raw) index_of[edge.from] = index_of[edge.to] = 1;
  Numbered result;
  for (VertexId id = 0; id <= id_max; ++id) {
    if (index_of[id] == 0) continue;
    index_of[id] = static_cast<VertexIndex>(result.ids.size());
    result.ids.push_back(id);
  }
  check_count(result.ids.size());
  result.edges.reserve(raw.size());
  for (const RawEdge& edge : raw) result.edges.push_back({index_of[edge.from], index_of[edge.to]});
  return result;
}

/// A table of ids with open addressing, which numbers them as they come.
class IdTable {
 public:
  /// Room for `count` ids, half of it filled at most.
  explicit IdTable(std::size_t count) : slots_(std::bit_ceil(count * 2 + 2), kFree), mask_(slots_.size() - 1) {}

  VertexIndex number(VertexId id) {
    for (std::size_t slot = scatter(id) & mask_;; slot = (slot + 1) & mask_) {
      if (slots_[slot] == kFree) {
        check_count(ids_.size() + 1);
        slots_[slot] = static_cast<VertexIndex>(ids_.size());
        ids_.push_back(id);
        return slots_[slot];
      }
      if (ids_[slots_[slot]] == id) return slots_[slot];
    }
  }
  std::vector<VertexId>& ids() { return ids_; }

 private:
  static constexpr VertexIndex kFree = UINT32_MAX;

  /// The finalizer of splitmix64 (Steele, Lea, Flood 2014): each bit of an id moves about half of the bits of the slot.
  static std::uint64_t scatter(std::uint64_t x) {
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
  }

  std::vector<VertexIndex> slots_;
  std::size_t mask_;
  std::vector<VertexId> ids_;
};

Numbered number_sparse(const std::vector<RawEdge>& raw) {
  IdTable table(raw.size() * 2);
  Numbered result;
  result.edges.reserve(raw.size());
  for (const RawEdge& edge : raw) {
    const VertexIndex from = table.number(edge.from);
    result.edges.push_back({from, table.number(edge.to)});
  }
  // As they came, to by rising id.
  const std::vector<VertexId>& ids = table.ids();
  std::vector<VertexIndex> order(ids.size());
  for (VertexIndex i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(), [&](VertexIndex a, VertexIndex b) { return ids[a] < ids[b]; });
  std::vector<VertexIndex> index_of(ids.size());
  result.ids.resize(ids.size());
  for (VertexIndex i = 0; i < order.size(); ++i) {
    index_of[order[i]] = i;
    result.ids[i] = ids[order[i]];
  }
  for (Edge& edge : result.edges) edge = {index_of[edge.from], index_of[edge.to]};
  return result;
}

Numbered number_vertices(const std::vector<RawEdge>& raw) {
  if (raw.empty()) return {};
  VertexId id_max = 0;
  for (const RawEdge& edge : raw) id_max = std::max({id_max, edge.from, edge.to});
  return id_max / 8 <= raw.size() ? number_dense(raw, id_max) : number_sparse(raw);
}

/// Where each group begins, out of the sizes of the groups; one more at the end.
std::vector<std::uint32_t> starts_of(const std::vector<std::uint32_t>& sizes) {
  std::vector<std::uint32_t> starts(sizes.size() + 1, 0);
  for (std::size_t i = 0; i < sizes.size(); ++i) starts[i + 1] = starts[i] + sizes[i];
  return starts;
}

}  // namespace

Graph::Graph(const std::vector<RawEdge>& raw) {
  Numbered numbered = number_vertices(raw);
  ids_ = std::move(numbered.ids);
  const VertexIndex count = vertex_count();

  // Two counting sorts, by source and then by target: each target's sources are rising.
  std::vector<std::uint32_t> by_source(count, 0);
  std::vector<std::uint32_t> by_target(count, 0);
  for (const Edge& edge : numbered.edges) {
    ++by_source[edge.from];
    ++by_target[edge.to];
  }
  const std::vector<std::uint32_t> first_target = starts_of(by_source);
  std::vector<std::uint32_t> place(first_target.begin(), first_target.end() - 1);
  std::vector<VertexIndex> targets(numbered.edges.size());
  for (const Edge& edge : numbered.edges) targets[place[edge.from]++] = edge.to;

  first_source_ = starts_of(by_target);
  place.assign(first_source_.begin(), first_source_.end() - 1);
  sources_.resize(targets.size());
  for (VertexIndex from = 0; from < count; ++from) {
    for (std::uint32_t i = first_target[from]; i < first_target[from + 1]; ++i) sources_[place[targets[i]]++] = from;
  }

  // Repeated edges are neighbours now.
  out_degree_.assign(count, 0);
  std::uint32_t kept = 0;
  for (VertexIndex to = 0; to < count; ++to) {
    const std::uint32_t begin = first_source_[to];
    const std::uint32_t end = first_source_[to + 1];
    first_source_[to] = kept;
    for (std::uint32_t i = begin; i < end; ++i) {
      if (i != begin && sources_[i] == sources_[i - 1]) continue;
      ++out_degree_[sources_[i]];
      sources_[kept++] = sources_[i];
    }
  }
  first_source_[count] = kept;
  sources_.resize(kept);
}

}  // namespace taskgraph::pagerank
