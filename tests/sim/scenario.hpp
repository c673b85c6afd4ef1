/// What one seed plays: the job, the hosts, and how rough the world is.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "host/core/ids.hpp"
#include "host/core/job.hpp"
#include "host/dataplane/plane_limits.hpp"

namespace taskgraph::sim {

struct Scenario {
  core::JobSpec spec;
  std::uint32_t hosts = 2;
  std::uint32_t workers_per_host = 1;
  core::Epoch last_epoch;
  core::Duration storm;             ///< faults happen in this time from the start, but for the calm in it
  core::Duration calm_at;           ///< no fault for kCalm, and nobody advances; then all must be settled
  std::uint32_t network_per_mille;  ///< of messages between hosts: each of loss, doubling, long delay
  dataplane::PlaneLimits plane;
  bool large_bodies;             ///< some pulls have bodies beyond what the wire sends along
  core::Duration fault_every;    ///< on average
  core::Duration outside_every;  ///< at each host, somebody who is no task pulls, on average
  bool ends_in_storm;            ///< the job may end while faults go on
  bool blame_plugin;             ///< most hook failures hit one task: it may give up
};

/// Longest time for all to be as if nothing had happened, once faults have stopped.
inline constexpr core::Duration kCalm = core::seconds(15);
/// Longest time from the storm's end to the job's.
inline constexpr core::Duration kFinish = core::seconds(90);

Scenario make_scenario(std::uint64_t seed);

/// `shape`: ring, tree, full or rotating. nullptr: there is none of this name.
std::shared_ptr<const core::Topology> make_topology(const std::string& shape, std::uint32_t tasks);

}  // namespace taskgraph::sim
