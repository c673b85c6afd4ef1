#include "host/core/controller.hpp"

#include <algorithm>
#include <utility>

#include "host/core/mutant.hpp"

namespace taskgraph::core {

void Controller::resigned(const Resignation& resignation, const Assignment& view, Time now) {
  if (!view.task(resignation.task).names(resignation.seat)) return;
  const bool first = resigned_.emplace(std::pair(resignation.task, resignation.seat), true).second;
  if (!first) return;
  if (auto why = restarts_.failed(resignation.task, resignation.blame, resignation.reason, now);
      why && gave_up_.empty()) {
    gave_up_ = *std::move(why);
  }
}

std::optional<Transaction> Controller::decide(Documents& documents, Time now) {
  wakeup_ = Time::never();
  if (!documents.missing(spec_).empty()) return std::nullopt;  // nothing is decided, let alone recreated
  const auto* status = documents.find<StatusDocument>(Key::of(DocumentKind::status));
  if (status->ended && !mutated(Mutant::finish_twice)) return std::nullopt;
  if (auto transaction = end_job(documents)) return transaction;
  if (auto transaction = change_assignment(documents, now)) return transaction;
  return advance(documents);
}

std::optional<Transaction> Controller::end_job(Documents& documents) {
  const auto write = [&](StatusDocument status) {
    const Key key = Key::of(DocumentKind::status);
    Transaction transaction;
    if (!mutated(Mutant::finish_twice)) transaction.checks.push_back({key, documents.version(key)});
    transaction.writes.push_back({key, std::make_shared<const Document>(std::move(status)), false});
    return transaction;
  };
  const Epoch epoch = documents.find<EpochDocument>(Key::of(DocumentKind::epoch))->epoch;
  if (!gave_up_.empty()) return write({true, JobStatus::failed, epoch, "{}", gave_up_});
  if (!finish_.has_value()) return std::nullopt;
  const FinishAsk ask = *finish_;
  const View view = documents.view(spec_);
  const bool current = view->task(ask.task).term == ask.term && ask.epoch == epoch;
  if (!current) {
    finish_.reset();
    return std::nullopt;
  }
  Transaction transaction = write({true, ask.status, epoch, ask.result, {}});
  const Key shard = Key::shard(shard_of(spec_, ask.task));
  const Key key = Key::of(DocumentKind::epoch);
  transaction.checks.push_back({shard, documents.version(shard)});
  transaction.checks.push_back({key, documents.version(key)});
  return transaction;
}

std::optional<Transaction> Controller::advance(Documents& documents) {
  if (!advance_.has_value()) return std::nullopt;
  const AdvanceAsk ask = *std::exchange(advance_, std::nullopt);  // its replica asks again until it is done
  const Key key = Key::of(DocumentKind::epoch);
  const Epoch epoch = documents.find<EpochDocument>(key)->epoch;
  const View view = documents.view(spec_);
  const bool current = view->task(ask.task).term == ask.term || mutated(Mutant::skip_term_compare);
  if (!current || (epoch != ask.from && !mutated(Mutant::advance_twice))) return std::nullopt;
  Transaction transaction;
  const Key shard = Key::shard(shard_of(spec_, ask.task));
  if (!mutated(Mutant::skip_term_compare)) transaction.checks.push_back({shard, documents.version(shard)});
  transaction.checks.push_back({key, documents.version(key)});
  transaction.writes.push_back({key, std::make_shared<const Document>(EpochDocument{epoch.next()}), false});
  return transaction;
}

bool Controller::is_dead(LifeId life, const Documents& documents, Time now) {
  if (documents.version(Key::life(life)) != 0) {
    absent_since_.erase(life);
    return false;
  }
  if (documents.version(Key::gone(life)) != 0) return true;
  // No proof: it may still act for a lease, counted from this controller's own sight of the absence.
  const Time since = absent_since_.try_emplace(life, now).first->second;
  const Time dead_at = since + Duration{spec_.failure.lease.ns * 11 / 10};
  if (now >= dead_at) return true;
  wakeup_ = std::min(wakeup_, dead_at);
  return false;
}

std::vector<HostId> Controller::next_candidates(const Assignment& view, const Documents& documents) const {
  std::vector<HostId> next;
  for (const HostId& host : view.candidates()) {
    if (documents.version(Key::host(host)) != 0) next.push_back(host);
  }
  documents.for_each<HostDocument>(DocumentKind::host, [&](const HostDocument& live) {
    if (next.size() < Assignment::kCandidatesMax && std::find(next.begin(), next.end(), live.host) == next.end()) {
      next.push_back(live.host);
    }
  });
  return next;
}

std::optional<Transaction> Controller::change_assignment(Documents& documents, Time now) {
  const View view = documents.view(spec_);
  std::erase_if(resigned_, [&](const auto& entry) { return !view->task(entry.first.first).names(entry.first.second); });

  std::vector<LiveLife> lives;
  std::size_t hosts = 0;
  documents.for_each<LifeDocument>(DocumentKind::life, [&](const LifeDocument& live) {
    lives.push_back({live.life, live.host});
  });
  documents.for_each<HostDocument>(DocumentKind::host, [&](const HostDocument&) { ++hosts; });
  const bool first_start = view->lives().empty();
  if (first_start && hosts < spec_.hosts_min) return std::nullopt;

  std::map<LifeId, bool> dead;
  for (const LifeId& life : view->lives()) dead[life] = is_dead(life, documents, now);
  for (std::uint32_t i = 0; i < view->tasks().size(); ++i) {
    const Seat& primary = view->task({i}).primary;
    if (!primary.is_empty() && dead[primary.life] && !resigned_.contains({{i}, primary})) restarts_.killed({i});
  }
  const auto next = place({spec_, *view, lives, [&](LifeId life) { return dead[life]; },
                           [&](TaskId task, const Seat& seat) {
                             return resigned_.contains({task, seat});
                           },
                           [&](TaskId task) {
                             const Time at = restarts_.restart_at(task);
                             if (at <= now) return true;
                             wakeup_ = std::min(wakeup_, at);
                             return false;
                           }});
  std::vector<HostId> candidates = next_candidates(*view, documents);
  if (!next.has_value() && candidates == view->candidates()) return std::nullopt;

  Transaction transaction;
  const auto check = [&](const Key& key) { transaction.checks.push_back({key, documents.version(key)}); };
  const Key view_key = Key::of(DocumentKind::view);
  if (!mutated(Mutant::skip_term_compare)) check(view_key);
  transaction.writes.push_back(
      {view_key, std::make_shared<const Document>(ViewDocument{view->version().next(), std::move(candidates)}), false});
  const std::vector<TaskAssignment>& tasks = next.has_value() ? *next : view->tasks();
  for (std::size_t begin = 0; begin < tasks.size(); begin += spec_.tasks_per_shard) {
    const std::size_t end = std::min<std::size_t>(begin + spec_.tasks_per_shard, tasks.size());
    const auto first = static_cast<std::ptrdiff_t>(begin);
    const auto last = static_cast<std::ptrdiff_t>(end);
    if (std::equal(tasks.begin() + first, tasks.begin() + last, view->tasks().begin() + first)) continue;
    const Key key = Key::shard(static_cast<std::uint32_t>(begin / spec_.tasks_per_shard));
    if (!mutated(Mutant::skip_term_compare)) check(key);
    ShardDocument shard{{tasks.begin() + first, tasks.begin() + last}};
    transaction.writes.push_back({key, std::make_shared<const Document>(std::move(shard)), false});
  }
  const Assignment after({}, {}, tasks);
  for (const LifeId& life : view->lives()) {
    if (dead[life]) transaction.checks.push_back({Key::life(life), 0});
  }
  for (const LifeId& life : after.lives()) {
    if (!dead[life] && documents.version(Key::life(life)) != 0) check(Key::life(life));
  }
  documents.for_each<GoneDocument>(DocumentKind::gone, [&](const GoneDocument& gone) {
    if (!std::binary_search(after.lives().begin(), after.lives().end(), gone.life)) {
      transaction.writes.push_back({Key::gone(gone.life), nullptr, false});
    }
  });
  return transaction;
}

}  // namespace taskgraph::core
