#include "host/core/outside_serves.hpp"

#include <algorithm>
#include <utility>

#include "host/core/assert.hpp"

namespace taskgraph::core {

void OutsideServes::open(const OutsideRequest& request, std::uint64_t serve, Time now) {
  const Time forget_at = now + request.deadline + kForgetAfter;
  next_expiry_ = pulls_.empty() ? forget_at : std::min(next_expiry_, forget_at);
  const bool fresh = pulls_.emplace(request.name, Pull{serve, forget_at, std::nullopt}).second;
  TG_ASSERT(fresh);
}

void OutsideServes::answered(OutsideReply reply) {
  const auto found = pulls_.find(reply.name);
  TG_ASSERT(found != pulls_.end() && !found->second.answer.has_value());  // its serve was open
  found->second.answer = std::move(reply);
  repeat(found->first);
}

void OutsideServes::repeat(const OutsideName& name) {
  Pull& pull = pulls_.at(name);
  if (!pull.answer.has_value() || std::exchange(pull.unsent, true)) return;
  unsent_.push_back(name);
}

std::optional<std::uint64_t> OutsideServes::forget(const OutsideName& name) {
  const auto found = pulls_.find(name);
  if (found == pulls_.end()) return std::nullopt;
  const Pull pull = std::move(found->second);
  pulls_.erase(found);
  if (pull.unsent) std::erase(unsent_, name);
  return pull.answer.has_value() ? std::nullopt : std::optional(pull.serve);
}

std::vector<std::uint64_t> OutsideServes::expire(Time now) {
  std::vector<std::uint64_t> open;
  if (now < next_expiry()) return open;
  std::vector<OutsideName> over;
  next_expiry_ = Time::never();
  for (const auto& [name, pull] : pulls_) {
    if (pull.forget_at <= now) {
      over.push_back(name);
    } else {
      next_expiry_ = std::min(next_expiry_, pull.forget_at);
    }
  }
  for (const OutsideName& name : over) {
    if (const auto serve = forget(name)) open.push_back(*serve);
  }
  return open;
}

std::vector<OutsideReply> OutsideServes::take_unsent() {
  std::vector<OutsideReply> replies;
  replies.reserve(unsent_.size());
  for (const OutsideName& name : std::exchange(unsent_, {})) {
    Pull& pull = pulls_.at(name);
    pull.unsent = false;
    replies.push_back(*pull.answer);
  }
  return replies;
}

}  // namespace taskgraph::core
