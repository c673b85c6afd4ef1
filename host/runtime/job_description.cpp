#include "host/runtime/job_description.hpp"

#include <string_view>

namespace taskgraph::runtime {
namespace {

tg_view view(std::string_view text) {
  return {text.data(), text.size()};
}

}  // namespace

JobDescription::JobDescription(const config::TopologyFile& topology) : directory_(topology.directory.string()) {
  for (const config::PluginArgument& arg : topology.args) {
    args_.push_back({view(arg.name), static_cast<tg_arg_kind>(arg.kind), view(arg.text), arg.integer, arg.number});
  }
  job_.struct_size = sizeof(tg_job);
  job_.arg_count = static_cast<std::uint32_t>(args_.size());
  job_.args = args_.data();
  job_.name = view(topology.spec.name);
  job_.args_json = view(topology.args_json);
  job_.task_count = topology.spec.topology->task_count();
  job_.directory = view(directory_);
}

}  // namespace taskgraph::runtime
