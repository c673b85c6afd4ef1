/// taskgraph-host: reads what it was asked for, checks everything, runs the job, says how it ended.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "host/config/chaos_option.hpp"
#include "host/config/options.hpp"
#include "host/config/print_config.hpp"
#include "host/config/topology_file.hpp"
#include "host/plugin/bridge.hpp"
#include "host/plugin/library.hpp"
#include "host/plugin/probe.hpp"
#include "host/plugin/search.hpp"
#include "host/processes/run_job_in_workers.hpp"
#include "host/processes/worker_main.hpp"
#include "host/runtime/job_description.hpp"
#include "host/runtime/local_job.hpp"
#include "host/runtime/log.hpp"
#include "host/runtime/run_job.hpp"

namespace taskgraph {
namespace {

using config::ExitCode;
using config::Failure;

int end(const Failure& failure) {
  std::fprintf(stderr, "taskgraph-host: %s\n", failure.text.c_str());
  return static_cast<int>(failure.code);
}

/// What a run needs beside the options. Lives as long as the process: the plugin keeps pointers into it.
struct Inputs {
  config::TopologyFile topology;
  config::ChaosOption chaos;
};

std::optional<Failure> read_inputs(config::Options& options, Inputs& inputs) {
  auto topology = config::load_topology_file(options.topology.value);
  if (const auto* errors = std::get_if<config::TopologyErrors>(&topology)) return errors->failure();
  inputs.topology = std::get<config::TopologyFile>(std::move(topology));
  for (const config::Diagnostic& warning : inputs.topology.warnings) {
    runtime::log(runtime::LogLevel::warning, config::to_text(warning));
  }
  if (options.chaos.value.has_value()) {
    auto chaos = config::read_chaos(*options.chaos.value);
    if (!chaos) return chaos.error();
    inputs.chaos = *std::move(chaos);
    const std::uint32_t tasks = inputs.topology.spec.topology->task_count();
    if (auto failure = config::check_chaos_tasks(inputs.chaos, tasks)) return failure;
    if (options.local.value) {
      if (auto failure = config::check_chaos_needs_no_workers(inputs.chaos)) return failure;
    }
  }
  const auto& backups = inputs.topology.spec.backups;
  config::settle(options, std::any_of(backups.begin(), backups.end(), [](std::uint8_t wanted) { return wanted > 0; }));
  return config::check_files(options);
}

Failure refused(const plugin::Refusal& refusal) {
  return {refusal.file_missing ? ExitCode::file_missing : ExitCode::plugin_refused, refusal.message()};
}

config::Result<std::string> find_plugin(const config::Options& options, const config::TopologyFile& topology) {
  plugin::SearchPlaces places;
  places.topology_directory = topology.directory;
  places.plugin_dirs = options.plugin_dirs.value;
  for (const auto& folder : options.plugin_path.value) {
    if (!places.plugin_path.empty()) places.plugin_path += ':';
    places.plugin_path += folder.string();
  }
  places.installed = plugin::installed_plugins();
  auto file = plugin::find_plugin(topology.plugin_path, places);
  if (!file) return Failure{ExitCode::file_missing, file.error().message};
  return std::filesystem::absolute(*file).string();
}

int run_in_workers(const config::Options& options, const Inputs& inputs, const std::string& plugin_file) {
  return static_cast<int>(processes::run_job_in_workers(options, inputs.topology, inputs.chaos, plugin_file));
}

int show_config(const config::Options& options, const config::TopologyFile& topology) {
  std::vector<config::ConfigValue> values = config::config_values(options, topology.spec.name);
  values.insert(values.end(), topology.values.begin(), topology.values.end());
  std::fputs(config::print_config(values).c_str(), stdout);
  return static_cast<int>(ExitCode::done);
}

int run(int argc, char** argv) {
  const std::vector<const char*> arguments(argv + 1, argv + argc);
  auto options = config::parse_options(arguments, config::Environment::of_process());
  if (!options) return end(options.error());
  if (options->help) return std::fputs(config::help_text().c_str(), stdout), 0;
  if (options->version) {
    std::printf("taskgraph-host %s (plugin ABI 1.0 to %d.%d)\n", TASKGRAPH_VERSION, TG_ABI_MAJOR, TG_ABI_MINOR);
    return 0;
  }
  runtime::log_start({options->log_level.value, options->log_format.value, options->colour.value, nullptr});

  static Inputs inputs;
  if (auto failure = read_inputs(*options, inputs)) return end(*failure);
  if (options->print_config && !options->validate) return show_config(*options, inputs.topology);
  const auto plugin_file = find_plugin(*options, inputs.topology);
  if (!plugin_file) return end(plugin_file.error());
  if (!options->local.value && !options->validate) return run_in_workers(*options, inputs, *plugin_file);
  static const runtime::JobDescription description(inputs.topology);
  const auto opened = plugin::Library::open(*plugin_file);
  if (!opened) return end(refused(opened.error()));
  const plugin::Library library = *opened;
  if (auto refusal = library.init(plugin::host_api(), description.job())) return end(refused(*refusal));
  if (options->validate) {
    if (options->print_config) show_config(*options, inputs.topology);
    std::printf("%s: valid; plugin %s accepts it\n", options->topology.value.c_str(), library.path().c_str());
    library.deinit();
    return static_cast<int>(ExitCode::done);
  }
  const int code = static_cast<int>(runtime::run_job(
      *options, inputs.topology, [&](journal::Journal& journal, runtime::HostActor::Listener listener) {
        return std::make_unique<runtime::LocalJob>(
            runtime::LocalJobSettings{inputs.topology.spec, library.plugin(), inputs.topology.digest, inputs.chaos.plan,
                                      journal, options->threads.value},
            std::move(listener));
      }));
  library.deinit();
  return code;
}

}  // namespace
}  // namespace taskgraph

int main(int argc, char** argv) {
  if (argc > 1 && std::string_view(argv[1]) == taskgraph::plugin::kProbeOption)
    taskgraph::plugin::probe_main(argc, argv);
  if (argc > 1 && std::string_view(argv[1]) == taskgraph::processes::kWorkerOption)
    return taskgraph::processes::worker_main();
  try {
    return taskgraph::run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "taskgraph-host: bug: %s; please report it\n", error.what());
    return static_cast<int>(taskgraph::config::ExitCode::own_bug);
  }
}
