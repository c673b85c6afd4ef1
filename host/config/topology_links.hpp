/// The section `links` of the topology file. Private.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "host/config/topology_section.hpp"
#include "host/core/topology.hpp"

namespace taskgraph::config {

inline constexpr std::size_t kLinksMax = 256;

/// By rising name, each with its inverse. Empty after an error. `task_count` 0: it is wrong, and what depends on it is
/// not checked.
std::vector<core::Link> read_links(TopologyReading& reading, std::optional<JsonValue> section,
                                   std::uint32_t task_count);

}  // namespace taskgraph::config
