#include "host/core/restart.hpp"

#include <algorithm>

namespace taskgraph::core {

std::optional<std::string> RestartPolicy::failed(TaskId task, Blame blame, const std::string& reason, Time now) {
  if (blame != Blame::plugin) {
    killed(task);
    return std::nullopt;
  }
  History& history = histories_[task];
  std::erase_if(history.failures, [&](Time at) { return now - at > limits_.window; });
  history.failures.push_back(now);
  const std::size_t count = history.failures.size();
  if (count > limits_.max) {
    return "task " + std::to_string(task.value) + " gave up: " + std::to_string(count) + " failures in " +
           std::to_string(limits_.window.ns / 1'000'000'000) + " s (limit restart.max=" + std::to_string(limits_.max) +
           "); last: " + reason + "; the plugin is to blame, not the host";
  }
  Duration wait = limits_.backoff;
  for (std::size_t i = 1; i < count && wait < limits_.backoff_max; ++i) wait = wait * 2;
  history.restart_at = now + std::min(wait, limits_.backoff_max);
  return std::nullopt;
}

void RestartPolicy::killed(TaskId task) {
  const auto found = histories_.find(task);
  if (found != histories_.end()) found->second.restart_at = Time{};
}

Time RestartPolicy::restart_at(TaskId task) const {
  const auto found = histories_.find(task);
  return found == histories_.end() ? Time{} : found->second.restart_at;
}

}  // namespace taskgraph::core
