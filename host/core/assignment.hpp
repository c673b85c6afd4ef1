/// Who is primary and who are the backups of each task, as the view and its shards say. Immutable once made; any
/// thread.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "host/core/ids.hpp"

namespace taskgraph::core {

/// One replica life of a task: it is created once and never named again.
struct Seat {
  LifeId life;
  ReplicaCounter counter;
  friend auto operator<=>(const Seat&, const Seat&) = default;
  bool is_empty() const { return life.is_nil(); }
};

struct TaskAssignment {
  Term term;     ///< of the newest grant, whether its primary still lives or not
  Seat primary;  ///< empty: none at the moment
  std::vector<Seat> backups;
  std::vector<Seat> in_sync;  ///< who holds the replicated state; empty for tasks without state hooks
  ReplicaCounter next_counter{1};
  friend bool operator==(const TaskAssignment&, const TaskAssignment&) = default;

  bool names(const Seat& seat) const;
};

class Assignment {
 public:
  Assignment(ViewVersion version, std::vector<HostId> candidates, std::vector<TaskAssignment> tasks);

  ViewVersion version() const { return version_; }
  /// Hosts that may decide, at most kCandidatesMax.
  const std::vector<HostId>& candidates() const { return candidates_; }
  const std::vector<TaskAssignment>& tasks() const { return tasks_; }
  const TaskAssignment& task(TaskId id) const { return tasks_[id.value]; }
  /// Every life that is named anywhere, rising: who must acknowledge a seal.
  const std::vector<LifeId>& lives() const { return lives_; }

  static constexpr std::size_t kCandidatesMax = 3;

 private:
  ViewVersion version_;
  std::vector<HostId> candidates_;
  std::vector<TaskAssignment> tasks_;
  std::vector<LifeId> lives_;
};

using View = std::shared_ptr<const Assignment>;

/// Ids of the tasks whose entries differ; all of `after` when there is no `before`.
std::vector<TaskId> changed_tasks(const Assignment* before, const Assignment& after);

}  // namespace taskgraph::core
