#include "host/config/topology_tasks.hpp"

#include <charconv>
#include <system_error>

#include "host/config/words.hpp"

namespace taskgraph::config {
namespace {

/// First and last id.
struct Range {
  std::uint32_t first;
  std::uint32_t last;
};

std::optional<Range> parse_range(std::string_view text) {
  Range range{};
  const char* const end = text.data() + text.size();
  const auto first = std::from_chars(text.data(), end, range.first);
  if (first.ec != std::errc{} || first.ptr == end || *first.ptr != '-') return std::nullopt;
  const auto last = std::from_chars(first.ptr + 1, end, range.last);
  if (last.ec != std::errc{} || last.ptr != end || range.last < range.first) return std::nullopt;
  return range;
}

/// Reads `tasks.groups`. A task belongs to one group at most; so the work is bounded by the tasks and the entries.
class GroupsReader {
 public:
  GroupsReader(TopologyReading& reading, TasksSection& tasks, std::uint64_t backups_default)
      : reading_(reading), tasks_(tasks), backups_default_(backups_default), owners_(tasks.count, 0) {}

  void run(JsonValue groups, const std::string& pointer) {
    if (!groups.is(JsonKind::array)) {
      reading_.out.error(groups.offset(), pointer, "expected a list of groups [{\"ids\": ...}], not " + shown(groups));
      return;
    }
    if (groups.size() > kGroupsMax) {
      reading_.out.error(groups.offset(), pointer,
                         std::to_string(groups.size()) + " groups; at most " + std::to_string(kGroupsMax));
      return;
    }
    for (const JsonValue group : groups.elements()) read_group(group, pointer_to(pointer, group_++));
  }

 private:
  void read_group(JsonValue value, std::string pointer) {
    Section section(reading_, value, std::move(pointer));
    const auto ids = section.required("ids", "[0, 1] or \"0-3\"");
    const auto backups = section.number("backups", 0, kBackupsMax, backups_default_);
    for (const std::string_view name : {"args", "placement"}) {
      const auto member = section.member(name);
      if (member)
        section.error(*member, name, "a group's \"" + std::string(name) + "\" is not in this version; remove it");
    }
    section.finish();
    if (!ids) return;
    const std::string ids_pointer = section.pointer_to_member("ids");
    if (ids->is(JsonKind::array)) {
      if (ids->size() == 0)
        reading_.out.error(ids->offset(), ids_pointer, "the group has no task; name some or remove it");
      std::size_t index = 0;
      for (const JsonValue id : ids->elements()) read_ids(id, ids_pointer, index++, backups);
    } else {
      read_ids(*ids, ids_pointer, std::nullopt, backups);
    }
    reading_.note(ids_pointer, ids->is(JsonKind::array) ? std::to_string(ids->size()) + " entries" : shown(*ids), *ids);
  }

  void read_ids(JsonValue value, const std::string& pointer, std::optional<std::size_t> index,
                std::optional<std::uint64_t> backups) {
    const auto fail = [&](const std::string& message) {
      reading_.out.error(value.offset(), index ? pointer_to(pointer, *index) : pointer, message);
    };
    std::optional<Range> range;
    const auto id = value.integer();
    if (value.is(JsonKind::text)) {
      range = parse_range(value.text());
    } else if (index && id && *id >= 0 && *id <= UINT32_MAX) {
      range = Range{static_cast<std::uint32_t>(*id), static_cast<std::uint32_t>(*id)};
    }
    if (!range) return fail("expected task ids such as [0, 7, \"2-5\"] or \"2-5\", not " + shown(value));
    if (tasks_.count == 0) return;  // nothing to compare with
    if (range->last >= tasks_.count) return fail(no_such_task(value, tasks_.count));
    for (std::uint32_t task = range->first; task <= range->last; ++task) {
      if (owners_[task] != 0) {
        return fail("task " + std::to_string(task) + " belongs to group " + std::to_string(owners_[task] - 1) +
                    " already");
      }
      owners_[task] = static_cast<std::uint32_t>(group_);
      if (backups) tasks_.backups[task] = static_cast<std::uint8_t>(*backups);
    }
  }

  TopologyReading& reading_;
  TasksSection& tasks_;
  std::uint64_t backups_default_;
  std::vector<std::uint32_t> owners_;  ///< of each task: index of its group + 1; 0: none
  std::size_t group_ = 0;              ///< groups begun
};

}  // namespace

std::string no_such_task(JsonValue id, std::uint32_t count) {
  return "no task " + shown(id) + ": tasks.count is " + std::to_string(count) + ", so ids go from 0 to " +
         std::to_string(count - 1);
}

TasksSection read_tasks(TopologyReading& reading, std::optional<JsonValue> value) {
  Section section(reading, value, "/tasks");
  TasksSection tasks;
  tasks.count = static_cast<std::uint32_t>(section.number("count", 1, kTasksMax, std::nullopt).value_or(0));
  const auto backups = section.number("backups", 0, kBackupsMax, 0);
  tasks.backups.assign(tasks.count, static_cast<std::uint8_t>(backups.value_or(0)));
  const auto groups = section.member("groups");
  section.finish();
  if (groups) GroupsReader(reading, tasks, backups.value_or(0)).run(*groups, section.pointer_to_member("groups"));
  return tasks;
}

}  // namespace taskgraph::config
