#include "host/core/pulls.hpp"

#include <algorithm>
#include <utility>

#include "host/core/mutant.hpp"

namespace taskgraph::core {

PullRequest Pulls::start(Open pull) {
  pull.order = next_order_++;
  next_deadline_ = open_.empty() ? pull.deadline : std::min(next_deadline_, pull.deadline);
  PullRequest request{0, pull.method, pull.body};
  request.pull = open_.insert(std::move(pull));
  return request;
}

std::optional<effect::PullEnded> Pulls::answered(TaskId from, PullAnswer answer, Time now) {
  Open* open = open_.find(answer.pull);
  if (open == nullptr || open->to != from) return std::nullopt;
  note(*open, now);
  effect::PullEnded ended{open->token, answer.outcome, answer.code, std::move(answer.body)};
  if (!mutated(Mutant::answer_twice)) open_.erase(answer.pull);
  return ended;
}

std::optional<effect::PullEnded> Pulls::cancel(std::uint64_t token) {
  std::uint64_t found = 0;
  open_.for_each([&](std::uint64_t name, const Open& open) {
    if (open.token == token) found = name;
  });
  if (found == 0) return std::nullopt;
  open_.erase(found);
  return effect::PullEnded{token, Outcome::cancelled, 0, {}};
}

template <typename Condition>
void Pulls::end_all(Outcome outcome, Condition condition, ReplicaEffects& out) {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> ended;  // (order, token)
  open_.for_each([&](std::uint64_t name, const Open& open) {
    if (!condition(open)) return;
    ended.emplace_back(open.order, open.token);
    open_.erase(name);
  });
  std::sort(ended.begin(), ended.end());
  for (const auto& [order, token] : ended) out.push_back(effect::PullEnded{token, outcome, 0, {}});
}

void Pulls::leave_epoch(Epoch entered, ReplicaEffects& out) {
  if (open_.empty()) return;
  end_all(
      Outcome::epoch_passed, [&](const Open& open) { return open.epoch < entered; }, out);
}

void Pulls::expire(Time now, ReplicaEffects& out) {
  if (now < next_deadline()) return;
  end_all(
      Outcome::deadline,
      [&](const Open& open) {
        if (open.deadline > now) return false;
        note(open, now);
        return true;
      },
      out);
  next_deadline_ = Time::never();
  open_.for_each([&](std::uint64_t, const Open& open) { next_deadline_ = std::min(next_deadline_, open.deadline); });
}

std::vector<PullRequest> Pulls::open_to(TaskId task) {
  std::vector<std::pair<std::uint64_t, PullRequest>> found;
  open_.for_each([&](std::uint64_t name, const Open& open) {
    if (open.to == task) found.emplace_back(open.order, PullRequest{name, open.method, open.body});
  });
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<PullRequest> requests;
  for (auto& [order, request] : found) requests.push_back(std::move(request));
  return requests;
}

}  // namespace taskgraph::core
