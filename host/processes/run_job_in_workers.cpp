#include "host/processes/run_job_in_workers.hpp"

#include <cstdio>
#include <memory>
#include <utility>

#include "host/dataplane/secret.hpp"
#include "host/processes/process_job.hpp"
#include "host/runtime/log.hpp"
#include "host/runtime/run_job.hpp"

namespace taskgraph::processes {

config::ExitCode run_job_in_workers(const config::Options& options, const config::TopologyFile& topology,
                                    const config::ChaosOption& chaos, const std::string& plugin_file) {
  wire::Setup setup;
  setup.secret = dataplane::bytes_of(dataplane::random_secret());
  setup.topology_name = options.topology.value.string();
  setup.topology = topology.canonical;
  setup.topology_directory = topology.directory.string();
  setup.plugin_file = plugin_file;
  setup.chaos = chaos.text;
  setup.threads = options.threads.value;
  setup.log_level = options.log_level.value;
  setup.log_format = options.log_format.value;
  setup.colour = options.colour.value && runtime::is_terminal(stderr);  // which is where their lines go, too
  return runtime::run_job(options, topology, [&](journal::Journal& journal, runtime::HostActor::Listener listener) {
    return std::make_unique<ProcessJob>(
        ProcessJobSettings{topology, std::move(setup), chaos.plan, journal, options.workers.value},
        std::move(listener));
  });
}

}  // namespace taskgraph::processes
