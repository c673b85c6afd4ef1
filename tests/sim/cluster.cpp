#include "tests/sim/cluster.hpp"

#include <algorithm>
#include <utility>

namespace taskgraph::sim {

using namespace core;

Cluster::Cluster(const Scenario& scenario, std::uint64_t seed, bool print, Watch watch)
    : scenario_(scenario),
      watch_(std::move(watch)),
      random_(Random::mix(seed)),
      fault_random_(Random::mix(seed) ^ 0x6661756c7473ULL),
      trace_(print),
      invariants_(scenario.spec),
      network_(scenario.hosts, scenario.network_per_mille),
      wires_(*this, scenario, network_, seed, counters_),
      last_arrived_(std::size_t{scenario.hosts} * scenario.hosts) {
  for (std::uint32_t place = 0; place < scenario.hosts; ++place) {
    schedule(Time{0} + random_.between_us(0, watch_ ? 100 : 5'000), StartHost{place});
  }
}

// ---------------------------------------------------------------- the queue

void Cluster::schedule(Time at, Event event) {
  std::uint32_t slot;
  if (free_.empty()) {
    slot = static_cast<std::uint32_t>(events_.size());
    events_.push_back(std::move(event));
  } else {
    slot = free_.back();
    free_.pop_back();
    events_[slot] = std::move(event);
  }
  queue_.push(Place{at, next_number_++, slot});
}

void Cluster::schedule_in_order(Time& last, Duration delay, Event event) {
  last = std::max(last, now_ + delay);
  schedule(last, std::move(event));
}

bool Cluster::step(Time until) {
  if (queue_.empty() || queue_.top().at > until) return false;
  const Place place = queue_.top();
  queue_.pop();
  now_ = place.at;
  Event event = std::move(events_[place.slot]);
  free_.push_back(place.slot);
  ++counters_.events;
  trace_.add(static_cast<std::uint64_t>(now_.ns) ^ (std::uint64_t{event.index()} << 56));
  std::visit([&](auto& one) { happen(one); }, event);
  check_deadlines();
  return true;
}

/// A hook that runs long is the only excuse for a pull that does not end in time.
void Cluster::check_deadlines() {
  invariants_.check_outside_deadlines(now_);
  constexpr Duration kSlack = milliseconds(2);  // a replica's timers are not finer
  while (const auto late = invariants_.overdue({now_.ns - kSlack.ns})) {
    const SimReplica* replica = replicas_[late->replica].get();
    if (replica == nullptr || replica->mailbox_at + kSlack < now_) {
      throw Violation("L1", "pull " + std::to_string(late->token) + " is open beyond its deadline");
    }
    invariants_.look_again(*late, replica->mailbox_at);
  }
}

void Cluster::run_until(Time until) {
  while (step(until)) {
  }
  now_ = std::max(now_, until);
}

void Cluster::run_for(Duration duration) {
  run_until(now_ + duration);
}

bool Cluster::all_ended() const {
  const auto ended = [](const auto& host) { return !host->alive || host->ended; };
  const auto stopped = [](const auto& worker) { return !worker->alive || worker->stopped; };
  return invariants_.status().ended && std::all_of(hosts_.begin(), hosts_.end(), ended) &&
         std::all_of(workers_.begin(), workers_.end(), stopped);
}

void Cluster::run() {
  if (trace_.prints()) trace_.line(now_, describe(scenario_.plane));
  storm_ = true;
  schedule(now_ + scenario_.fault_every, NextFault{});
  run_until(now_ + scenario_.calm_at);
  settle();
  run_until(now_ + Duration{scenario_.storm.ns - scenario_.calm_at.ns});
  settle();
  storm_ = false;
  poke();
  const Time end = now_ + kFinish;
  while (!all_ended()) {
    if (!step(end)) {
      const bool ended = invariants_.status().ended;
      throw Violation(ended ? "L4" : "L3", ended ? "the job has ended, but not every live host and worker"
                                                 : "the job does not end although faults have stopped");
    }
  }
  run_until(now_ + seconds(4));  // nothing after the end, though a late transaction may still come
  for (const auto& replica : replicas_) {
    if (replica != nullptr) counters_.add(replica->core.counters());
  }
  if (failures_ == 0) invariants_.check_no_failover();
  counters_.count(invariants_.status().reason.empty() ? Branch::job_done : Branch::gave_up);
}

/// No faults for a while, nobody advances: then all must be as if nothing had ever happened.
void Cluster::settle() {
  calm_ = true;
  run_until(now_ + kCalm);
  if (!invariants_.status().ended) {
    invariants_.check_settled(settled_primaries());
  }
  calm_ = false;
  poke();
}

std::vector<std::uint32_t> Cluster::settled_primaries() const {
  std::vector<std::uint32_t> primaries;
  for (std::uint32_t i = 0; i < scenario_.spec.topology->task_count(); ++i) {
    std::uint32_t found = kNone;
    for (const auto& replica : replicas_) {
      const bool is_primary = replica != nullptr && !replica->ended && replica->core.identity().task == TaskId{i} &&
                              replica->core.role() == Role::primary;
      if (!is_primary) continue;
      if (found != kNone) throw Violation("S1", "task " + std::to_string(i) + " has two primaries at rest");
      found = replica->index;
      if (!replica->core.is_sealed()) throw Violation("L2", "task " + std::to_string(i) + "'s grant is not sealed");
    }
    if (found == kNone) throw Violation("L2", "task " + std::to_string(i) + " has no primary");
    primaries.push_back(found);
  }
  return primaries;
}

void Cluster::poke() {
  for (std::size_t i = 0; i < replicas_.size(); ++i) {
    if (replicas_[i] != nullptr) schedule(now_, TaskTimer{replicas_[i]->index, {AppTimer::Kind::check, 0}});
  }
}

// ---------------------------------------------------------------- timers and starts

void Cluster::happen(ReplicaTick& e) {
  SimReplica* replica = replicas_[e.replica].get();
  if (replica == nullptr || replica->tick_at > now_) return;
  if (replica->mailbox_at > now_) {  // a hook runs
    replica->tick_at = replica->mailbox_at;
    return schedule(replica->tick_at, e);
  }
  replica->tick_at = Time::never();
  move(*replica, event::Tick{});
}

void Cluster::happen(WorkerTick& e) {
  SimWorker& worker = *workers_[e.worker];
  if (!worker.alive || worker.tick_at > now_) return;
  worker.tick_at = Time::never();
  move(worker, event::Tick{});
}

void Cluster::happen(SupervisorTick& e) {
  SimHost& host = *hosts_[e.host];
  if (!host.alive || host.tick_at > now_) return;
  host.tick_at = Time::never();
  move(host, event::Tick{});
}

void Cluster::happen(TaskTimer& e) {
  SimReplica* replica = replicas_[e.replica].get();
  if (replica == nullptr || replica->ended) return;
  if (replica->mailbox_at > now_) return schedule(replica->mailbox_at, e);
  run_app_timer(*replica, e.timer);
  drain_commands(*replica);
  if (replica->ended) remove(*replica);
}

void Cluster::happen(StartHost& e) {
  if (invariants_.status().ended) return;
  const auto index = static_cast<std::uint32_t>(hosts_.size());
  const HostId id{random_.next(), index + 1};
  hosts_.push_back(std::make_unique<SimHost>(SimHost{index,
                                                     e.place,
                                                     Supervisor(id, scenario_.spec, "digest"),
                                                     coordinator_.store.open_session(),
                                                     true,
                                                     false,
                                                     false,
                                                     now_,
                                                     Time::never(),
                                                     {},
                                                     OutsideAsker(id, scenario_.spec)}));
  SimHost& host = *hosts_.back();
  if (!watch_) schedule(now_ + scenario_.outside_every, OutsiderAsks{index});
  for (std::uint32_t i = 0; i < scenario_.workers_per_host; ++i) start_worker(host);
  JobId fresh;
  fresh.high = random_.next();
  fresh.low = random_.next() | 1;
  move(host, event::Start{fresh});
}

void Cluster::happen(StartWorker& e) {
  SimHost& host = *hosts_[e.host];
  if (host.alive && !host.ended) start_worker(host);
}

void Cluster::start_worker(SimHost& host) {
  const auto index = static_cast<std::uint32_t>(workers_.size());
  const LifeId life{random_.next(), index + 1};
  workers_.push_back(
      std::make_unique<SimWorker>(SimWorker{index, host.index, Worker(life), true, false, now_, Time::never(),
                                            std::vector<std::uint32_t>(scenario_.spec.topology->task_count(), kNone)}));
  host.workers.push_back(index);
  if (trace_.prints())
    trace_.line(now_, "host " + std::to_string(host.index) + " starts life " + std::to_string(index + 1));
  move(host, event::WorkerStarted{life});
}

// ---------------------------------------------------------------- lookups

Cluster::SimWorker* Cluster::alive_worker(LifeId life) {
  if (life.low == 0 || life.low > workers_.size()) return nullptr;
  SimWorker* worker = workers_[life.low - 1].get();
  return worker->alive && worker->core.life() == life ? worker : nullptr;
}

Cluster::SimHost* Cluster::host_of(HostId id) {
  if (id.low == 0 || id.low > hosts_.size()) return nullptr;
  SimHost* host = hosts_[id.low - 1].get();
  return host->alive && host->core.host() == id ? host : nullptr;
}

const Replica* Cluster::primary(TaskId task) const {
  const Replica* found = nullptr;
  for (const auto& replica : replicas_) {
    const bool is_primary = replica != nullptr && !replica->ended && replica->core.identity().task == task &&
                            replica->core.role() == Role::primary;
    if (is_primary) found = &replica->core;
  }
  return found;
}

// ---------------------------------------------------------------- the network

void Cluster::send(std::uint32_t from, std::uint32_t to, const HostLetter& letter) {
  copies_.clear();
  network_.send(from, to, faulty(), fault_random_, counters_, copies_);
  for (const Duration delay : copies_) {
    schedule(now_ + delay, Arrival{from, to, network_.generation(from, to), next_number_, letter});
  }
}

void Cluster::happen(Arrival& e) {
  if (e.generation != network_.generation(e.from, e.to)) return;  // lost in a reset
  std::uint64_t& last = last_arrived_[std::size_t{e.from} * scenario_.hosts + e.to];
  if (e.number < last) counters_.count(FaultKind::message_reordered);
  last = std::max(last, e.number);
  SimHost* host = host_of(e.letter.to);
  if (host != nullptr) move(*host, event::FromHost{std::move(e.letter.message)});
}

/// Within a life messages pass in memory.
void Cluster::send(const SimWorker& from, LifeId to, Parcel&& parcel) {
  if (to != from.core.life()) return wires_.send(from.index, to, std::move(parcel));
  schedule(now_ + random_.between_us(2, 60), Landed{from.index, std::move(parcel)});
}

void Cluster::land(std::uint32_t worker, Time at, Parcel&& parcel) {
  Landed landed{worker, std::move(parcel)};
  if (at > now_) return schedule(at, std::move(landed));
  happen(landed);
}

void Cluster::happen(Landed& e) {
  SimWorker& worker = *workers_[e.worker];
  if (!worker.alive) return;
  if (auto* frame = std::get_if<Frame>(&e.parcel)) {
    const TaskId to = frame->stamp.to;
    return deliver_to(worker, to, event::FrameArrived{std::move(*frame)});
  }
  if (const auto* ask = std::get_if<SealAsk>(&e.parcel)) return move(worker, event::SealAsked{*ask});
  auto& ack = std::get<SealAck>(e.parcel);
  if (!ack.flags.empty()) counters_.count(Branch::seal_repeated_flags);
  deliver_to(worker, ack.task, event::SealAcknowledged{ack.life, ack.term, std::move(ack.flags)});
}

void Cluster::note(const std::string& what) {
  if (watch_) watch_(TaskId{UINT32_MAX - 1}, what);
  if (trace_.prints()) trace_.line(now_, "wire: a life " + what);
}

void Cluster::deliver_to(const SimWorker& worker, TaskId task, ReplicaEvent event) {
  if (worker.replicas[task.value] == kNone) return;
  SimReplica& replica = *replicas_[worker.replicas[task.value]];
  if (faulty() && fault_random_.per_mille(8)) {
    counters_.count(FaultKind::slow_hook);
    replica.mailbox_at = std::max(replica.mailbox_at, now_) + fault_random_.between_us(1'000, 300'000);
  }
  // Frames do not overtake what the strand has to do already.
  if (replica.mailbox_at > now_) return schedule(replica.mailbox_at, ToReplica{replica.index, std::move(event)});
  move(replica, std::move(event));
}

void Cluster::release() {
  holds_.clear();
  wires_.release_addresses();
  Time at = now_;
  for (Released& one : std::exchange(held_, {})) {
    at = at + milliseconds(1);
    schedule(at, std::move(one));
  }
}

// ---------------------------------------------------------------- the coordinator

void Cluster::request(SimHost& host, RequestId id, std::optional<Transaction> transaction) {
  const bool reads = !transaction.has_value();
  const SimCoordinator::Fate fate = reads ? coordinator_.read(faulty(), fault_random_, counters_)
                                          : coordinator_.transaction(faulty(), fault_random_, counters_);
  if (fate.unknown_in.has_value()) {
    SupervisorEvent reply = TransactionReply{id, TransactionOutcome::unknown, {}};
    if (reads) reply = ReadReply{id, false, {}};
    schedule(now_ + *fate.unknown_in, ToSupervisor{host.index, std::move(reply)});
  }
  if (fate.executes_in.has_value()) {
    schedule(now_ + *fate.executes_in, Executes{host.index, id, std::move(transaction), fate.replies_in});
  }
}

void Cluster::happen(Executes& e) {
  SimHost& host = *hosts_[e.host];
  SupervisorEvent reply = ReadReply{};
  if (e.transaction.has_value()) {
    const coordinator::Store::Result result = coordinator_.store.apply(host.session, *e.transaction);
    trace_.add(result.committed ? 1 : 2);
    if (trace_.prints()) {
      trace_.line(now_, "coordinator: host " + std::to_string(e.host) +
                            (result.committed ? " commits" : " is refused") + describe(*e.transaction));
    }
    if (result.committed) {
      invariants_.committed(*e.transaction);
      const auto& writes = e.transaction->writes;
      const bool only_view = writes.size() == 1 && writes[0].key.kind == DocumentKind::view;
      if (only_view && e.transaction->checks.size() == 1) counters_.count(Branch::candidates_replaced);
      if (result.worth_a_notice) notify_hosts();
    } else {
      counters_.count(Branch::transaction_refused);
    }
    reply = TransactionReply{e.request, result.committed ? TransactionOutcome::committed : TransactionOutcome::refused,
                             result.versions};
  } else {
    reply = ReadReply{e.request, true, coordinator_.store.read()};
  }
  if (host.alive && e.replies_in.has_value()) schedule(now_ + *e.replies_in, ToSupervisor{e.host, std::move(reply)});
}

void Cluster::notify_hosts() {
  for (const auto& host : hosts_) {
    if (!host->alive || host->notified) continue;
    host->notified = true;
    schedule(now_ + coordinator_.notice(faulty(), fault_random_, counters_), Notice{host->index});
  }
}

void Cluster::happen(Notice& e) {
  SimHost& host = *hosts_[e.host];
  host.notified = false;
  if (host.alive) move(host, event::DocumentsChanged{});
}

void Cluster::happen(SessionEnds& e) {
  if (trace_.prints()) trace_.line(now_, "coordinator: a session ends");
  for (const auto& host : hosts_) {
    if (host->session != e.session) continue;
    for (const std::uint32_t index : host->workers) wires_.unlist(workers_[index]->core.life());
  }
  if (coordinator_.store.close_session(e.session)) notify_hosts();
}

}  // namespace taskgraph::sim
