/// The arithmetic of one part: its block of the rank vector, and one iteration of it.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "plugins/pagerank/partition.hpp"

namespace taskgraph::pagerank {

/// Sums over one block of the vector that an iteration starts from.
struct BlockSums {
  double mass = 0;      ///< of all its ranks
  double dangling = 0;  ///< of those of vertices from which no edge leads
};

/// One iteration is x -> (1-d)/n + d (A x + D/n) for the vector x scaled to sum 1: `A` follows the edges, D is the rank
/// of the dangling vertices. On vectors of sum 1 the map shrinks every L1 distance by d at least (A with the dangling
/// part keeps the sum of magnitudes or lowers it), so it has one fixed point, reached from any start. The scaling makes
/// a block that began anew at uniform ranks a start like any other: without it the error of the sum would fade by d
/// only, however well connected the graph is.
///
/// An iteration: begin; for each other part take, and message_for at any time; iterate; accept. `ranks` is that of
/// `next`.
class BlockRanks {
 public:
  /// Uniform ranks. `partition` outlives it.
  BlockRanks(const Partition& partition, std::size_t part, double damping);

  /// Begins an iteration from the current ranks.
  void begin();
  /// What part `to` needs to know: the sums, and the share that each edge carries from the vertices it needs. The same
  /// until the next `begin`, also after `iterate`.
  std::vector<double> message_for(std::size_t to) const;
  /// A message that another part made for this one; throws std::length_error when its size is wrong.
  void take(std::size_t from, std::string_view message);
  /// After all messages: the next ranks. Returns the L1 distance to the scaled current ones in this block. Every part
  /// uses the same totals: they are added up in the order of the parts.
  double iterate();
  /// The next ranks become the current ones.
  void accept();

  const std::vector<double>& next() const { return next_; }

 private:
  const Partition& partition_;
  const Part& part_;
  const std::size_t index_;
  const double damping_;
  std::vector<double> ranks_;
  std::vector<double> next_;
  std::vector<double> inbox_;    ///< shares: rank / out-degree
  std::vector<BlockSums> sums_;  ///< by part
};

}  // namespace taskgraph::pagerank
