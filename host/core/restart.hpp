/// Restart policy: how soon a task that failed may have a new replica, and when it is given up.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "host/core/ids.hpp"
#include "host/core/job.hpp"
#include "host/core/replica_event.hpp"

namespace taskgraph::core {

/// Owned by the controller. Only failures that the plugin is to blame for count; after injected faults
/// and kills from outside a task restarts at once, whatever backoff a failure before them has left. Memory: restart.max
/// + 1 times per task that has failed.
class RestartPolicy {
 public:
  explicit RestartPolicy(const RestartLimits& limits) : limits_(limits) {}

  /// Notes a failure. A text: the task is given up, and this is why.
  std::optional<std::string> failed(TaskId task, Blame blame, const std::string& reason, Time now);
  /// A replica of the task has ended by no fault of its plugin: no backoff holds the next one back.
  void killed(TaskId task);
  /// No new replica of the task before this time.
  Time restart_at(TaskId task) const;

 private:
  struct History {
    std::vector<Time> failures;  ///< within the window, rising
    Time restart_at;
  };
  const RestartLimits& limits_;
  std::map<TaskId, History> histories_;
};

}  // namespace taskgraph::core
