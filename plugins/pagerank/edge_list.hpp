/// Reads a SNAP edge list: a line for each edge, `from to`, two unsigned 64-bit numbers separated by blanks or tabs.
/// Lines that begin with `#` are comments; empty lines and the carriage return of a CRLF are passed over.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace taskgraph::pagerank {

/// As it stands in the file.
using VertexId = std::uint64_t;
/// Place of a vertex among all, by rising id.
using VertexIndex = std::uint32_t;

struct RawEdge {
  VertexId from;
  VertexId to;
};

/// So that places of vertices and edges fit into 32 bits.
inline constexpr std::uint64_t kEdgesMax = UINT32_MAX - 1;
inline constexpr std::uint64_t kVerticesMax = UINT32_MAX - 1;
inline constexpr std::size_t kLineBytesMax = 64 * 1'024;

/// The edges of a regular file in its order. Throws std::invalid_argument with `file:line: what was expected`, or with
/// the system's reason.
std::vector<RawEdge> read_edges(const std::filesystem::path& path);

}  // namespace taskgraph::pagerank
