/// The replica's dealings with the primaries of other tasks: who they are, what comes from them and what goes to them.
#include <algorithm>
#include <utility>

#include "host/core/assert.hpp"
#include "host/core/mutant.hpp"
#include "host/core/replica.hpp"

namespace taskgraph::core {

// ---------------------------------------------------------------- neighbours

void Replica::find_neighbours() {
  const auto& links = spec_.topology->links();
  neighbours_.resize(std::max<std::size_t>(links.size(), 1));
  for (std::size_t i = 0; i < links.size(); ++i) {
    neighbours_[i].clear();
    links[i].shape->neighbours(identity_.task, epoch(), neighbours_[i]);
  }
}

bool Replica::is_neighbour(TaskId task) const {
  return std::any_of(neighbours_.begin(), neighbours_.end(),
                     [&](const auto& ids) { return std::binary_search(ids.begin(), ids.end(), task); });
}

void Replica::task_changed(TaskId task, const TaskAssignment& before, const TaskAssignment& after,
                           ReplicaEffects& out) {
  if (task == identity_.task) return;
  const bool was_up = !before.primary.is_empty();
  const bool is_up = !after.primary.is_empty();
  const bool replaced = before.term != after.term;
  if (was_up && (!is_up || replaced)) {
    forget_peer(task);
    if (!mutated(Mutant::restarted_before_failed)) tell_failed(task, out);
  }
  if (is_up && (!was_up || replaced)) {
    tell_restarted(task, out);
    if (mutated(Mutant::restarted_before_failed) && was_up) tell_failed(task, out);
    repeat_to(task);
  }
}

void Replica::tell_failed(TaskId task, ReplicaEffects& out) {
  const auto place = std::lower_bound(failed_told_.begin(), failed_told_.end(), task);
  if ((place != failed_told_.end() && *place == task) || !is_neighbour(task)) return;
  failed_told_.insert(place, task);
  tell(task, NeighbourChange::failed, out);
}

void Replica::tell_restarted(TaskId task, ReplicaEffects& out) {
  const auto place = std::lower_bound(failed_told_.begin(), failed_told_.end(), task);
  const bool told = place != failed_told_.end() && *place == task;
  if (!told && !mutated(Mutant::restarted_before_failed)) return;  // a first start is no restart
  if (!is_neighbour(task)) return;  // it hears of it when an epoch makes them neighbours again
  if (told) failed_told_.erase(place);
  tell(task, NeighbourChange::restarted, out);
}

void Replica::tell(TaskId task, NeighbourChange change, ReplicaEffects& out) {
  for (std::size_t i = 0; i < neighbours_.size(); ++i) {
    if (!std::binary_search(neighbours_[i].begin(), neighbours_[i].end(), task)) continue;
    out.push_back(effect::NeighbourChanged{task, LinkIndex{static_cast<std::uint16_t>(i)}, change});
  }
}

/// Flags and open pulls go again to the task's new primary, in that order.
void Replica::repeat_to(TaskId restarted) {
  const auto push = [&](FrameBody body) {
    Peer& to = *peer(restarted);  // it has a primary: it has just got one
    to.channel.push(std::move(body), epoch());
    mark_dirty(to);
  };
  if (!mutated(Mutant::lose_flag_on_restart)) {
    for (const Flag& flag : flags_.raised()) {
      const auto& ids = neighbours_[flag.link.value];
      if (std::binary_search(ids.begin(), ids.end(), restarted)) push(flag);
    }
  }
  for (PullRequest& request : pulls_.open_to(restarted)) push(std::move(request));
}

// ---------------------------------------------------------------- peers

Replica::Peer* Replica::peer(TaskId task) {
  const auto place = std::lower_bound(peers_.begin(), peers_.end(), task,
                                      [](const auto& known, TaskId wanted) { return known->task < wanted; });
  if (place != peers_.end() && (*place)->task == task) return place->get();
  const TaskAssignment& entry = view_->task(task);
  if (entry.primary.is_empty()) return nullptr;
  auto made = std::make_unique<Peer>(Peer{task, entry.term, entry.primary.life, false, Channel(spec_.limits)});
  return peers_.insert(place, std::move(made))->get();
}

void Replica::forget_peer(TaskId task) {
  const auto found = std::find_if(peers_.begin(), peers_.end(), [&](const auto& peer) { return peer->task == task; });
  if (found == peers_.end()) return;
  dirty_.erase(std::remove(dirty_.begin(), dirty_.end(), found->get()), dirty_.end());
  peers_.erase(found);
}

void Replica::mark_dirty(Peer& peer) {
  if (peer.dirty) return;
  peer.dirty = true;
  dirty_.push_back(&peer);
}

// ---------------------------------------------------------------- frames in

bool Replica::accepts(const Stamp& stamp, Time now) {
  const auto drop = [](std::uint32_t& counter) {
    ++counter;
    return false;
  };
  if (stamp.job != identity_.job && !mutated(Mutant::accept_foreign_job)) return drop(counters_.foreign_job);  // S4
  if (!spec_.topology->contains(stamp.from) || stamp.to != identity_.task) return drop(counters_.misaddressed);
  const bool addressed = role_ == Role::primary && stamp.to_term == term_;
  if (!addressed && !(mutated(Mutant::skip_address_check) && role_ == Role::primary))
    return drop(counters_.misaddressed);
  if (!lease_.holds(now)) return drop(counters_.no_lease);
  if (mutated(Mutant::skip_term_check)) return true;
  const Term known = view_->task(stamp.from).term;
  if (stamp.from_term < known) return drop(counters_.stale_term);  // S2
  if (stamp.from_term > known) return drop(counters_.ahead_of_view);
  return true;
}

void Replica::on(event::FrameArrived& arrived, Time now, ReplicaEffects& out) {
  if (!accepts(arrived.frame.stamp, now)) return;
  Peer* from = peer(arrived.frame.stamp.from);
  if (from == nullptr) {  // its primary is gone already, by the view that this replica applied
    ++counters_.stale_term;
    return;
  }
  ++counters_.accepted;
  from->channel.acknowledged(arrived.frame.stamp.acknowledged, now);
  if (from->channel.has_unsent()) mark_dirty(*from);
  if (arrived.frame.stamp.sequence == 0) return;
  mark_dirty(*from);
  switch (from->channel.receive(std::move(arrived.frame))) {
    case Channel::Received::in_order:
      drain(*from, now, out);
      return;
    case Channel::Received::held:
      ++counters_.held;
      return;
    case Channel::Received::duplicate:
      ++counters_.duplicates;
      return;
    case Channel::Received::over_limit:
      ++counters_.over_limit;
      return;
  }
}

void Replica::drain(Peer& from, Time now, ReplicaEffects& out) {
  while (std::optional<Frame> frame = from.channel.next(epoch())) {
    mark_dirty(from);
    const Stamp& stamp = frame->stamp;
    if (auto* flag = std::get_if<Flag>(&frame->body)) {
      deliver(from, stamp, std::move(*flag), out);
    } else if (auto* request = std::get_if<PullRequest>(&frame->body)) {
      deliver(from, stamp, std::move(*request), out);
    } else if (auto* reply = std::get_if<PullAnswer>(&frame->body)) {
      deliver(from, std::move(*reply), now, out);
    }
  }
}

void Replica::deliver(Peer& from, const Stamp& stamp, Flag flag, ReplicaEffects& out) {
  if (stamp.epoch < epoch() && !mutated(Mutant::ignore_epoch)) {
    ++counters_.epoch_passed;
    return;
  }
  if (flag.link.value >= spec_.topology->links().size()) {
    ++counters_.misaddressed;
    return;
  }
  const LinkIndex own = spec_.topology->link(flag.link).inverse;
  const Flags::Kept kept = flags_.store(from.task, flag);
  if (kept == Flags::Kept::over_limit) {
    ++counters_.over_limit;
    return;
  }
  if (kept == Flags::Kept::known && !mutated(Mutant::skip_deduplication)) {
    ++counters_.duplicates;  // announced again by a later primary of the sender
    return;
  }
  out.push_back(effect::DeliverFlag{from.task, own, std::move(flag.meta)});
}

void Replica::deliver(Peer& from, const Stamp& stamp, PullRequest request, ReplicaEffects& out) {
  if (stamp.epoch < epoch() && !mutated(Mutant::ignore_epoch)) {
    ++counters_.epoch_passed;
    return answer(from, stamp.epoch, {request.pull, Outcome::epoch_passed, 0, {}});
  }
  if (serves_.size() >= spec_.limits.serves_open) {
    return answer(from, stamp.epoch,
                  {request.pull, Outcome::error, code::kBusy, Bytes("limits.serves_open is reached")});
  }
  const std::uint64_t serve = serves_.open(Serves::OfTask{from.task, from.term, request.pull, stamp.epoch});
  out.push_back(effect::Serve{serve, from.task, std::move(request.method), std::move(request.body)});
}

void Replica::deliver(Peer& from, PullAnswer answer, Time now, ReplicaEffects& out) {
  if (auto ended = pulls_.answered(from.task, std::move(answer), now)) {
    ++counters_.pulls;
    out.push_back(*std::move(ended));
  } else {
    ++counters_.late_answers;
  }
}

// ---------------------------------------------------------------- frames out

void Replica::answer(const Serves::OfTask& serve, event::Reply& reply) {
  Peer* const to = peer(serve.requester);
  if (to == nullptr || to->term != serve.requester_term) {
    ++counters_.late_replies;  // the requester is gone
    return;
  }
  answer(*to, serve.epoch, {serve.pull, reply.outcome, reply.code, std::move(reply.body)});
}

void Replica::answer(Peer& to, Epoch epoch, PullAnswer answer) {
  to.channel.push(std::move(answer), epoch);
  mark_dirty(to);
}

/// Who acknowledged a seal may be in a later epoch than the new primary: those flags wait until it gets there (S6), but
/// for those of an epoch that, as a still later one shows, has passed for the whole job.
void Replica::adopt(const StoredFlag& stored) {
  if (stored.epoch < epoch()) return;
  const bool early = stored.epoch > epoch();
  if (early && stored.epoch > early_epoch_) {
    early_epoch_ = stored.epoch;
    early_flags_.clear();
  }
  if (early && stored.epoch < early_epoch_) return;
  const Flags::Kept kept = (early ? early_flags_ : flags_).adopt(stored.flag);
  if (kept == Flags::Kept::over_limit) ++counters_.over_limit;
  if (kept == Flags::Kept::added && !early) announce(stored.flag);
}

void Replica::adopt_early() {
  if (early_epoch_ > epoch()) return;
  if (early_epoch_ == epoch()) {
    for (const Flag& flag : early_flags_.raised()) {
      flags_.adopt(flag);  // always a new one, and within the limits: the epoch has only begun
      announce(flag);
    }
  }
  early_flags_.clear();
}

void Replica::announce(const Flag& flag) {
  for (const TaskId neighbour : neighbours_[flag.link.value]) {
    if (Peer* to = peer(neighbour)) {
      to->channel.push(flag, epoch());
      mark_dirty(*to);
    }
  }
}

}  // namespace taskgraph::core
