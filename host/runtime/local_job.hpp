/// A whole job in this process: embedded coordinator, supervisor, workers and the threads that run them.
#pragma once

#include <taskgraph/abi.h>

#include <memory>
#include <string>

#include "host/core/chaos.hpp"
#include "host/core/job.hpp"
#include "host/journal/journal.hpp"
#include "host/runtime/job.hpp"

namespace taskgraph::runtime {

struct LocalJobSettings {
  const core::JobSpec& spec;  ///< outlives the job, as `plugin` does
  const tg_plugin& plugin;    ///< initialised with plugin::host_api()
  std::string digest;
  core::ChaosPlan chaos;      ///< none of its faults hits a whole worker
  journal::Journal& journal;  ///< outlives the job
  unsigned threads = 1;
};

/// Backups are replicas in lives of their own: as many lives as the largest number of wanted backups, and one more.
class LocalJob final : public Job {
 public:
  LocalJob(LocalJobSettings settings, HostActor::Listener listener);
  ~LocalJob() override;

  void start() override;
  void drain() override;
  void look(core::Time now) override;
  ProgressFacts facts() const override;
  std::uint64_t chaos_faults() const override;
  std::uint64_t frames_dropped() const override;
  OutsidePulls& outside_pulls() override;
  bool is_read_only(std::string_view method) const override;
  JobStatus status() const override;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace taskgraph::runtime
