/// Cuts a graph into parts, one for each task: contiguous blocks of vertices with the edges that lead to them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "plugins/pagerank/graph.hpp"

namespace taskgraph::pagerank {

/// A block of vertices, and what passes between it and the other parts in each iteration. A part's inbox holds one
/// number for each vertex of its own and for each vertex elsewhere from which an edge leads here, grouped by the part
/// that the vertex belongs to. So what another part sends is one piece of the inbox, in order.
struct Part {
  VertexIndex first = 0;  ///< of the block
  VertexIndex count = 0;
  std::vector<std::uint32_t> out_degree;         ///< of the block's vertices, in the whole graph
  std::vector<std::uint32_t> first_source;       ///< in `sources`, by vertex of the block; one more at the end
  std::vector<std::uint32_t> sources;            ///< places in the inbox
  std::vector<std::uint32_t> inbox_first;        ///< by part; one more at the end: the size of the inbox
  std::vector<std::vector<VertexIndex>> outbox;  ///< by part: which vertices of the block it needs, from 0, rising

  std::size_t inbox_count(std::size_t part) const { return inbox_first[part + 1] - inbox_first[part]; }
};

/// Immutable after construction; any thread.
class Partition {
 public:
  /// Blocks are cut so that vertices and edges together weigh about the same in each; some may be empty.
  Partition(const Graph& graph, std::size_t part_count);

  const std::vector<VertexId>& ids() const { return ids_; }
  VertexIndex vertex_count() const { return static_cast<VertexIndex>(ids_.size()); }
  std::uint64_t edge_count() const { return edge_count_; }
  std::size_t part_count() const { return parts_.size(); }
  const Part& part(std::size_t index) const { return parts_[index]; }

 private:
  std::vector<VertexId> ids_;
  std::uint64_t edge_count_;
  std::vector<Part> parts_;
};

}  // namespace taskgraph::pagerank
