#include "host/core/placement.hpp"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "host/core/mutant.hpp"

namespace taskgraph::core {
namespace {

class Placer {
 public:
  explicit Placer(const PlacementInput& input) : input_(input), tasks_(input.assignment.tasks()) {
    for (const LiveLife& live : input_.lives) loads_.emplace(live.life, Load{live.host, 0, 0});
    for (const TaskAssignment& task : tasks_) {
      count(task.primary, true);
      for (const Seat& seat : task.backups) count(seat, false);
    }
  }

  std::optional<std::vector<TaskAssignment>> run() {
    for (std::uint32_t i = 0; i < tasks_.size(); ++i) remove_ended(TaskId{i}, tasks_[i]);
    for (std::uint32_t i = 0; i < tasks_.size(); ++i) fill(TaskId{i}, tasks_[i]);
    if (tasks_ == input_.assignment.tasks()) return std::nullopt;
    return std::move(tasks_);
  }

 private:
  struct Load {
    HostId host;
    std::uint32_t primaries;
    std::uint32_t seats;
  };

  void count(const Seat& seat, bool primary) {
    const auto found = loads_.find(seat.life);
    if (found == loads_.end()) return;
    ++found->second.seats;
    if (primary) ++found->second.primaries;
  }

  void remove_ended(TaskId id, TaskAssignment& task) {
    const auto ended = [&](const Seat& seat) { return input_.is_dead(seat.life) || input_.has_resigned(id, seat); };
    const auto leave = [&](const Seat& seat, bool primary) {
      const auto found = loads_.find(seat.life);
      if (found == loads_.end()) return;
      --found->second.seats;
      if (primary) --found->second.primaries;
    };
    if (!task.primary.is_empty() && ended(task.primary)) leave(std::exchange(task.primary, Seat{}), true);
    std::erase_if(task.backups, [&](const Seat& seat) {
      if (!ended(seat)) return false;
      leave(seat, false);
      return true;
    });
  }

  void fill(TaskId id, TaskAssignment& task) {
    if (task.primary.is_empty()) promote(task);
    if (!input_.may_start(id)) return;
    if (task.primary.is_empty()) {
      if (auto seat = new_seat(task)) {
        grant(task, *seat);
        count(*seat, true);
      }
    }
    while (task.backups.size() < input_.spec.backups[id.value]) {
      auto seat = new_seat(task);
      if (!seat.has_value()) return;
      task.backups.push_back(*seat);
      count(*seat, false);
    }
  }

  void promote(TaskAssignment& task) {
    const auto lives = [&](const Seat& seat) { return loads_.contains(seat.life); };
    auto chosen = std::find_if(task.backups.begin(), task.backups.end(), [&](const Seat& seat) {
      return lives(seat) && std::find(task.in_sync.begin(), task.in_sync.end(), seat) != task.in_sync.end();
    });
    if (chosen == task.backups.end() && task.in_sync.empty()) {
      chosen = std::find_if(task.backups.begin(), task.backups.end(), lives);
    }
    if (chosen == task.backups.end()) return;
    ++loads_.at(chosen->life).primaries;
    grant(task, *chosen);
    task.backups.erase(chosen);
  }

  static void grant(TaskAssignment& task, const Seat& seat) {
    task.primary = seat;
    task.term = task.term.next();
  }

  /// On a life that has no replica of the task; nothing where there is none.
  std::optional<Seat> new_seat(TaskAssignment& task) {
    const auto taken_by = [&](auto same) {
      return (!task.primary.is_empty() && same(task.primary)) ||
             std::any_of(task.backups.begin(), task.backups.end(), same);
    };
    std::optional<std::tuple<bool, std::uint32_t, std::uint32_t, LifeId>> best;
    const bool primary = task.primary.is_empty();
    for (const auto& entry : loads_) {
      const LifeId life = entry.first;
      const Load& load = entry.second;
      if (taken_by([&](const Seat& seat) { return seat.life == life; })) continue;
      const bool same_host = taken_by([&](const Seat& seat) {
        const auto found = loads_.find(seat.life);
        return found != loads_.end() && found->second.host == load.host;
      });
      const std::tuple key{same_host, primary ? load.primaries : load.seats, load.seats, life};
      if (!best.has_value() || key < *best) best = key;
    }
    if (!best.has_value()) return std::nullopt;
    const Seat seat{std::get<LifeId>(*best), task.next_counter};
    if (!mutated(Mutant::reuse_counter)) task.next_counter = task.next_counter.next();
    return seat;
  }

  const PlacementInput& input_;
  std::vector<TaskAssignment> tasks_;
  std::map<LifeId, Load> loads_;
};

}  // namespace

std::optional<std::vector<TaskAssignment>> place(const PlacementInput& input) {
  return Placer(input).run();
}

}  // namespace taskgraph::core
