#include "plugins/pagerank/block_ranks.hpp"

#include <cmath>
#include <cstring>
#include <stdexcept>
#include <string>

namespace taskgraph::pagerank {
namespace {

static_assert(sizeof(BlockSums) == 2 * sizeof(double));

}  // namespace

BlockRanks::BlockRanks(const Partition& partition, std::size_t part, double damping)
    : partition_(partition),
      part_(partition.part(part)),
      index_(part),
      damping_(damping),
      ranks_(part_.count, 1.0 / static_cast<double>(partition.vertex_count())),
      next_(part_.count),
      inbox_(part_.inbox_first.back()),
      sums_(partition.part_count()) {}

void BlockRanks::begin() {
  BlockSums sums;
  double* const shares = inbox_.data() + part_.inbox_first[index_];
  for (std::size_t v = 0; v < ranks_.size(); ++v) {
    sums.mass += ranks_[v];
    if (part_.out_degree[v] == 0) {
      sums.dangling += ranks_[v];
    } else {
      shares[v] = ranks_[v] / part_.out_degree[v];
    }
  }
  sums_[index_] = sums;
}

std::vector<double> BlockRanks::message_for(std::size_t to) const {
  const double* const shares = inbox_.data() + part_.inbox_first[index_];
  const std::vector<VertexIndex>& needed = part_.outbox[to];
  std::vector<double> message;
  message.reserve(2 + needed.size());
  message.push_back(sums_[index_].mass);
  message.push_back(sums_[index_].dangling);
  for (const VertexIndex v : needed) message.push_back(shares[v]);
  return message;
}

void BlockRanks::take(std::size_t from, std::string_view message) {
  const std::size_t share_bytes = part_.inbox_count(from) * sizeof(double);
  if (message.size() != sizeof(BlockSums) + share_bytes) {
    throw std::length_error("part " + std::to_string(from) + " sent " + std::to_string(message.size()) +
                            " bytes where " + std::to_string(sizeof(BlockSums) + share_bytes) +
                            " are due: it has read another graph");
  }
  std::memcpy(&sums_[from], message.data(), sizeof(BlockSums));
  if (share_bytes != 0)
    std::memcpy(inbox_.data() + part_.inbox_first[from], message.data() + sizeof(BlockSums), share_bytes);
}

double BlockRanks::iterate() {
  BlockSums total;
  for (const BlockSums& sums : sums_) {
    total.mass += sums.mass;
    total.dangling += sums.dangling;
  }
  const auto count = static_cast<double>(partition_.vertex_count());
  const double scale = 1.0 / total.mass;
  const double base = (1.0 - damping_) / count + damping_ * total.dangling * scale / count;
  const double factor = damping_ * scale;
  double step = 0;
  for (std::size_t v = 0; v < ranks_.size(); ++v) {
    double sum = 0;
    for (std::uint32_t i = part_.first_source[v]; i < part_.first_source[v + 1]; ++i) sum += inbox_[part_.sources[i]];
    next_[v] = base + factor * sum;
    step += std::abs(next_[v] - ranks_[v] * scale);
  }
  return step;
}

void BlockRanks::accept() {
  ranks_.swap(next_);
}

}  // namespace taskgraph::pagerank
