#include "host/core/worker.hpp"

#include <algorithm>
#include <utility>

#include "host/core/mutant.hpp"

namespace taskgraph::core {
namespace {

/// The seat of `task` in `life`, if the view has one.
const Seat* seat_in(const TaskAssignment& task, LifeId life) {
  if (task.primary.life == life) return &task.primary;
  for (const Seat& seat : task.backups) {
    if (seat.life == life) return &seat;
  }
  return nullptr;
}

}  // namespace

void Worker::handle(WorkerEvent event, Time now, WorkerEffects& out) {
  std::visit([&](auto& one) { on(one, now, out); }, event);
}

ViewVersion Worker::applied() const {
  return view_ != nullptr && acknowledged_ ? view_->version() : ViewVersion{};
}

void Worker::on(event::ViewPushed& pushed, Time now, WorkerEffects& out) {
  const View& newest = waiting_ != nullptr ? waiting_ : view_;
  if (newest != nullptr && pushed.view->version() <= newest->version()) return;
  waiting_ = std::move(pushed.view);
  try_apply(now, out);
}

void Worker::on(event::EpochPushed& pushed, Time now, WorkerEffects& out) {
  if (epoch_.has_value() && pushed.epoch <= *epoch_) return;
  epoch_ = pushed.epoch;
  flags_.clear();  // flags end with their epoch
  late_.clear();
  late_again_at_ = Time::never();
  for (const auto& [task, running] : replicas_) out.push_back(effect::ToReplica{task, event::EpochLearned{*epoch_}});
  try_apply(now, out);
}

/// A replica enters an epoch with its first role, so that no view is applied before the epoch is known.
void Worker::try_apply(Time now, WorkerEffects& out) {
  if (waiting_ == nullptr || !epoch_.has_value()) return;
  const View before = std::exchange(view_, std::exchange(waiting_, nullptr));
  const auto changed = std::make_shared<const std::vector<TaskId>>(changed_tasks(before.get(), *view_));
  acknowledged_ = false;
  for (const TaskId task : *changed) {
    const Term old = before == nullptr ? Term{} : before->task(task).term;
    const Term term = view_->task(task).term;
    if (term != old && term > Term{1}) granted_.push_back(task);
  }
  lagging_ = replicas_.size();
  if (mutated(Mutant::acknowledge_before_apply)) acknowledge_all(out);
  for (const auto& [task, running] : replicas_)
    out.push_back(effect::ToReplica{task, event::ApplyView{view_, changed}});
  for (const TaskId task : *changed) {
    const Seat* seat = seat_in(view_->task(task), life_);
    if (seat == nullptr || stopping_ || replicas_.contains(task)) continue;
    ReplicaCounter& newest = newest_[task];
    if (seat->counter <= newest && !mutated(Mutant::reuse_counter)) continue;  // it has ended here, the view lags
    newest = seat->counter;
    replicas_.emplace(task, Running{*seat, {}});
    ++lagging_;
    out.push_back(effect::CreateReplica{task, *seat, view_, *epoch_});
  }
  std::erase_if(resignations_, [&](const Resignation& r) { return !view_->task(r.task).names(r.seat); });
  if (resignations_.empty()) resign_again_at_ = Time::never();
  if (lagging_ == 0) return acknowledge_all(out);
  acknowledge_at_ = std::min(acknowledge_at_, now + kAcknowledgeAfter);
}

void Worker::on(event::ReplicaApplied& applied, Time now, WorkerEffects& out) {
  const auto found = replicas_.find(applied.task);
  if (found == replicas_.end() || found->second.seat != applied.seat) return;
  std::vector<TaskId> late;  // whose grants have been acknowledged without these flags
  for (StoredFlag& flag : applied.applied.flags) {
    if (flag.epoch != epoch_) continue;
    // Also when it is an older view that granted it: the newest is still to be acknowledged then.
    const bool is_late = std::find(granted_.begin(), granted_.end(), flag.sender) == granted_.end();
    if (is_late && std::find(late.begin(), late.end(), flag.sender) == late.end()) late.push_back(flag.sender);
    flags_.push_back(std::move(flag));
  }
  for (const TaskId task : late) {
    acknowledge(task, out);
    if (std::find(late_.begin(), late_.end(), task) == late_.end()) late_.push_back(task);
  }
  if (!late.empty()) late_again_at_ = std::min(late_again_at_, now + kLateAgainAfter);
  Running& running = found->second;
  const bool lagged = running.applied < view_->version();
  running.applied = std::max(running.applied, applied.applied.version);
  if (lagged && running.applied >= view_->version() && --lagging_ == 0) acknowledge_all(out);
}

void Worker::acknowledge_all(WorkerEffects& out) {
  acknowledged_ = true;
  acknowledge_at_ = Time::never();
  std::sort(granted_.begin(), granted_.end());
  granted_.erase(std::unique(granted_.begin(), granted_.end()), granted_.end());
  for (const TaskId task : std::exchange(granted_, {})) acknowledge(task, out);
}

void Worker::acknowledge(TaskId task, WorkerEffects& out) {
  const TaskAssignment& entry = view_->task(task);
  if (entry.primary.is_empty()) return;
  SealAck ack{task, entry.term, life_, {}};
  for (const StoredFlag& flag : flags_) {
    if (flag.sender == task) ack.flags.push_back(flag);
  }
  out.push_back(effect::SendSealAck{entry.primary.life, std::move(ack)});
}

void Worker::on(event::SealAsked& asked, Time, WorkerEffects& out) {
  if (!acknowledged_ || view_->version() < asked.ask.version) return;  // it will ask again
  if (view_->task(asked.ask.task).term == asked.ask.term) acknowledge(asked.ask.task, out);
}

void Worker::on(event::ReplicaEnded& ended, Time now, WorkerEffects& out) {
  const auto found = replicas_.find(ended.task);
  if (found == replicas_.end() || found->second.seat != ended.seat) return;
  const bool lagged = found->second.applied < view_->version();
  replicas_.erase(found);
  if (stopping_) {
    if (replicas_.empty()) out.push_back(effect::AllStopped{});
    return;
  }
  if (view_->task(ended.task).names(ended.seat)) {
    resignations_.push_back(Resignation{ended.task, ended.seat, ended.blame, std::move(ended.reason)});
    out.push_back(effect::Resign{resignations_.back()});
    resign_again_at_ = std::min(resign_again_at_, now + kResignAgainAfter);
  } else if (const Seat* seat = seat_in(view_->task(ended.task), life_);
             seat != nullptr && seat->counter > newest_[ended.task]) {
    // The view replaced this replica by a new one in the same life: there was no room for both at once.
    newest_[ended.task] = seat->counter;
    replicas_.emplace(ended.task, Running{*seat, {}});
    if (!lagged) ++lagging_;
    out.push_back(effect::CreateReplica{ended.task, *seat, view_, *epoch_});
    return;
  }
  if (lagged && --lagging_ == 0) acknowledge_all(out);
}

void Worker::on(event::OutsideAsked& asked, Time, WorkerEffects& out) {
  const TaskId task = asked.request.task;
  if (!replicas_.contains(task)) {
    out.push_back(effect::ReplyOutside{OutsideReply::not_here(asked.request)});
    return;
  }
  out.push_back(effect::ToReplica{task, event::OutsideArrived{std::move(asked.request)}});
}

void Worker::on(event::OutsideGivenUp& given_up, Time, WorkerEffects& out) {
  const TaskId task = given_up.end.task;
  if (replicas_.contains(task)) out.push_back(effect::ToReplica{task, event::OutsideEnded{given_up.end}});
}

void Worker::on(event::StopAll& stop, Time, WorkerEffects& out) {
  if (stopping_) return;
  stopping_ = true;
  for (const auto& [task, running] : replicas_) out.push_back(effect::ToReplica{task, event::Stop{stop.reason}});
  if (replicas_.empty()) out.push_back(effect::AllStopped{});
}

void Worker::on(event::Tick&, Time now, WorkerEffects& out) {
  if (now >= acknowledge_at_) acknowledge_all(out);
  if (now >= late_again_at_) {
    for (const TaskId task : late_) acknowledge(task, out);
    late_again_at_ = now + kLateAgainAfter;
  }
  if (now < resign_again_at_) return;
  for (const Resignation& resignation : resignations_) out.push_back(effect::Resign{resignation});
  resign_again_at_ = now + kResignAgainAfter;
}

}  // namespace taskgraph::core
