#include "host/control/status_json.hpp"

#include <fmt/format.h>
#include <taskgraph/abi.h>

#include <array>
#include <chrono>
#include <map>

#include "host/config/value_texts.hpp"
#include "host/control/json.hpp"
#include "host/wire/limits.hpp"

namespace taskgraph::control {
namespace {

using config::uuid_text;
using runtime::JobStatus;
using runtime::LifeStatus;

constexpr std::array<std::string_view, 8> kStates{"starting", "running", "stopping",       "done",
                                                  "failed",   "stopped", "documents lost", "refused"};

struct Roles {
  std::uint64_t primaries = 0;
  std::uint64_t backups = 0;
};

/// A view may name lives that are gone.
class Lives {
 public:
  explicit Lives(const std::vector<LifeStatus>& lives) {
    for (const LifeStatus& life : lives) of_.emplace(life.life, &life);
  }
  const LifeStatus* find(core::LifeId id) const {
    const auto found = of_.find(id);
    return found == of_.end() ? nullptr : found->second;
  }

 private:
  std::map<core::LifeId, const LifeStatus*> of_;
};

template <typename Id>
void add_uuid(Json& json, std::string_view key, const Id& id) {
  json.key(key);
  if (id.is_nil()) {
    json.null();
  } else {
    json.text(uuid_text(id));
  }
}

void add_seat(Json& json, const core::Seat& seat, std::string_view role, const Lives& lives) {
  json.begin_object().key("role").text(role).key("worker");
  if (const LifeStatus* life = lives.find(seat.life)) {
    json.number(life->worker);
  } else {
    json.null();
  }
  add_uuid(json, "life", seat.life);
  json.key("replica").number(seat.counter.value).end_object();
}

void add_tasks(Json& json, const core::View& view, const Lives& lives) {
  json.key("tasks").begin_array();
  for (std::uint32_t i = 0; view != nullptr && i < view->tasks().size(); ++i) {
    const core::TaskAssignment& task = view->tasks()[i];
    json.begin_object().key("task").number(i).key("term").number(task.term.value).key("primary");
    if (task.primary.is_empty()) {
      json.null();
    } else {
      add_seat(json, task.primary, "primary", lives);
    }
    json.key("backups").begin_array();
    for (const core::Seat& backup : task.backups) add_seat(json, backup, "backup", lives);
    json.end_array().end_object();
  }
  json.end_array();
}

std::map<core::LifeId, Roles> count_roles(const core::View& view) {
  std::map<core::LifeId, Roles> roles;
  if (view == nullptr) return roles;
  for (const core::TaskAssignment& task : view->tasks()) {
    if (!task.primary.is_empty()) ++roles[task.primary.life].primaries;
    for (const core::Seat& backup : task.backups) ++roles[backup.life].backups;
  }
  return roles;
}

void add_lives(Json& json, const JobStatus& status, core::Time now) {
  auto roles = count_roles(status.view);
  const std::int64_t wall_now = std::chrono::nanoseconds(std::chrono::system_clock::now().time_since_epoch()).count();
  json.key("lives").begin_array();
  for (const LifeStatus& life : status.lives) {
    const Roles has = roles[life.life];
    json.begin_object().key("worker").number(life.worker).key("pid").number(static_cast<std::uint64_t>(life.process));
    add_uuid(json, "life", life.life);
    json.key("up_since").text(config::wall_time_text(wall_now - (now - life.since).ns));
    json.key("primaries").number(has.primaries).key("backups").number(has.backups).end_object();
  }
  json.end_array();
}

}  // namespace

std::string why_not_ready(const JobStatus& status) {
  using State = JobStatus::State;
  if (status.state >= State::done) return "the job has ended";
  if (status.view == nullptr) return "the job is starting: its tasks have no primaries yet";
  const Lives lives(status.lives);
  std::uint32_t acting = 0;
  for (const core::TaskAssignment& task : status.view->tasks()) {
    if (!task.primary.is_empty() && lives.find(task.primary.life) != nullptr) ++acting;
  }
  if (acting == status.view->tasks().size()) return {};
  return fmt::format("{} of {} tasks have a primary", acting, status.view->tasks().size());
}

std::string status_json(const JobIdentity& identity, const JobStatus& status, std::string_view failovers,
                        core::Time now) {
  const Lives lives(status.lives);
  Json json;
  json.begin_object().key("job").begin_object();
  json.key("name").text(identity.name);
  add_uuid(json, "id", status.job);
  json.key("digest").text(identity.digest);
  json.key("state").text(kStates.at(static_cast<std::size_t>(status.state)));
  if (!status.reason.empty()) json.key("reason").text(status.reason);
  json.end_object();
  json.key("epoch").number(status.facts.epoch.value);
  json.key("view").number(status.view == nullptr ? 0 : status.view->version().value);
  add_uuid(json, "host", status.host);
  add_uuid(json, "controller", status.controller);
  add_tasks(json, status.view, lives);
  add_lives(json, status, now);
  json.key("failovers").raw(failovers.empty() ? "[]" : failovers);
  json.key("counters").begin_object();
  json.key("pulls").number(status.facts.pulls).key("failures").number(status.facts.failures);
  json.key("frames_dropped").number(status.frames_dropped).end_object();
  json.key("versions").begin_object().key("taskgraph").text(TASKGRAPH_VERSION);
  json.key("plugin_abi").text(fmt::format("{}.{}", TG_ABI_MAJOR, TG_ABI_MINOR));
  json.key("wire").number(wire::kWireVersion).end_object();
  return json.end_object().take();
}

}  // namespace taskgraph::control
