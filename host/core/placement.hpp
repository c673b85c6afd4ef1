/// The controller's decision as a pure function: from who is named and who lives to who shall be named.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "host/core/assignment.hpp"
#include "host/core/ids.hpp"
#include "host/core/job.hpp"

namespace taskgraph::core {

struct LiveLife {
  LifeId life;
  HostId host;
};

struct PlacementInput {
  const JobSpec& spec;
  const Assignment& assignment;
  const std::vector<LiveLife>& lives;                     ///< present, by rising life
  std::function<bool(LifeId)> is_dead;                    ///< proven or waited out
  std::function<bool(TaskId, const Seat&)> has_resigned;  ///< this replica has ended
  std::function<bool(TaskId)> may_start;                  ///< the restart policy allows a new replica now
};

/// The next entries of all tasks, or nothing when nothing changes. Dead and resigned seats leave; a task without a
/// primary gets its first live backup (members of the in-sync set first), else a new replica; missing backups are made
/// where the task has no replica yet; each new replica on the life with the fewest seats, the lowest uuid first, and
/// away from the hosts that have the task already. One term per grant. Moves nothing that lives.
std::optional<std::vector<TaskAssignment>> place(const PlacementInput& input);

}  // namespace taskgraph::core
