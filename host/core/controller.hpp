/// The office of the controller: from the job's documents and what replicas ask for, the next transaction.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "host/core/documents.hpp"
#include "host/core/ids.hpp"
#include "host/core/job.hpp"
#include "host/core/placement.hpp"
#include "host/core/restart.hpp"
#include "host/core/worker.hpp"

namespace taskgraph::core {

/// A primary's request, compared with the shard that shows its term.
struct AdvanceAsk {
  TaskId task;
  Term term;
  Epoch from;
};
struct FinishAsk {
  TaskId task;
  Term term;
  Epoch epoch;
  JobStatus status = JobStatus::done;
  std::string result;
};

/// Owned by the supervisor, on its loop. Holds nothing that a new holder of the office would miss, but for the restart
/// policy's history, which starts anew. Memory: one entry per failed replica that a view still names, one per absent
/// life.
class Controller {
 public:
  explicit Controller(const JobSpec& spec) : spec_(spec), restarts_(spec.restart) {}

  void resigned(const Resignation& resignation, const Assignment& view, Time now);
  void asked(const AdvanceAsk& ask) { advance_ = ask; }
  void asked(const FinishAsk& ask) { finish_ = ask; }

  /// The next transaction, or nothing to do. Pure but for `absent_since` and requests that turn out void.
  std::optional<Transaction> decide(Documents& documents, Time now);
  /// When decide() may have something to do though nothing else happened.
  Time wakeup() const { return wakeup_; }

  static std::uint32_t shard_of(const JobSpec& spec, TaskId task) { return task.value / spec.tasks_per_shard; }

 private:
  std::optional<Transaction> end_job(Documents& documents);
  std::optional<Transaction> change_assignment(Documents& documents, Time now);
  std::optional<Transaction> advance(Documents& documents);
  bool is_dead(LifeId life, const Documents& documents, Time now);
  std::vector<HostId> next_candidates(const Assignment& view, const Documents& documents) const;

  const JobSpec& spec_;
  RestartPolicy restarts_;
  std::map<std::pair<TaskId, Seat>, bool> resigned_;  ///< until no view names the seat
  std::map<LifeId, Time> absent_since_;               ///< of this controller's own first sight
  std::optional<AdvanceAsk> advance_;
  std::optional<FinishAsk> finish_;
  std::string gave_up_;
  Time wakeup_ = Time::never();
};

}  // namespace taskgraph::core
