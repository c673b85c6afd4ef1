/// Where a job's state lies, as the options and the environment say.
#pragma once

#include <filesystem>
#include <string_view>

#include "host/config/options.hpp"

namespace taskgraph::config {

/// --state-dir; else JOB's folder in that of taskgraph below the state folder of the user. An empty path: nothing says
/// where. Pure. `job` is the name of a job in a valid topology, which is the name of a folder, too.
Setting<std::filesystem::path> state_location(const Options& options, std::string_view job);

/// The state folder of the user, by the XDG Base Directory Specification: $XDG_STATE_HOME, which counts when it is
/// absolute, else $HOME/.local/state.
Setting<std::filesystem::path> state_home(const Environment& environment);

}  // namespace taskgraph::config
