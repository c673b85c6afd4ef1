/// The adapter between the machines of the core and the simulated world: one event in, its effects performed.
#include <algorithm>
#include <utility>

#include "host/core/mutant.hpp"
#include "tests/sim/cluster.hpp"

namespace taskgraph::sim {

using namespace core;

namespace {

bool is_hook(const ReplicaEffect& effect) {
  return std::visit(
      [](const auto& one) {
        using T = std::decay_t<decltype(one)>;
        return std::is_same_v<T, effect::BecamePrimary> || std::is_same_v<T, effect::BecameBackup> ||
               std::is_same_v<T, effect::EnterEpoch> || std::is_same_v<T, effect::DeliverFlag> ||
               std::is_same_v<T, effect::Serve> || std::is_same_v<T, effect::PullEnded> ||
               std::is_same_v<T, effect::NeighbourChanged> || std::is_same_v<T, effect::Exit>;
      },
      effect);
}

}  // namespace

// ---------------------------------------------------------------- replicas

void Cluster::happen(ToReplica& e) {
  SimReplica* replica = replicas_[e.replica].get();
  if (replica != nullptr) move(*replica, std::move(e.event));
}

void Cluster::happen(ViewLatched& e) {
  SimReplica* replica = replicas_[e.replica].get();
  if (replica == nullptr) return;
  drain_commands(*replica);
  if (replica->ended) remove(*replica);
}

void Cluster::move(SimReplica& replica, ReplicaEvent event) {
  drain_commands(replica);  // of a latched view: its hooks ask in the epoch before this event
  if (!replica.ended) one_event(replica, std::move(event));
  drain_commands(replica);
  if (replica.ended) remove(replica);
}

void Cluster::apply_latched(SimReplica& replica) {
  if (!replica.started || replica.ended) return;
  if (auto view = replica.views.take()) one_event(replica, *std::move(view));
}

void Cluster::one_event(SimReplica& replica, ReplicaEvent event) {
  replica.started = replica.started || std::holds_alternative<event::ApplyView>(event);
  const auto* frame = std::get_if<event::FrameArrived>(&event);
  std::optional<Stamp> stamp;
  if (frame != nullptr) stamp = frame->frame.stamp;
  const ReplicaCounters before = replica.core.counters();
  replica_effects_.clear();
  replica.core.handle(std::move(event), now_, replica_effects_);
  const ReplicaCounters& after = replica.core.counters();
  const bool refused = after.foreign_job != before.foreign_job || after.misaddressed != before.misaddressed ||
                       after.stale_term != before.stale_term || after.ahead_of_view != before.ahead_of_view ||
                       after.no_lease != before.no_lease;
  if (stamp.has_value() && !refused) invariants_.accepted(replica.index, replica.core, *stamp);
  if (watch_) watch_drops(replica, before);
  for (ReplicaEffect& effect : replica_effects_) {
    trace_.add(fingerprint(effect));
    if (trace_.prints()) {
      const Replica::Identity& who = replica.core.identity();
      trace_.line(now_, "task " + std::to_string(who.task.value) + " (replica " + std::to_string(replica.index) +
                            "): " + describe(effect, *scenario_.spec.topology));
    }
    invariants_.performed(replica.index, effect);
    perform(replica, effect);
  }
  invariants_.after_event(replica.index, replica.core);
}

void Cluster::drain_commands(SimReplica& replica) {
  apply_latched(replica);
  // What hooks ask for while commands are handled comes behind them.
  for (std::size_t i = 0; i < commands_.size() && !replica.ended; ++i) {
    ReplicaEvent command = std::move(commands_[i]);
    one_event(replica, std::move(command));
  }
  commands_.clear();
  take_app_timers(replica);
  if (replica.ended) return;
  const Time wanted = replica.core.wakeup();
  if (wanted >= replica.tick_at) return;
  replica.tick_at = std::max(wanted, now_);
  schedule(replica.tick_at, ReplicaTick{replica.index});
}

void Cluster::take_app_timers(SimReplica& replica) {
  for (const auto& [delay, timer] : app_timers_) schedule(now_ + delay, TaskTimer{replica.index, timer});
  app_timers_.clear();
}

AppContext Cluster::context(SimReplica& replica) {
  const TaskId task = replica.core.identity().task;
  return AppContext{replica.core,
                    task,
                    scenario_.spec.topology->task_count(),
                    scenario_.spec.topology->links().size(),
                    scenario_.last_epoch,
                    calm_,
                    storm_ && !scenario_.ends_in_storm,
                    scenario_.spec.limits.message_bytes,
                    scenario_.large_bodies,
                    random_,
                    invariants_,
                    replica.index,
                    now_,
                    commands_,
                    app_timers_};
}

void Cluster::run_hook(SimReplica& replica, const ReplicaEffect& effect) {
  if (watch_) return watch(replica, effect);
  AppContext hook = context(replica);
  replica.application.hook(effect, hook);
}

void Cluster::run_app_timer(SimReplica& replica, const AppTimer& timer) {
  AppContext hook = context(replica);
  replica.application.timer(timer, hook);
}

void Cluster::watch(const SimReplica& replica, const ReplicaEffect& effect) const {
  watch_(replica.core.identity().task, describe(effect, *scenario_.spec.topology));
}

void Cluster::watch_drops(const SimReplica& replica, const ReplicaCounters& before) const {
  const ReplicaCounters& after = replica.core.counters();
  const auto tell = [&](std::uint32_t old_count, std::uint32_t new_count, const char* what) {
    if (new_count != old_count) watch_(replica.core.identity().task, std::string("drops ") + what);
  };
  tell(before.foreign_job, after.foreign_job, "foreign_job");
  tell(before.misaddressed, after.misaddressed, "misaddressed");
  tell(before.stale_term, after.stale_term, "stale_term");
  tell(before.duplicates, after.duplicates, "duplicate");
  tell(before.epoch_passed, after.epoch_passed, "epoch_passed");
  tell(before.late_answers, after.late_answers, "late_answer");
  tell(before.late_replies, after.late_replies, "late_reply");
}

void Cluster::perform(SimReplica& replica, ReplicaEffect& effect) {
  SimWorker& worker = *workers_[replica.worker];
  SimHost& host = *hosts_[worker.host];
  const Replica::Identity& who = replica.core.identity();
  if (is_hook(effect)) run_hook(replica, effect);
  const auto to_worker = [&](WorkerEvent event) {
    schedule_in_order(worker.inbox_at, random_.between_us(1, 50), ToWorker{worker.index, std::move(event)});
  };
  const auto to_supervisor = [&](auto ask) {
    schedule_in_order(host.inbox_at, random_.between_us(5, 100),
                      ToSupervisor{host.index, event::FromWorker{std::move(ask)}});
  };
  if (auto* sent = std::get_if<effect::Send>(&effect)) {
    const auto holds = [&](const HeldBack& h) {
      return h.from == who.task && (!h.to.has_value() || *h.to == sent->frame.stamp.to);
    };
    if (std::any_of(holds_.begin(), holds_.end(), holds)) {
      held_.push_back({worker.index, std::move(*sent)});
      return;
    }
    sample_ = sent->frame;
    send(worker, sent->to, std::move(sent->frame));
  } else if (auto* reply = std::get_if<effect::ReplyOutside>(&effect)) {
    to_asker(worker, std::move(reply->reply));
  } else if (auto* applied = std::get_if<effect::ViewApplied>(&effect)) {
    to_worker(event::ReplicaApplied{who.task, who.seat, std::move(*applied)});
  } else if (std::holds_alternative<effect::Exit>(effect)) {
    replica.ended = true;
    to_worker(event::ReplicaEnded{who.task, who.seat, Blame::outside, {}});
  } else if (auto* failed = std::get_if<effect::Failed>(&effect)) {
    replica.ended = true;
    if (watch_) watch(replica, effect);
    to_worker(event::ReplicaEnded{who.task, who.seat, failed->blame, failed->reason});
  } else if (auto* seal = std::get_if<effect::AskSeal>(&effect)) {
    counters_.count(Branch::seal_asked);
    for (const LifeId life : seal->lives) {
      send(worker, life, SealAsk{who.task, seal->term, seal->version, who.seat.life});
    }
  } else if (auto* advance = std::get_if<effect::AskAdvance>(&effect)) {
    to_supervisor(AdvanceAsk{who.task, advance->term, advance->from});
  } else if (auto* finish = std::get_if<effect::AskFinish>(&effect)) {
    to_supervisor(FinishAsk{who.task, finish->term, finish->epoch, finish->status, finish->result});
  } else if (auto* primary = std::get_if<effect::BecamePrimary>(&effect)) {
    const bool first = primary->term == Term{1};
    counters_.count(first ? Branch::first_grant : replica.reported.value == 1 ? Branch::promoted : Branch::restarted);
  } else if (std::holds_alternative<effect::BecameBackup>(effect)) {
    replica.reported = Term{1};
  } else if (auto* ended = std::get_if<effect::PullEnded>(&effect)) {
    static constexpr Branch kOf[] = {Branch::pull_value,        Branch::pull_error,     Branch::pull_error,
                                     Branch::pull_epoch_passed, Branch::pull_cancelled, Branch::pull_deadline};
    counters_.count(kOf[static_cast<std::size_t>(ended->outcome)]);
    if (ended->code == code::kBusy) counters_.count(Branch::pull_busy);
    if (ended->code == code::kTooLarge) counters_.count(Branch::pull_too_large);
  }
}

void Cluster::create_replica(SimWorker& worker, const effect::CreateReplica& create) {
  const auto index = static_cast<std::uint32_t>(replicas_.size());
  const JobId job = hosts_[worker.host]->core.job();
  invariants_.job_is(job);
  invariants_.created(index, create.task, create.seat);
  replicas_.push_back(std::make_unique<SimReplica>(
      SimReplica{index,
                 worker.index,
                 Replica(Replica::Identity{job, create.task, create.seat}, scenario_.spec, lease_),
                 Application(),
                 now_,
                 Time::never(),
                 Term{},
                 false,
                 false,
                 {}}));
  SimReplica& replica = *replicas_.back();
  worker.replicas[create.task.value] = index;
  const Duration delay = random_.between_us(5, 300);
  schedule_in_order(replica.mailbox_at, delay, ToReplica{index, event::EpochLearned{create.epoch}});
  schedule_in_order(replica.mailbox_at, delay,
                    ToReplica{index, event::ApplyView{create.view, std::make_shared<const std::vector<TaskId>>(
                                                                       changed_tasks(nullptr, *create.view))}});
}

void Cluster::remove(SimReplica& replica) {
  SimWorker& worker = *workers_[replica.worker];
  std::uint32_t& place = worker.replicas[replica.core.identity().task.value];
  if (place == replica.index) place = kNone;
  counters_.add(replica.core.counters());
  replicas_[replica.index].reset();
}

// ---------------------------------------------------------------- workers

void Cluster::happen(ToWorker& e) {
  SimWorker& worker = *workers_[e.worker];
  if (!worker.alive) return;
  const SimHost& host = *hosts_[worker.host];
  if (!wires_.listens(worker.index) && !host.core.job().is_nil())
    wires_.listen(worker.index, worker.core.life(), host.core.job(), host.place);
  move(worker, std::move(e.event));
}

void Cluster::move(SimWorker& worker, WorkerEvent event) {
  WorkerEffects effects;
  worker.core.handle(std::move(event), now_, effects);
  SimHost& host = *hosts_[worker.host];
  for (WorkerEffect& effect : effects) {
    trace_.add(effect.index() + 100);
    if (auto* create = std::get_if<effect::CreateReplica>(&effect)) {
      create_replica(worker, *create);
    } else if (auto* to = std::get_if<effect::ToReplica>(&effect)) {
      const std::uint32_t index = worker.replicas[to->task.value];
      const auto* const asked = std::get_if<event::OutsideArrived>(&to->event);
      if (index == kNone && asked != nullptr) to_asker(worker, OutsideReply::not_here(asked->request));
      if (index == kNone) continue;
      // A hook that runs long keeps its strand.
      Duration delay = random_.between_us(2, 100);
      const bool from_outside = asked != nullptr || std::holds_alternative<event::OutsideEnded>(to->event);
      if (faulty() && !from_outside && fault_random_.per_mille(30)) {  // not the more often, the more people ask
        counters_.count(FaultKind::slow_hook);
        delay = fault_random_.between_us(1'000, 300'000);
      }
      to_replica(*replicas_[index], delay, std::move(to->event));
    } else if (auto* ack = std::get_if<effect::SendSealAck>(&effect)) {
      send(worker, ack->to, std::move(ack->ack));
    } else if (auto* reply = std::get_if<effect::ReplyOutside>(&effect)) {
      to_asker(worker, std::move(reply->reply));
    } else if (auto* resign = std::get_if<effect::Resign>(&effect)) {
      schedule_in_order(host.inbox_at, random_.between_us(5, 100),
                        ToSupervisor{host.index, event::FromWorker{std::move(resign->resignation)}});
    } else {
      worker.stopped = true;
    }
  }
  invariants_.worker_applied(worker.index, worker.core.applied());
  const Time wanted = worker.core.wakeup();
  if (wanted >= worker.tick_at) return;
  worker.tick_at = std::max(wanted, now_);
  schedule(worker.tick_at, WorkerTick{worker.index});
}

void Cluster::to_replica(SimReplica& replica, Duration delay, ReplicaEvent event) {
  auto* view = std::get_if<event::ApplyView>(&event);
  if (view == nullptr || mutated(Mutant::acknowledge_before_apply)) {
    return schedule_in_order(replica.mailbox_at, delay, ToReplica{replica.index, std::move(event)});
  }
  replica.views.put(std::move(*view));
  schedule_in_order(replica.mailbox_at, delay, ViewLatched{replica.index});
}

// ---------------------------------------------------------------- supervisors

void Cluster::happen(ToSupervisor& e) {
  SimHost& host = *hosts_[e.host];
  if (!host.alive) return;
  if (const auto* died = std::get_if<event::WorkerDied>(&e.event)) wires_.unlist(died->life);
  move(host, std::move(e.event));
}

void Cluster::move(SimHost& host, SupervisorEvent event) {
  SupervisorEffects effects;
  const bool held_office = host.core.holds_office();
  host.core.handle(std::move(event), now_, effects);
  if (!held_office && host.core.holds_office() && now_ > Time{0} + seconds(1)) counters_.count(Branch::office_taken);
  invariants_.host_learned(host.index, host.core.epoch(),
                           host.core.view() == nullptr ? ViewVersion{} : host.core.view()->version());
  for (SupervisorEffect& effect : effects) {
    trace_.add(effect.index() + 200);
    if (auto* transact = std::get_if<effect::Transact>(&effect)) {
      request(host, transact->request, std::move(transact->transaction));
    } else if (auto* read = std::get_if<effect::Read>(&effect)) {
      request(host, read->request, std::nullopt);
    } else if (auto* workers = std::get_if<effect::ToWorkers>(&effect)) {
      for (const std::uint32_t index : host.workers) {
        SimWorker& worker = *workers_[index];
        if (worker.alive)
          schedule_in_order(worker.inbox_at, random_.between_us(5, 100), ToWorker{index, workers->event});
      }
      outside_hears(host, workers->event);
    } else if (auto* letter = std::get_if<effect::ToHost>(&effect)) {
      const SimHost* to = host_of(letter->to);
      if (to != nullptr) send(host.place, to->place, HostLetter{letter->to, std::move(letter->message)});
    } else if (auto* ended = std::get_if<effect::JobEnded>(&effect)) {
      host.ended = true;
      invariants_.job_ended(ended->status);
      if (trace_.prints()) trace_.line(now_, "host " + std::to_string(host.index) + ": the job has ended");
      if (watch_ && host.core.holds_office()) {
        watch_(TaskId{UINT32_MAX}, std::string(name_of(ended->status.status)) +
                                       (ended->status.reason.empty() ? "" : " \"" + ended->status.reason + "\""));
      }
    } else if (auto* refused = std::get_if<effect::Refused>(&effect)) {
      throw Violation("S12", "host " + std::to_string(host.index) + " gives up without a cause: " + refused->text);
    }
  }
  const Time wanted = host.core.wakeup();
  if (wanted >= host.tick_at) return;
  host.tick_at = std::max(wanted, now_);
  schedule(host.tick_at, SupervisorTick{host.index});
}

}  // namespace taskgraph::sim
