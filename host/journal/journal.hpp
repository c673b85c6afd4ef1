/// What happened to a job on this host: in a file for programs, in memory for status and summary.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "host/core/assignment.hpp"
#include "host/core/controller.hpp"
#include "host/core/ids.hpp"
#include "host/core/observation.hpp"
#include "host/journal/failovers.hpp"
#include "host/journal/line_writer.hpp"

namespace taskgraph::journal {

class JsonLine;

/// A worker process, or a life within this process.
struct WorkerName {
  std::uint32_t number = 0;
  core::LifeId life;
  std::int64_t pid = 0;  ///< 0: this process
};

struct JournalSettings {
  std::optional<std::filesystem::path> folder;  ///< that of the job's state; nothing: no file is written
  core::HostId host;
  std::string job_name;
  std::string digest;
  std::uint32_t tasks = 0;
  bool full = false;  ///< lives write files of their own (life_journal.hpp)
  LineWriter::Warn warn;
};

/// Any thread; no call waits for the disk. `now`: CLOCK_BOOTTIME. The format stands in host/journal/README.md.
/// After the job's end nothing more is written.
class Journal {
 public:
  explicit Journal(JournalSettings settings);
  ~Journal();

  core::HostId host() const { return settings_.host; }
  /// Where lives write theirs; nothing unless it is `full`.
  std::optional<std::filesystem::path> life_folder() const;

  // --- the job
  void job_opened(core::JobId job, bool created, core::Time now);
  void view_committed(const core::Assignment& view, core::Time now);
  /// Of the whole job; told again it is no news.
  void epoch_entered(core::Epoch epoch, core::Time now);
  void resigned(const core::Resignation& resignation, core::Time now);
  void replica_moment(const core::ReplicaMoment& moment);
  struct End {
    std::string status;  ///< "done", "failed", "stopped", "documents lost", "refused"
    core::Epoch epoch;
    std::uint64_t result_bytes = 0;
    std::string reason;
  };
  /// Once; later calls are ignored.
  void job_ended(const End& end, core::Time now);

  // --- workers
  void worker_started(const WorkerName& worker, core::Time now);
  void worker_ready(const WorkerName& worker, core::Time now);
  void worker_died(const WorkerName& worker, Cause cause, core::Time died, core::Time now);
  /// It cannot work for this job, or the plugin was refused there.
  void worker_refused(const WorkerName& worker, int exit_code, const std::string& reason, core::Time now);
  void slow_pulls(const core::SlowPulls& pulls);

  // --- what is known
  /// JSON array of the last Failovers::kLastMax, the oldest first.
  std::string failovers_json() const;
  std::vector<std::string> summary() const;

  /// Waits until the file has all of it, for LineWriter::kCloseWithin at most. Once, by the owner.
  void close();

  static constexpr const char* kFileName = "events.jsonl";
  static constexpr std::uint64_t kFileBytesMax = std::uint64_t{64} * 1024 * 1024;

 private:
  void begin(JsonLine& line, const char* kind, core::Time now) const;
  void write(JsonLine& line);
  void write_worker(const char* what, const WorkerName& worker, core::Time now,
                    const std::function<void(JsonLine&)>& more = {});
  void write_promotion(const Failover& failover, core::Time now);

  const JournalSettings settings_;
  mutable std::mutex mutex_;
  // guarded by mutex_
  std::unique_ptr<LineWriter> writer_;  ///< nullptr: no file
  core::JobId job_;
  std::optional<core::Epoch> epoch_;
  bool ended_ = false;
  Failovers failovers_;
  core::SlowPulls slowest_;
  std::map<core::LifeId, std::uint32_t> workers_;     ///< that live
  std::map<std::uint32_t, core::LifeId> last_lives_;  ///< by worker
};

}  // namespace taskgraph::journal
