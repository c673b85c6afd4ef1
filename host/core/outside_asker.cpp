#include "host/core/outside_asker.hpp"

#include <algorithm>
#include <utility>

#include "host/core/assert.hpp"

namespace taskgraph::core {
namespace {

OutsideAnswer answer_of(OutsideAnswer::Kind kind) {
  return {kind, Outcome::value, 0, {}};
}

}  // namespace

std::uint64_t OutsideAsker::ask(OutsidePull pull, Time now, OutsideEffects& out) {
  TG_ASSERT(spec_.topology->contains(pull.task));
  const std::uint64_t number = next_number_++;
  const std::size_t bytes = kept_bytes(pull);
  const auto refuse = [&](OutsideAnswer answer) {
    out.push_back(effect::OutsideAnswered{number, std::move(answer)});
    return number;
  };
  if (closed_) return refuse(answer_of(OutsideAnswer::Kind::closed));
  if (pull.method.size() > kMethodBytesMax || pull.body.size() > spec_.limits.message_bytes) {
    return refuse({OutsideAnswer::Kind::answered, Outcome::error, code::kTooLarge,
                   Bytes("the method has more than 1024 bytes, or the body more than limits.message_bytes")});
  }
  if (open_.size() >= kPullsMax || open_bytes_ + bytes > spec_.limits.channel_bytes) {
    return refuse(answer_of(OutsideAnswer::Kind::busy));
  }
  open_bytes_ += bytes;
  wake_at(pull.deadline);
  Open& open = open_.try_emplace(open_.end(), number, Open{std::move(pull), std::nullopt})->second;
  send(number, open, now, out);
  return number;
}

void OutsideAsker::learn(View view, Time now, OutsideEffects& out) {
  if (view_ != nullptr && view->version() <= view_->version()) return;
  view_ = std::move(view);
  for (auto& [number, open] : open_) send(number, open, now, out);
}

/// To the task's primary, unless it has it. Not after the deadline: who has been told that the pull was given up shall
/// not get it again.
void OutsideAsker::send(std::uint64_t number, Open& open, Time now, OutsideEffects& out) {
  const OutsidePull& pull = open.pull;
  if (view_ == nullptr || pull.deadline <= now) return;
  const TaskAssignment& entry = view_->task(pull.task);
  if (entry.primary.is_empty()) {
    open.sent.reset();
    open.again_at = Time::never();
    return;
  }
  const Sent to{entry.primary.life, entry.term};
  if (open.sent == to && open.again_at == Time::never()) return;
  if (open.sent != to) open.again_after = kAgainFirst;
  open.sent = to;
  open.again_at = Time::never();
  out.push_back(
      effect::SendOutside{to.life, {{self_, number}, pull.task, to.term, pull.deadline - now, pull.method, pull.body}});
}

void OutsideAsker::replied(OutsideReply reply, Time now, OutsideEffects& out) {
  const auto found = open_.find(reply.name.number);
  if (reply.name.asker != self_ || found == open_.end() || found->second.pull.task != reply.task) return;
  Open& open = found->second;
  if (reply.term != view_->task(reply.task).term) return;
  switch (reply.kind) {
    case OutsideReply::Kind::answered:
      end(found, {OutsideAnswer::Kind::answered, reply.outcome, reply.code, std::move(reply.body)}, out);
      return;
    case OutsideReply::Kind::busy:
      open.sent.reset();  // nobody keeps it
      end(found, answer_of(OutsideAnswer::Kind::busy), out);
      return;
    case OutsideReply::Kind::not_here:
      if (!open.sent.has_value() || open.again_at != Time::never()) return;
      open.again_at = now + open.again_after;
      open.again_after = std::min(open.again_after * 2, kAgainMax);
      wake_at(open.again_at);
      return;
  }
}

void OutsideAsker::tick(Time now, OutsideEffects& out) {
  wakeup_ = Time::never();
  for (auto at = open_.begin(); at != open_.end();) {
    Open& open = at->second;
    if (open.pull.deadline <= now) {
      const bool had = open.sent.has_value() && open.again_at == Time::never();
      at = end(at, answer_of(had ? OutsideAnswer::Kind::deadline : OutsideAnswer::Kind::no_primary), out);
      continue;
    }
    if (open.again_at <= now) send(at->first, open, now, out);
    wake_at(std::min(open.pull.deadline, open.again_at));
    ++at;
  }
}

void OutsideAsker::close(OutsideEffects& out) {
  closed_ = true;
  for (auto at = open_.begin(); at != open_.end();) at = end(at, answer_of(OutsideAnswer::Kind::closed), out);
  wakeup_ = Time::never();
}

OutsideAsker::Pulls::iterator OutsideAsker::end(Pulls::iterator at, OutsideAnswer answer, OutsideEffects& out) {
  const auto& [number, open] = *at;
  open_bytes_ -= kept_bytes(open.pull);
  if (open.sent.has_value()) {
    out.push_back(effect::SendOutsideEnd{open.sent->life, {{self_, number}, open.pull.task}});
  }
  out.push_back(effect::OutsideAnswered{number, std::move(answer)});
  return open_.erase(at);
}

}  // namespace taskgraph::core
