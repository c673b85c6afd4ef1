/// `--workers N`: this process becomes the supervisor.
#pragma once

#include <string>

#include "host/config/chaos_option.hpp"
#include "host/config/exit_codes.hpp"
#include "host/config/options.hpp"
#include "host/config/topology_file.hpp"

namespace taskgraph::processes {

/// As runtime::run_job, with the plugin of `plugin_file` (absolute) loaded by each worker, and not here.
config::ExitCode run_job_in_workers(const config::Options& options, const config::TopologyFile& topology,
                                    const config::ChaosOption& chaos, const std::string& plugin_file);

}  // namespace taskgraph::processes
