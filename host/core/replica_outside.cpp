/// The replica's dealings with those who are no tasks. Their pulls belong to no epoch: they stay open when one ends,
/// and are answered in whichever epoch the task has come to. They end with their answer, their asker or this replica;
/// to the asker, the latter is a view that names another primary, which gets them again.
#include <utility>

#include "host/core/mutant.hpp"
#include "host/core/replica.hpp"

namespace taskgraph::core {

void Replica::on(event::OutsideArrived& arrived, Time now, ReplicaEffects& out) {
  OutsideRequest& request = arrived.request;
  const bool addressed = role_ == Role::primary && request.task == identity_.task && request.term == term_;
  if (!addressed || !lease_.holds(now)) {
    ++counters_.outside_not_here;
    out.push_back(effect::ReplyOutside{OutsideReply::not_here(request)});
    return;
  }
  if (mutated(Mutant::serve_outside_twice)) forget_outside(request.name);
  if (outside_.knows(request.name)) {  // S9
    ++counters_.outside_repeated;
    return outside_.repeat(request.name);
  }
  if (serves_.size() >= spec_.limits.serves_open || outside_.size() >= spec_.limits.serves_open) {
    OutsideReply busy = OutsideReply::not_here(request);
    busy.kind = OutsideReply::Kind::busy;
    out.push_back(effect::ReplyOutside{std::move(busy)});
    return;
  }
  const std::uint64_t serve = serves_.open(request.name);
  outside_.open(request, serve, now);
  wake_at(outside_.next_expiry());
  out.push_back(effect::Serve{serve, std::nullopt, std::move(request.method), std::move(request.body)});
}

void Replica::on(event::OutsideEnded& ended, Time, ReplicaEffects&) {
  forget_outside(ended.end.name);
}

void Replica::forget_outside(const OutsideName& name) {
  if (const auto serve = outside_.forget(name)) serves_.close(*serve);
}

void Replica::expire_outside(Time now) {
  for (const std::uint64_t serve : outside_.expire(now)) {
    ++counters_.outside_forgotten;
    serves_.close(serve);
  }
}

void Replica::answer(const OutsideName& name, event::Reply& reply) {
  outside_.answered(
      {OutsideReply::Kind::answered, name, identity_.task, term_, reply.outcome, reply.code, std::move(reply.body)});
}

}  // namespace taskgraph::core
