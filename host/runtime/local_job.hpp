/// A whole job in this process: embedded coordinator, supervisor, workers and the threads that run them.
#pragma once

#include <taskgraph/abi.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "host/core/chaos.hpp"
#include "host/core/job.hpp"
#include "host/runtime/host_actor.hpp"
#include "host/runtime/progress.hpp"

namespace taskgraph::runtime {

struct LocalJobSettings {
  const core::JobSpec& spec;  ///< outlives the job, as `plugin` does
  const tg_plugin& plugin;    ///< initialised with plugin::host_api()
  std::string digest;
  core::ChaosPlan chaos;
  unsigned threads = 1;
};

/// Owned by one thread, which calls all functions. Backups are replicas in lives of their own: as many lives as the
/// largest number of wanted backups, and one more.
class LocalJob {
 public:
  /// The listener is called on the job's threads.
  LocalJob(LocalJobSettings settings, HostActor::Listener listener);
  /// Waits for hooks that are running: after an outcome there are none.
  ~LocalJob();

  void start();
  void drain();
  ProgressFacts facts() const;
  std::uint64_t chaos_faults() const;
  /// Because too many waited for one task; each was sent again.
  std::uint64_t frames_dropped() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace taskgraph::runtime
