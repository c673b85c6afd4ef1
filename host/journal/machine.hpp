/// Which run of which machine this is.
#pragma once

#include <string>

namespace taskgraph::journal {

/// Names the machine's boot: instants of CLOCK_BOOTTIME with the same one can be compared. "" where the system does not
/// tell.
std::string boot_id();

}  // namespace taskgraph::journal
