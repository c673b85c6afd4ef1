/// One link of the topology file between its reading and the pairing with its inverse. Private to topology_link*.cpp.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "host/config/topology_section.hpp"
#include "topologies/shapes/registry.hpp"

namespace taskgraph::config {

struct LinkDraft {
  std::string name;
  std::string pointer;
  std::size_t offset = 0;  ///< of its object in the file
  bool valid = false;      ///< nothing wrong has been found in itself
  topologies::ShapeChoice choice;
  std::vector<std::uint32_t> edge_offsets;  ///< of each of choice.edges, in the file
  std::optional<JsonValue> inverse_value;   ///< of its member `inverse`; a text if valid
  std::optional<std::size_t> inverse;       ///< index in the list, once found
};

LinkDraft read_link(TopologyReading& reading, const JsonMember& member, std::uint32_t task_count);

/// Finds each link's inverse in the list, by its `inverse` or by shape, parameters and role. False: errors were
/// reported.
bool pair_links(TopologyReading& reading, std::vector<LinkDraft>& links);

}  // namespace taskgraph::config
