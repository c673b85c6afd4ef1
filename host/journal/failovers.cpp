#include "host/journal/failovers.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "host/journal/json_line.hpp"

namespace taskgraph::journal {

std::string Cause::name() const {
  switch (kind) {
    case Kind::unknown:
      return "unknown";
    case Kind::signal:
      return fmt::format("signal {}", number);
    case Kind::exit:
      return fmt::format("exit {}", number);
    case Kind::stall:
      return "stall";
    case Kind::hook_limit:
      return "hook limit";
    case Kind::hook_threw:
      return "hook threw";
    case Kind::chaos:
      return "chaos";
    case Kind::resigned:
      return "resigned";
    case Kind::drain:
      return "drain";
  }
  return "unknown";
}

std::optional<core::Duration> Failover::took(Phase phase) const {
  const auto first = std::find_if(phases.begin(), phases.end(), [](const auto& one) { return one.has_value(); });
  const auto end = at(phase);
  if (!end.has_value()) return std::nullopt;
  return *end - **first;
}

Phase Failover::last() const {
  std::size_t last = kPhases - 1;
  while (last != 0 && !phases[last].has_value()) --last;
  return static_cast<Phase>(last);
}

// ---------------------------------------------------------------- ends

void Failovers::life_ended(core::LifeId life, Cause cause, core::Time died, core::Time detected) {
  lives_.emplace_back(life, End{std::move(cause), died, detected});
  if (lives_.size() > kEndsMax) lives_.pop_front();
}

void Failovers::resigned(core::TaskId task, const core::Seat& seat, Cause cause, core::Time detected) {
  auto& [counter, end] = replicas_[task];
  if (counter != seat.counter) end = {};
  counter = seat.counter;
  if (end.detected.has_value()) return;  // it is told again until a view has it
  end.detected = detected;
  end.cause = std::move(cause);
}

void Failovers::fill_end(const core::Seat& lost, core::TaskId task, Failover& failover) const {
  const auto fill = [&](const End& end) {
    failover.cause = end.cause;
    failover.phases[static_cast<std::size_t>(Phase::died)] = end.died;
    failover.phases[static_cast<std::size_t>(Phase::detected)] = end.detected;
  };
  const auto replica = replicas_.find(task);
  // A replica that failed before its worker did was lost by that.
  if (replica != replicas_.end() && replica->second.first == lost.counter) return fill(replica->second.second);
  const auto life =
      std::find_if(lives_.rbegin(), lives_.rend(), [&](const auto& one) { return one.first == lost.life; });
  if (life != lives_.rend()) fill(life->second);
}

// ---------------------------------------------------------------- grants and what follows

std::vector<Failover> Failovers::view(const core::Assignment& view, core::Time now, std::vector<Failover>& finished) {
  std::vector<Failover> granted;
  for (std::uint32_t i = 0; i < view.tasks().size(); ++i) {
    const core::TaskId task{i};
    const core::Seat& primary = view.task(task).primary;
    if (primary.is_empty() || primary == primaries_[i]) continue;
    const core::Seat lost = std::exchange(primaries_[i], primary);
    Failover failover{.task = task, .term = view.task(task).term, .primary = primary, .cause = {}};
    failover.phases[static_cast<std::size_t>(Phase::decided)] = now;
    if (failover.term > core::Term{1}) {
      fill_end(lost, task, failover);
      if (const auto before = open_.find(task); before != open_.end()) {
        count_finished(before->second);
        finished.push_back(std::move(before->second));
      }
      open_[task] = failover;
      ++count_;
      const std::string name = failover.cause.name();
      if (by_cause_.contains(name) || by_cause_.size() < kCausesMax) ++by_cause_[name];
      last_.push_back(failover);
      if (last_.size() > kLastMax) last_.pop_front();
      if (first_.size() < kFirstMax) first_.push_back(failover);
    }
    granted.push_back(std::move(failover));
  }
  return granted;
}

std::optional<Failover> Failovers::moment(const core::ReplicaMoment& moment) {
  using What = core::ReplicaMoment::What;
  if (moment.what == What::ended) {
    auto& [counter, end] = replicas_[moment.task];
    counter = moment.seat.counter;
    end = End{.cause = {}, .died = moment.at, .detected = {}};
    return std::nullopt;
  }
  const auto found = open_.find(moment.task);
  if (found == open_.end() || found->second.term != moment.term) return std::nullopt;  // a still newer term stands
  const Phase phase = moment.what == What::promoted ? Phase::promoted
                      : moment.what == What::sealed ? Phase::sealed
                                                    : Phase::served;
  auto& at = found->second.phases[static_cast<std::size_t>(phase)];
  if (!at.has_value()) at = moment.at;
  changed(found->second);
  if (phase != Phase::served) return std::nullopt;
  Failover finished = std::move(found->second);
  open_.erase(found);
  count_finished(finished);
  return finished;
}

void Failovers::changed(const Failover& failover) {
  const auto update = [&](auto& records) {
    for (Failover& record : records) {
      if (record.task == failover.task && record.term == failover.term) record = failover;
    }
  };
  update(last_);
  update(first_);
}

void Failovers::count_finished(const Failover& failover) {
  const core::Time end = *failover.at(failover.last());
  if (const auto died = failover.at(Phase::died)) since_died_.add(end - *died);
  if (const auto detected = failover.at(Phase::detected)) since_detected_.add(end - *detected);
}

std::vector<Failover> Failovers::finish() {
  std::vector<Failover> finished;
  for (auto& [task, failover] : open_) {
    count_finished(failover);
    finished.push_back(std::move(failover));
  }
  open_.clear();
  return finished;
}

// ---------------------------------------------------------------- JSON

void add_failover(JsonLine& line, const Failover& failover) {
  line.add("task", failover.task).add("term", failover.term);
  line.add("life", failover.primary.life).add("replica", failover.primary.counter);
  line.add("cause", failover.cause.name());
  if (!failover.cause.detail.empty()) line.add("detail", failover.cause.detail);
  if (failover.cause.worker.has_value()) line.add("lost_worker", std::uint64_t{*failover.cause.worker});
  line.begin("phases_us");
  for (std::size_t i = 0; i < kPhases; ++i) {
    const auto took = failover.took(static_cast<Phase>(i));
    if (took.has_value()) {
      line.add_signed(kPhaseNames[i], took->ns / 1'000);
    } else {
      line.add_null(kPhaseNames[i]);
    }
  }
  line.end();
}

std::string to_json(const std::deque<Failover>& failovers) {
  std::string json = "[";
  for (const Failover& failover : failovers) {
    JsonLine line;
    add_failover(line, failover);
    if (json.size() > 1) json += ',';
    json += line.take();
  }
  return json + "]";
}

}  // namespace taskgraph::journal
