/// What a plugin's `init` is told of its job, in the C ABI's terms.
#pragma once

#include <taskgraph/abi.h>

#include <string>
#include <vector>

#include "host/config/topology_file.hpp"

namespace taskgraph::runtime {

/// Points into the topology, which outlives it; lives as long as the plugin, that is, as the process.
class JobDescription {
 public:
  explicit JobDescription(const config::TopologyFile& topology);
  JobDescription(const JobDescription&) = delete;
  JobDescription& operator=(const JobDescription&) = delete;

  const tg_job& job() const { return job_; }

 private:
  const std::string directory_;
  std::vector<tg_arg> args_;
  tg_job job_{};
};

}  // namespace taskgraph::runtime
