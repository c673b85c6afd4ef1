/// What the core knows of a job from its topology file: the graph and the numbers of its policies. Immutable; any
/// thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "host/core/ids.hpp"
#include "host/core/topology.hpp"

namespace taskgraph::core {

/// `limits` of the topology file.
struct Limits {
  std::uint32_t pulls_open = 4'096;          ///< per replica, as the one who asks; over it: busy
  std::uint32_t serves_open = 16'384;        ///< per replica, as the one who answers; over it: busy
  std::uint32_t flags_per_epoch = 1'024;     ///< per task
  std::uint32_t flag_bytes = 4'096;          ///< meta of one flag
  std::uint64_t message_bytes = 1ULL << 30;  ///< body of one pull or answer
  std::uint64_t channel_bytes = 2ULL << 30;  ///< kept for one peer until acknowledged, and as much parked from it
  std::uint32_t channel_frames = 4'096;      ///< the same, in frames
  Duration pull_deadline = seconds(30);
  Duration hook = seconds(60);        ///< longest run of one hook
  std::uint32_t timers_open = 4'096;  ///< per replica
};

/// `restart` of the topology file: how often a task may fail by its own fault before the job fails.
struct RestartLimits {
  std::uint32_t max = 5;  ///< failures of one task in `window`; one more gives up
  Duration window = seconds(60);
  Duration backoff = milliseconds(100);  ///< before the first restart that is the plugin's fault, doubled for each more
  Duration backoff_max = seconds(5);
};

/// `failure` of the topology file.
struct FailureLimits {
  Duration heartbeat = milliseconds(100);
  Duration suspect = milliseconds(400);
  Duration lease = milliseconds(1'500);
  Duration stall = milliseconds(500);
  Duration rejoin_window = seconds(3);
  Duration drain = seconds(10);  ///< longest wait for the tasks' `exit` at SIGTERM
};

struct JobSpec {
  std::string name;
  std::shared_ptr<const Topology> topology;
  std::vector<std::uint8_t> backups;  ///< wanted backups of each task; size task_count
  Limits limits;
  RestartLimits restart;
  FailureLimits failure;
  std::uint32_t tasks_per_shard = 512;  ///< fixed for the life of a job
  std::uint32_t hosts_min = 1;          ///< `placement.hosts_min`: no task starts before so many hosts are there
};

}  // namespace taskgraph::core
