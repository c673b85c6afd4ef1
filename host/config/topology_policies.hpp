/// The sections `failure`, `restart`, `limits`, `placement` and `coordinator` of the topology file. Private.
#pragma once

#include <optional>

#include "host/config/topology_section.hpp"
#include "host/core/job.hpp"

namespace taskgraph::config {

/// Each gives defaults for what is absent or wrong; what is wrong is reported.
core::FailureLimits read_failure(TopologyReading& reading, std::optional<JsonValue> section);
core::RestartLimits read_restart(TopologyReading& reading, std::optional<JsonValue> section);
core::Limits read_limits(TopologyReading& reading, std::optional<JsonValue> section);
/// placement.start_timeout
core::Duration read_placement(TopologyReading& reading, std::optional<JsonValue> section);
void read_coordinator(TopologyReading& reading, std::optional<JsonValue> section);

}  // namespace taskgraph::config
