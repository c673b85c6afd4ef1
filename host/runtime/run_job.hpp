/// Runs a checked job to its end on this machine: signals, progress, result.
#pragma once

#include "host/config/exit_codes.hpp"
#include "host/config/options.hpp"
#include "host/config/topology_file.hpp"
#include "host/runtime/job.hpp"

namespace taskgraph::runtime {

/// Blocks the calling thread, which must be the main one, until the job has ended or was stopped. Writes the file of
/// --result. Where hooks do not return within `failure.drain` after the end, or a second signal asks for it, the
/// process ends here, with the code that would have been returned.
config::ExitCode run_job(const config::Options& options, const config::TopologyFile& topology, const MakeJob& make);

}  // namespace taskgraph::runtime
