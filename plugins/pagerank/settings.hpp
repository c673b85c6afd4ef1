/// The arguments of the pagerank job.
#pragma once

#include <taskgraph/task.hpp>

#include <cstdint>
#include <filesystem>

namespace taskgraph::pagerank {

inline constexpr std::int64_t kIterationsMax = 1'000'000'000;

/// Immutable; shared by all tasks.
struct Settings {
  std::filesystem::path input;
  std::filesystem::path output;
  double damping = 0.85;
  double tolerance = 1e-10;  ///< of the L1 distance between two iterations
  std::uint64_t iterations_max = 1'000;
};

/// Relative paths start at the topology file's folder. Throws std::invalid_argument with what is wrong and what would
/// be right; the folder of `output` must exist.
Settings read_settings(const Job& job);

}  // namespace taskgraph::pagerank
