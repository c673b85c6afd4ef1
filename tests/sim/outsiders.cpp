/// Those who are no tasks, and ask: one asker at each host, and its ways to the workers of all places.
#include <utility>

#include "tests/sim/cluster.hpp"

namespace taskgraph::sim {

using namespace core;

void Cluster::happen(OutsiderAsks& e) {
  SimHost& host = *hosts_[e.host];
  if (!host.alive || host.ended) return;
  schedule(now_ + random_.between_us(2'000, 2 * static_cast<std::uint32_t>(scenario_.outside_every.ns / 1'000)), e);
  if (calm_) return;
  OutsidePull pull{TaskId{static_cast<std::uint32_t>(random_.below(scenario_.spec.topology->task_count()))}, "outside",
                   Bytes(), now_ + random_.between_us(20'000, 1'500'000)};
  const OutsideName name{host.core.host(), ++host.outside_asked};
  pull.body = random_.per_mille(5) ? Bytes(std::string(scenario_.spec.limits.message_bytes + 1, 'x'))
                                   : OutsideLabel{name, pull.task}.bytes();
  invariants_.asked_outside(name, pull.task, pull.deadline);
  OutsideEffects effects;
  if (host.outside.ask(std::move(pull), now_, effects) != name.number) {
    throw Violation("simulator", "pulls from outside are numbered in order");
  }
  perform(host, effects);
}

void Cluster::happen(OutsideTick& e) {
  SimHost& host = *hosts_[e.host];
  if (!host.alive || host.outside_tick_at > now_) return;
  host.outside_tick_at = Time::never();
  OutsideEffects effects;
  host.outside.tick(now_, effects);
  perform(host, effects);
}

/// What the host has passed on to its workers.
void Cluster::outside_hears(SimHost& host, const WorkerEvent& event) {
  OutsideEffects effects;
  if (const auto* pushed = std::get_if<event::ViewPushed>(&event)) host.outside.learn(pushed->view, now_, effects);
  if (std::holds_alternative<event::StopAll>(event)) host.outside.close(effects);
  perform(host, effects);
}

void Cluster::perform(SimHost& host, OutsideEffects& effects) {
  for (OutsideEffect& effect : effects) {
    trace_.add(effect.index() + 300);
    if (auto* sent = std::get_if<effect::SendOutside>(&effect)) {
      const OutsideReply lost = OutsideReply::not_here(sent->request);
      to_worker_of(host, sent->to, event::OutsideAsked{std::move(sent->request)}, lost);
    } else if (auto* end = std::get_if<effect::SendOutsideEnd>(&effect)) {
      to_worker_of(host, end->to, event::OutsideGivenUp{end->end}, std::nullopt);
    } else if (auto* answered = std::get_if<effect::OutsideAnswered>(&effect)) {
      static constexpr Branch kOf[] = {Branch::outside_answered, Branch::outside_no_primary, Branch::outside_deadline,
                                       Branch::outside_busy, Branch::outside_closed};
      counters_.count(kOf[static_cast<std::size_t>(answered->answer.kind)]);
      invariants_.answered_outside({host.core.host(), answered->number}, answered->answer, now_);
    }
  }
  const Time wanted = host.outside.wakeup();
  if (wanted >= host.outside_tick_at) return;
  host.outside_tick_at = std::max(wanted, now_);
  schedule(host.outside_tick_at, OutsideTick{host.index});
}

/// In order. What is lost may have arrived: its sender only knows that it does not know. Ends are not lost: who has
/// lost the connection says them on the next one.
void Cluster::to_worker_of(SimHost& host, LifeId to, const WorkerEvent& event,
                           const std::optional<OutsideReply>& lost) {
  const SimWorker* worker = alive_worker(to);
  if (worker == nullptr) return;
  const std::uint32_t place = hosts_[worker->host]->place;
  const OutsideWay way = outside_way(host.place, place, lost.has_value());
  Time& last = outside_at_[{host.index, worker->index, true}];
  for (std::uint32_t copy = 0; copy < way.copies; ++copy) {
    schedule_in_order(last, way.delay, ToWorker{worker->index, event});
  }
  if (!way.told_lost) return;
  schedule(now_ + fault_random_.between_us(500, 50'000), ToAsker{host.index, *lost});
}

/// A reply that is lost, or may be, makes the asker ask again.
void Cluster::to_asker(const SimWorker& worker, OutsideReply reply) {
  SimHost* host = host_of(reply.name.asker);
  if (host == nullptr) return;
  const OutsideWay way = outside_way(hosts_[worker.host]->place, host->place, true);
  Time& last = outside_at_[{host->index, worker.index, false}];
  OutsideReply lost = reply;
  lost.kind = OutsideReply::Kind::not_here;
  for (std::uint32_t copy = 0; copy < way.copies; ++copy) {
    schedule_in_order(last, way.delay, ToAsker{host->index, reply});
  }
  if (way.told_lost) {
    schedule(now_ + fault_random_.between_us(500, 50'000), ToAsker{host->index, std::move(lost)});
  }
}

Cluster::OutsideWay Cluster::outside_way(std::uint32_t from, std::uint32_t to, bool may_be_lost) {
  if (from == to) return {random_.between_us(2, 60), 1, false};
  OutsideWay way{random_.between_us(40, 400), 1, false};
  const auto hit = [&] { return faulty() && fault_random_.per_mille(scenario_.network_per_mille); };
  if (hit()) {
    counters_.count(FaultKind::message_delayed);
    way.delay = fault_random_.between_us(1'000, 60'000);  // all that follows waits, too
  }
  if (hit()) {
    counters_.count(FaultKind::message_doubled);
    way.copies = 2;
  }
  if (may_be_lost && (network_.is_cut(from, to) || hit())) {
    counters_.count(FaultKind::message_lost);
    way.told_lost = true;
    way.copies = fault_random_.per_mille(500) ? 1 : 0;
  }
  return way;
}

void Cluster::happen(ToAsker& e) {
  SimHost& host = *hosts_[e.host];
  if (!host.alive) return;
  OutsideEffects effects;
  host.outside.replied(std::move(e.reply), now_, effects);
  perform(host, effects);
}

}  // namespace taskgraph::sim
