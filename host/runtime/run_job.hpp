/// Runs a checked job to its end on this machine: signals, progress, result.
#pragma once

#include <taskgraph/abi.h>

#include "host/config/exit_codes.hpp"
#include "host/config/options.hpp"
#include "host/config/topology_file.hpp"
#include "host/core/chaos.hpp"

namespace taskgraph::runtime {

/// Blocks the calling thread, which must be the main one, until the job has ended or was stopped. Writes the file of
/// --result. `plugin` is initialised. Where hooks do not return within `failure.drain` after the end, or a second
/// signal asks for it, the process ends here, with the code that would have been returned.
config::ExitCode run_job(const config::Options& options, const config::TopologyFile& topology,
                         const core::ChaosPlan& chaos, const tg_plugin& plugin);

}  // namespace taskgraph::runtime
