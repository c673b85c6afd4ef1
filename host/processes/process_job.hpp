/// A job whose tasks run in worker processes: embedded coordinator and supervisor here, no user code.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "host/config/topology_file.hpp"
#include "host/core/chaos.hpp"
#include "host/journal/journal.hpp"
#include "host/runtime/job.hpp"
#include "host/wire/control.hpp"

namespace taskgraph::processes {

struct ProcessJobSettings {
  const config::TopologyFile& topology;  ///< outlives the job
  wire::Setup setup;                     ///< of every worker, but for what differs: life and job
  core::ChaosPlan chaos;                 ///< what `setup.chaos` says
  journal::Journal& journal;             ///< outlives the job
  unsigned workers = 1;
};

/// A worker that ends is a new life in milliseconds: what it had forked is ended, its death is proven, its tasks go on
/// elsewhere or in its successor. A worker that fails again and again by its own fault (restart.max in restart.window)
/// fails the job.
class ProcessJob final : public runtime::Job {
 public:
  /// Throws std::system_error when a worker cannot be spawned.
  ProcessJob(ProcessJobSettings settings, runtime::HostActor::Listener listener);
  /// Ends all workers.
  ~ProcessJob() override;

  void start() override;
  void drain() override;
  void abandon() override;
  runtime::ProgressFacts facts() const override;
  std::uint64_t chaos_faults() const override;
  std::uint64_t frames_dropped() const override;
  runtime::OutsidePulls& outside_pulls() override;
  bool is_read_only(std::string_view method) const override;
  runtime::JobStatus status() const override;

 private:
  struct Parts;
  const std::unique_ptr<Parts> parts_;
};

}  // namespace taskgraph::processes
