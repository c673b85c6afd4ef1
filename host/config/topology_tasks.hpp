/// The section `tasks` of the topology file. Private.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "host/config/topology_section.hpp"

namespace taskgraph::config {

inline constexpr std::uint32_t kTasksMax = 100'000;
inline constexpr std::uint32_t kBackupsMax = 2;
inline constexpr std::size_t kGroupsMax = 1'000;

struct TasksSection {
  std::uint32_t count = 0;            ///< 0: missing or wrong, and reported
  std::vector<std::uint8_t> backups;  ///< of each task
};

TasksSection read_tasks(TopologyReading& reading, std::optional<JsonValue> section);

/// "task 15 does not exist ..." for an id that is none in a job of `count` tasks.
std::string no_such_task(JsonValue id, std::uint32_t count);

}  // namespace taskgraph::config
