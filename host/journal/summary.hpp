/// What a job was like, in a few lines for people.
#pragma once

#include <string>
#include <vector>

#include "host/core/observation.hpp"
#include "host/journal/failovers.hpp"

namespace taskgraph::journal {

/// Nothing of what did not happen: no lines for a job without failovers and pulls.
std::vector<std::string> summary(const Failovers& failovers, const core::SlowPulls& slowest);

/// "850 us", "18.2 ms", "3.40 s".
std::string short_duration(core::Duration duration);

}  // namespace taskgraph::journal
