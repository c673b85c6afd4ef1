#include "host/core/assignment.hpp"

#include <algorithm>
#include <utility>

namespace taskgraph::core {

bool TaskAssignment::names(const Seat& seat) const {
  return primary == seat || std::find(backups.begin(), backups.end(), seat) != backups.end();
}

Assignment::Assignment(ViewVersion version, std::vector<HostId> candidates, std::vector<TaskAssignment> tasks)
    : version_(version), candidates_(std::move(candidates)), tasks_(std::move(tasks)) {
  const auto add = [this](const Seat& seat) {
    if (seat.is_empty()) return;
    const auto place = std::lower_bound(lives_.begin(), lives_.end(), seat.life);
    if (place == lives_.end() || *place != seat.life) lives_.insert(place, seat.life);
  };
  for (const TaskAssignment& task : tasks_) {
    add(task.primary);
    for (const Seat& seat : task.backups) add(seat);
    for (const Seat& seat : task.in_sync) add(seat);
  }
}

std::vector<TaskId> changed_tasks(const Assignment* before, const Assignment& after) {
  std::vector<TaskId> changed;
  for (std::uint32_t i = 0; i < after.tasks().size(); ++i) {
    if (before == nullptr || before->tasks()[i] != after.tasks()[i]) changed.push_back(TaskId{i});
  }
  return changed;
}

}  // namespace taskgraph::core
