/// What a pagerank job leaves behind.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "plugins/pagerank/edge_list.hpp"

namespace taskgraph::pagerank {

/// Writes a line `id<TAB>rank` for each vertex, ranks as %.17g, by falling rank and rising id. The file is there as a
/// whole or not at all: it is written beside `path`, under a name that ends in `suffix`, and renamed. Throws
/// std::runtime_error with the system's reason, and leaves nothing behind then.
void write_ranks(const std::filesystem::path& path, const std::string& suffix, const std::vector<VertexId>& ids,
                 const std::vector<double>& ranks);

struct Summary {
  std::uint64_t iterations = 0;
  std::uint64_t vertices = 0;
  std::uint64_t edges = 0;  ///< repeated ones once
  double step = 0;          ///< L1 distance of the last iteration
  bool converged = false;
  std::uint64_t restarts = 0;  ///< of tasks, at whatever epoch
};
std::string print_summary(const Summary& summary);
/// `{"error":"TEXT"}`.
std::string print_error(const std::string& text);

}  // namespace taskgraph::pagerank
