#include "host/core/replica.hpp"

#include <algorithm>
#include <utility>

#include "host/core/assert.hpp"
#include "host/core/mutant.hpp"

namespace taskgraph::core {

Replica::Replica(Identity identity, const JobSpec& spec, const Lease& lease)
    : identity_(identity),
      spec_(spec),
      lease_(lease),
      flags_(spec.limits.flags_per_epoch),
      early_flags_(spec.limits.flags_per_epoch),
      pulls_(identity.task) {}

void Replica::handle(ReplicaEvent&& event, Time now, ReplicaEffects& out) {
  if (ended_) return;  // S10, S11: nothing after the end
  std::visit([&](auto& one) { on(one, now, out); }, event);
  if (ended_) return;
  flush(now, out);
  if (outside_.has_unsent()) wake_at(now + kOutsideTryAfter);
}

std::size_t Replica::frames_held() const {
  std::size_t held = 0;
  for (const auto& peer : peers_) held += peer->channel.held();
  return held;
}

std::size_t Replica::frames_kept() const {
  std::size_t kept = 0;
  for (const auto& peer : peers_) kept += peer->channel.kept();
  return kept;
}

// ---------------------------------------------------------------- from the worker

void Replica::on(event::ApplyView& applied, Time now, ReplicaEffects& out) {
  const View before = std::exchange(view_, applied.view);
  const TaskAssignment& own = view_->task(identity_.task);
  if (!own.names(identity_.seat)) return exit(ExitReason::replaced, out);
  if (own.primary == identity_.seat) {
    if (role_ != Role::primary) become_primary(own.term, now, out);
  } else if (role_ == Role::none) {
    become_backup(out);
  }
  effect::ViewApplied report{view_->version(), {}};
  if (before != nullptr && role_ == Role::primary) {
    TG_ASSERT(applied.changed != nullptr);
    for (const TaskId task : *applied.changed) {
      const TaskAssignment& old = before->task(task);
      const TaskAssignment& entry = view_->task(task);
      if (old.term != entry.term) flags_.stored_from(task, epoch(), report.flags);
      task_changed(task, old, entry, out);
    }
  }
  out.push_back(std::move(report));
}

void Replica::on(event::EpochLearned& learned, Time now, ReplicaEffects& out) {
  if (epoch_.has_value() && learned.epoch <= *epoch_) return;  // S5: late and repeated news
  if (role_ == Role::primary) {
    enter_epoch(learned.epoch, now, out);
  } else {
    epoch_ = learned.epoch;
  }
}

void Replica::on(event::SealAcknowledged& acknowledged, Time, ReplicaEffects&) {
  if (role_ != Role::primary || acknowledged.term != term_) return;
  seal_.acknowledged(acknowledged.life, acknowledged.term);
  if (mutated(Mutant::forget_adopted_flags)) return;
  for (const StoredFlag& stored : acknowledged.flags) adopt(stored);
}

void Replica::on(event::Stop& stop, Time, ReplicaEffects& out) {
  exit(stop.reason, out);
}

void Replica::on(event::Tick&, Time now, ReplicaEffects& out) {
  pulls_.expire(now, out);
  expire_outside(now);
  if (role_ == Role::primary && now >= seal_.ask_at()) {
    out.push_back(effect::AskSeal{view_->version(), term_, seal_.missing(*view_)});
    seal_.asked(now);
  }
  if (may_act(now)) {
    for (const auto& peer : peers_) flush(*peer, true, now, out);
    if (now >= ask_again_at_) ask_controller(now, out);
  }
  acknowledge_at_ = Time::never();
  recompute_wakeup(now);
}

// ---------------------------------------------------------------- from the task

void Replica::on(event::RaiseFlag& raise, Time, ReplicaEffects&) {
  if (role_ != Role::primary || raise.epoch != epoch()) return;
  const Flag* flag = flags_.raise(term_, raise.link, std::move(raise.meta));
  if (flag == nullptr) {  // the task was told that there is room, and asked for others meanwhile
    ++counters_.over_limit;
    return;
  }
  announce(*flag);
}

void Replica::on(event::StartPull& start, Time now, ReplicaEffects& out) {
  TG_ASSERT(role_ == Role::primary && spec_.topology->contains(start.to));
  const auto refuse = [&](Outcome outcome, std::int32_t why) {
    out.push_back(effect::PullEnded{start.token, outcome, why, {}});
  };
  if (start.epoch != epoch()) return refuse(Outcome::epoch_passed, 0);
  const bool too_large = start.body.size() > spec_.limits.message_bytes || start.method.size() > kMethodBytesMax;
  if (too_large) return refuse(Outcome::error, code::kTooLarge);
  Peer* to = peer(start.to);
  const bool full = to != nullptr && !to->channel.has_room(start.method.size() + start.body.size());
  if (full || pulls_.size() >= spec_.limits.pulls_open) return refuse(Outcome::error, code::kBusy);

  PullRequest request = pulls_.start(
      {start.token, start.to, epoch(), now, now + start.deadline, std::move(start.method), std::move(start.body), 0});
  wake_at(pulls_.next_deadline());
  if (to == nullptr) return;  // sent when the task has a primary
  to->channel.push(std::move(request), epoch());
  mark_dirty(*to);
}

void Replica::on(event::CancelPull& cancel, Time, ReplicaEffects& out) {
  if (auto ended = pulls_.cancel(cancel.token)) out.push_back(*std::move(ended));
}

void Replica::on(event::Reply& reply, Time, ReplicaEffects&) {
  const std::optional<Serves::Open> serve = serves_.close(reply.serve);
  if (!serve.has_value()) {
    ++counters_.late_replies;  // the requester, the epoch or the pull is gone
    return;
  }
  if (reply.body.size() > spec_.limits.message_bytes) {
    reply = {reply.serve, Outcome::error, code::kAnswerTooLarge, Bytes("the answer is too large")};
  }
  std::visit([&](const auto& whose) { answer(whose, reply); }, *serve);
}

void Replica::on(event::AdvanceEpoch& advance, Time now, ReplicaEffects& out) {
  if (role_ != Role::primary || advance.from != epoch()) return;
  asked_advance_ = effect::AskAdvance{term_, advance.from};
  ask_controller(now, out);
}

void Replica::on(event::FinishJob& finish, Time now, ReplicaEffects& out) {
  if (role_ != Role::primary || finish.epoch != epoch() || asked_finish_.has_value()) return;
  asked_finish_ = effect::AskFinish{term_, finish.epoch, finish.status, std::move(finish.result)};
  ask_controller(now, out);
}

void Replica::on(event::Fail& fail, Time, ReplicaEffects& out) {
  ended_ = true;
  out.push_back(effect::Failed{fail.blame, std::move(fail.reason)});
}

// ---------------------------------------------------------------- roles, epochs, end

void Replica::become_primary(Term term, Time now, ReplicaEffects& out) {
  TG_ASSERT(term > term_);  // S1: a term is granted once
  TG_ASSERT(epoch_.has_value());
  role_ = Role::primary;
  term_ = term;
  seal_.begin(term, now);  // nothing leaves before it is closed
  wake_at(seal_.ask_at());
  out.push_back(effect::BecamePrimary{term, Origin::fresh});
  enter_epoch(*epoch_, now, out);
}

void Replica::become_backup(ReplicaEffects& out) {
  role_ = Role::backup;
  out.push_back(effect::BecameBackup{});
}

void Replica::enter_epoch(Epoch epoch, Time now, ReplicaEffects& out) {
  const bool first = neighbours_.empty();
  pulls_.leave_epoch(epoch, out);
  for (const Serves::OfTask& serve : serves_.leave_epoch(epoch)) {
    Peer* to = peer(serve.requester);
    if (to != nullptr && to->term == serve.requester_term) {
      answer(*to, serve.epoch, {serve.pull, Outcome::epoch_passed, 0, {}});
    }
  }
  flags_.clear();
  for (const auto& peer : peers_) peer->channel.leave_epochs_before(epoch);
  asked_advance_.reset();
  asked_finish_.reset();
  ask_again_at_ = Time::never();
  epoch_ = epoch;
  const auto& links = spec_.topology->links();
  const auto differs = [](const Link& link) { return link.shape->differs_per_epoch(); };
  if (first || std::any_of(links.begin(), links.end(), differs)) find_neighbours();
  adopt_early();
  out.push_back(effect::EnterEpoch{epoch});
  for (const auto& ids : neighbours_) {
    for (const TaskId id : ids) {
      const TaskAssignment& entry = view_->task(id);
      if (entry.primary.is_empty() && entry.term > Term{}) tell_failed(id, out);
    }
  }
  for (const TaskId id : std::vector<TaskId>(failed_told_)) {
    if (!view_->task(id).primary.is_empty()) tell_restarted(id, out);
  }
  for (const auto& peer : peers_) drain(*peer, now, out);
}

void Replica::exit(ExitReason reason, ReplicaEffects& out) {
  ended_ = true;
  out.push_back(effect::Exit{reason});
}

void Replica::ask_controller(Time now, ReplicaEffects& out) {
  if (!asked_advance_.has_value() && !asked_finish_.has_value()) return;
  ask_again_at_ = now + kAskAgainAfter;  // it, or its answer, may get lost
  wake_at(ask_again_at_);
  if (!may_act(now)) return;
  if (asked_advance_.has_value()) out.push_back(*asked_advance_);
  if (asked_finish_.has_value()) out.push_back(*asked_finish_);
}

// ---------------------------------------------------------------- after each event

void Replica::flush(Time now, ReplicaEffects& out) {
  if (role_ != Role::primary || !lease_.holds(now)) return;
  if (seal_.try_close(*view_)) ask_controller(now, out);
  if (!seal_.is_closed()) return;  // what waits is sent when the last acknowledgement is in
  for (OutsideReply& reply : outside_.take_unsent()) out.push_back(effect::ReplyOutside{std::move(reply)});
  for (Peer* peer : dirty_) {
    peer->dirty = false;
    flush(*peer, false, now, out);
  }
  dirty_.clear();
}

void Replica::flush(Peer& peer, bool resend, Time now, ReplicaEffects& out) {
  Channel& channel = peer.channel;
  outgoing_.clear();
  if (resend) {
    channel.retransmit(stamp_to(peer), now, outgoing_);
    counters_.resent += static_cast<std::uint32_t>(outgoing_.size());
  }
  channel.transmit(stamp_to(peer), now, outgoing_);
  wake_at(channel.resend_at());
  const std::uint64_t due = channel.acknowledgements_due();
  if (outgoing_.empty() && due != 0) {
    if (resend || due >= kAcknowledgeFrames) {
      outgoing_.push_back(Frame{stamp_to(peer), Acknowledgement{}});
      outgoing_.back().stamp.epoch = epoch();
    } else if (acknowledge_at_ == Time::never()) {
      acknowledge_at_ = now + kAcknowledgeAfter;  // most often an answer carries it before
      wake_at(acknowledge_at_);
    }
  }
  if (outgoing_.empty()) return;
  channel.acknowledgement_sent();
  for (Frame& frame : outgoing_) out.push_back(effect::Send{peer.life, std::move(frame)});
}

Stamp Replica::stamp_to(const Peer& peer) const {
  Stamp stamp;
  stamp.job = identity_.job;
  stamp.from = identity_.task;
  stamp.from_term = term_;
  stamp.to = peer.task;
  stamp.to_term = peer.term;
  stamp.acknowledged = peer.channel.consumed();
  return stamp;
}

void Replica::recompute_wakeup(Time now) {
  wakeup_ = std::min({pulls_.next_deadline(), acknowledge_at_, ask_again_at_, outside_.next_expiry()});
  if (role_ == Role::primary) wake_at(seal_.ask_at());
  for (const auto& peer : peers_) wake_at(peer->channel.resend_at());
  wakeup_ = std::max(wakeup_, now + milliseconds(1));  // what cannot be done now is not asked for in a loop
}

}  // namespace taskgraph::core
