/// main() of a Catch2 binary that is its own worker, and its own probe of plugins, as the host is.
#define CATCH_CONFIG_RUNNER
#include <string_view>

#include "host/plugin/probe.hpp"
#include "host/processes/worker_main.hpp"
#include "tests/support/catch.hpp"

int main(int argc, char** argv) {
  const std::string_view first = argc > 1 ? argv[1] : "";
  if (first == taskgraph::plugin::kProbeOption) taskgraph::plugin::probe_main(argc, argv);
  if (first == taskgraph::processes::kWorkerOption) return taskgraph::processes::worker_main();
  return Catch::Session().run(argc, argv);
}
