/// A running job, as the thread that waits for its end sees it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "host/journal/journal.hpp"
#include "host/runtime/host_actor.hpp"
#include "host/runtime/job_status.hpp"
#include "host/runtime/outside_pulls.hpp"
#include "host/runtime/progress.hpp"

namespace taskgraph::runtime {

/// Owned by one thread, which calls all functions but those that say otherwise. Its listener is called on the job's
/// threads.
class Job {
 public:
  static constexpr core::Duration kLookEvery = kProgressRedraw;

  /// Waits for hooks that are running in this process: after an outcome there are none.
  virtual ~Job() = default;

  virtual void start() = 0;
  virtual void drain() = 0;
  /// Before this process leaves by _Exit: ends the processes that this job has started, and what they have started.
  virtual void abandon() {}
  /// Every kLookEvery: for what shall be seen although all threads of the job are in hooks.
  virtual void look(core::Time /*now*/) {}
  virtual ProgressFacts facts() const = 0;
  virtual std::uint64_t chaos_faults() const = 0;
  /// Because too many waited for one task; each was sent again.
  virtual std::uint64_t frames_dropped() const = 0;
  /// Until the job is destroyed: what is open then is answered `closed`, within the destructor.
  virtual OutsidePulls& outside_pulls() = 0;
  /// Any thread. Whether the plugin says that `method` changes nothing; false while no worker has loaded it yet.
  virtual bool is_read_only(std::string_view method) const = 0;
  /// Any thread, until the destructor begins.
  virtual JobStatus status() const = 0;
};

/// The journal outlives the job.
using MakeJob = std::function<std::unique_ptr<Job>(journal::Journal&, HostActor::Listener)>;

}  // namespace taskgraph::runtime
