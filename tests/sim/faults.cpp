/// Faults that strike a replica, a worker, a host or a connection; those of single messages and requests are the
/// network's and the coordinator's.
#include <utility>

#include "tests/sim/cluster.hpp"

namespace taskgraph::sim {

using namespace core;

void Cluster::happen(NextFault&) {
  if (!storm_) return;
  if (!calm_ && !invariants_.status().ended) inject(fault_random_.below(100));
  const auto every = static_cast<std::uint32_t>(scenario_.fault_every.ns / 1000);
  schedule(now_ + fault_random_.between_us(every / 2, every + every / 2), NextFault{});
}

void Cluster::inject(std::uint64_t choice) {
  SimReplica* replica = any_replica();
  SimHost* host = any_host();
  if (replica == nullptr || host == nullptr) return;
  if (choice < 14) {
    counters_.count(FaultKind::replica_killed);
    ++failures_;
    move(*replica, event::Fail{Blame::injected, "killed"});
  } else if (choice < 22 || (choice < 60 && scenario_.blame_plugin)) {
    if (scenario_.blame_plugin) {  // the same task again and again
      for (const auto& other : replicas_) {
        if (other != nullptr && !other->ended && other->core.identity().task == TaskId{0}) replica = other.get();
      }
    }
    counters_.count(FaultKind::hook_threw);
    ++failures_;
    move(*replica, event::Fail{Blame::plugin, "hook flag_raised threw \"bad row\""});
  } else if (choice < 32) {
    kill_worker(*workers_[replica->worker]);
  } else if (choice < 38) {
    crash(*host);
  } else if (choice < 55) {
    const auto from = static_cast<std::uint32_t>(fault_random_.below(scenario_.hosts));
    const std::uint32_t to =
        (from + 1 + static_cast<std::uint32_t>(fault_random_.below(scenario_.hosts - 1))) % scenario_.hosts;
    counters_.count(FaultKind::one_way_cut);
    network_.cut(from, to);
    schedule(now_ + fault_random_.between_us(5'000, 1'500'000), Heal{from, to});
  } else if (choice < 72) {
    const auto from = static_cast<std::uint32_t>(fault_random_.below(scenario_.hosts));
    const std::uint32_t to =
        (from + 1 + static_cast<std::uint32_t>(fault_random_.below(scenario_.hosts - 1))) % scenario_.hosts;
    counters_.count(FaultKind::connection_reset);
    network_.reset(from, to);
    wires_.reset(from, to);
  } else if (choice < 76) {
    inject_stranger();
  } else if (choice < 92) {
    inject_foreign(*replica);
  } else {
    inject_flood(*replica);
  }
}

void Cluster::happen(Heal& e) {
  network_.heal(e.from, e.to);
}

Cluster::SimReplica* Cluster::any_replica() {
  std::vector<SimReplica*> live;
  for (const auto& replica : replicas_) {
    if (replica != nullptr && !replica->ended) live.push_back(replica.get());
  }
  return live.empty() ? nullptr : live[fault_random_.below(live.size())];
}

Cluster::SimHost* Cluster::any_host() {
  std::vector<SimHost*> live;
  for (const auto& host : hosts_) {
    if (host->alive) live.push_back(host.get());
  }
  return live.empty() ? nullptr : live[fault_random_.below(live.size())];
}

void Cluster::kill_worker(SimWorker& worker) {
  if (!worker.alive) return;
  counters_.count(FaultKind::worker_killed);
  ++failures_;
  worker.alive = false;
  wires_.killed(worker.index);
  if (trace_.prints()) trace_.line(now_, "fault: life " + std::to_string(worker.index + 1) + " is killed");
  for (std::uint32_t& index : worker.replicas) {
    if (index == kNone) continue;
    invariants_.vanished(index);
    remove(*replicas_[std::exchange(index, kNone)]);
  }
  const std::uint32_t host = worker.host;
  schedule(now_ + fault_random_.between_us(200, 20'000), ToSupervisor{host, event::WorkerDied{worker.core.life()}});
  schedule(now_ + fault_random_.between_us(20'000, 200'000), StartWorker{host});
}

void Cluster::crash(SimHost& host) {
  counters_.count(FaultKind::host_crashed);
  ++failures_;
  host.alive = false;
  invariants_.asker_vanished(host.core.host());
  if (trace_.prints()) trace_.line(now_, "fault: host " + std::to_string(host.index) + " crashes");
  for (const std::uint32_t index : host.workers) {
    SimWorker& worker = *workers_[index];
    worker.alive = false;
    wires_.crashed(index);
    for (std::uint32_t& replica : worker.replicas) {
      if (replica == kNone) continue;
      invariants_.vanished(replica);
      remove(*replicas_[std::exchange(replica, kNone)]);
    }
  }
  schedule(now_ + fault_random_.between_us(100'000, 800'000), SessionEnds{host.session});
  schedule(now_ + fault_random_.between_us(50'000, 3'000'000), StartHost{host.place});
}

/// A frame of another job, or of a term yet to come, that is right in all else.
void Cluster::inject_foreign(SimReplica& replica) {
  if (!sample_.has_value() || replica.core.role() != Role::primary) return;
  Frame frame = *sample_;
  frame.stamp.to = replica.core.identity().task;
  frame.stamp.to_term = replica.core.term();
  if (frame.stamp.from != frame.stamp.to && fault_random_.per_mille(300)) {  // or of a term that nobody was granted
    counters_.count(FaultKind::forged_term);
    frame.stamp.from_term.value += 1'000;
  } else {
    counters_.count(FaultKind::foreign_frame);
    frame.stamp.job.low ^= 2;
  }
  move(replica, event::FrameArrived{std::move(frame)});
}

void Cluster::inject_stranger() {
  const SimReplica* replica = any_replica();
  const SimReplica* as = any_replica();
  if (!sample_.has_value() || replica == nullptr || as == nullptr) return;
  wires_.stranger(replica->worker, workers_[as->worker]->core.life(), *sample_);
}

/// A peer that does not keep its limits: far more out of order than may wait.
void Cluster::inject_flood(SimReplica& replica) {
  if (!sample_.has_value() || replica.core.role() != Role::primary) return;
  const Stamp& sample = sample_->stamp;
  const SimWorker& worker = *workers_[replica.worker];
  if (worker.core.view() == nullptr || sample.from == replica.core.identity().task) return;
  if (worker.core.view()->task(sample.from).term != sample.from_term) return;
  counters_.count(FaultKind::flood);
  Frame frame = *sample_;
  frame.stamp.job = replica.core.identity().job;
  frame.stamp.to = replica.core.identity().task;
  frame.stamp.to_term = replica.core.term();
  frame.stamp.acknowledged = 0;
  const std::uint32_t index = replica.index;
  const std::uint32_t frames = (scenario_.spec.topology->task_count() + 1) *
                               (scenario_.spec.limits.channel_frames + scenario_.spec.limits.flags_per_epoch);
  for (std::uint32_t i = 0; i < frames && replicas_[index] != nullptr; ++i) {
    frame.stamp.sequence = 1'000'000'000 + i;
    move(replica, event::FrameArrived{frame});
  }
}

// ---------------------------------------------------------------- by a story

void Cluster::command(TaskId task, ReplicaEvent event) {
  for (std::size_t i = 0; i < replicas_.size(); ++i) {
    SimReplica* replica = replicas_[i].get();
    if (replica == nullptr || replica->ended || &replica->core != primary(task)) continue;
    return move(*replica, std::move(event));
  }
  throw Violation("story", "task " + std::to_string(task.value) + " has no primary");
}

const Cluster::SimReplica& Cluster::primary_of(TaskId task) const {
  for (const auto& replica : replicas_) {
    if (replica != nullptr && &replica->core == primary(task)) return *replica;
  }
  throw Violation("story", "task " + std::to_string(task.value) + " has no primary");
}

void Cluster::cut_batch(TaskId from, TaskId to, std::size_t bytes) {
  wires_.cut_batch(primary_of(from).worker, primary_of(to).worker, bytes);
}

void Cluster::lose_response(TaskId from, TaskId to) {
  wires_.lose_response(primary_of(from).worker, primary_of(to).worker);
}

void Cluster::kill_worker_of(TaskId task) {
  for (const auto& replica : replicas_) {
    if (replica == nullptr || &replica->core != primary(task)) continue;
    return kill_worker(*workers_[replica->worker]);
  }
}

void Cluster::crash_host_of(TaskId task) {
  for (const auto& replica : replicas_) {
    if (replica == nullptr || &replica->core != primary(task)) continue;
    return crash(*hosts_[workers_[replica->worker]->host]);
  }
}

}  // namespace taskgraph::sim
