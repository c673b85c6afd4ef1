/// The graph of an edge list: vertices by rising id, edges by target.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "plugins/pagerank/edge_list.hpp"

namespace taskgraph::pagerank {

/// Immutable after construction; any thread.
class Graph {
 public:
  /// An edge that is given several times counts once; one from a vertex to itself is an edge like others. Throws
  /// std::invalid_argument above kVerticesMax.
  explicit Graph(const std::vector<RawEdge>& edges);

  VertexIndex vertex_count() const { return static_cast<VertexIndex>(ids_.size()); }
  std::uint64_t edge_count() const { return sources_.size(); }
  const std::vector<VertexId>& ids() const { return ids_; }
  /// From where edges lead to `vertex`, rising.
  std::span<const VertexIndex> sources(VertexIndex vertex) const {
    return {sources_.data() + first_source_[vertex], sources_.data() + first_source_[vertex + 1]};
  }
  /// Edges into the vertices before `vertex`, which may be vertex_count().
  std::uint64_t edges_before(VertexIndex vertex) const { return first_source_[vertex]; }
  std::uint32_t out_degree(VertexIndex vertex) const { return out_degree_[vertex]; }

 private:
  std::vector<VertexId> ids_;
  std::vector<std::uint32_t> first_source_;  ///< in sources_, by target; one more at the end
  std::vector<VertexIndex> sources_;
  std::vector<std::uint32_t> out_degree_;
};

}  // namespace taskgraph::pagerank
