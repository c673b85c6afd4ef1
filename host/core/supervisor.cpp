#include "host/core/supervisor.hpp"

#include <algorithm>
#include <utility>

#include "host/core/assert.hpp"

namespace taskgraph::core {
namespace {

DocumentPtr document(Document value) {
  return std::make_shared<const Document>(std::move(value));
}

}  // namespace

Supervisor::Supervisor(HostId host, const JobSpec& spec, std::string digest)
    : host_(host), spec_(spec), digest_(std::move(digest)), controller_(spec) {}

void Supervisor::handle(SupervisorEvent event, Time now, SupervisorEffects& out) {
  if (refused_) return;
  std::visit([&](auto& one) { on(one, now, out); }, event);
  if (!refused_) act(now, out);
}

bool Supervisor::holds_office() const {
  const auto* holder = documents_.find<ControllerDocument>(Key::of(DocumentKind::controller));
  return holder != nullptr && holder->host == host_;
}

// ---------------------------------------------------------------- events

void Supervisor::on(event::Start& start, Time now, SupervisorEffects&) {
  fresh_ = start.fresh;
  read_at_ = now;
}

void Supervisor::on(TransactionReply& reply, Time now, SupervisorEffects&) {
  if (reply.request != transaction_id_ || doing_ == Doing::nothing) return;  // it was given up as unknown
  const Doing done = std::exchange(doing_, Doing::nothing);
  if (reply.outcome != TransactionOutcome::committed) {
    stale_ = true;
    read_at_ = now;
    return;
  }
  documents_.committed(transaction_, reply.versions);
  if (done == Doing::creating || done == Doing::registering) {
    host_registered_ = true;
    for (auto& [life, presence] : workers_) {
      if (presence == Presence::wanted && documents_.version(Key::life(life)) != 0) presence = Presence::registered;
    }
  }
  if (done == Doing::proving) {
    std::erase_if(workers_, [&](const auto& worker) {
      return worker.second == Presence::died && documents_.version(Key::life(worker.first)) == 0;
    });
  }
}

void Supervisor::on(ReadReply& reply, Time now, SupervisorEffects& out) {
  if (reply.request != read_id_) return;
  read_id_ = 0;
  read_at_ = now + kReadEvery;
  if (!reply.known) return;
  TG_ASSERT(doing_ == Doing::nothing);  // or it would not be known which of the two came first
  const Documents before = documents_.replace(std::move(reply.entries));
  stale_ = false;
  const auto* spec = documents_.find<SpecDocument>(Key::of(DocumentKind::spec));
  if (spec == nullptr) {
    if (!job_.is_nil() || documents_.has_lasting()) refuse_lost("spec is missing", out);
    return;
  }
  if (!job_.is_nil() && spec->job != job_) return refuse_lost("spec is another job's", out);
  if (spec->digest != digest_) {
    return refuse(effect::Refused::Why::other_topology,
                  "job \"" + spec->name + "\" runs with another topology: its digest is " + spec->digest +
                      ", this host brings " + digest_ + "; start all hosts with the same file",
                  out);
  }
  if (const std::string lost = documents_.lost_since(before, spec_); !lost.empty()) return refuse_lost(lost, out);
  if (job_.is_nil()) job_ = spec->job;
}

void Supervisor::on(event::DocumentsChanged&, Time, SupervisorEffects&) {
  read_again_ = true;  // act() reads as soon as nothing is under way
}

void Supervisor::on(event::WorkerStarted& started, Time, SupervisorEffects& out) {
  workers_.emplace(started.life, Presence::wanted);
  if (epoch_.has_value()) out.push_back(effect::ToWorkers{event::EpochPushed{*epoch_}});
  if (view_ != nullptr) out.push_back(effect::ToWorkers{event::ViewPushed{view_}});
}

void Supervisor::on(event::WorkerDied& died, Time now, SupervisorEffects& out) {
  const auto found = workers_.find(died.life);
  if (found != workers_.end()) found->second = Presence::died;
  if (!died.to_blame.has_value()) return;
  event::FromWorker last_word{*std::move(died.to_blame)};
  on(last_word, now, out);
}

void Supervisor::on(event::SessionLost&, Time, SupervisorEffects& out) {
  refuse(effect::Refused::Why::fenced, "the coordinator ended this host's session; its tasks go on elsewhere", out);
}

void Supervisor::on(event::FromWorker& from, Time now, SupervisorEffects& out) {
  if (holds_office()) return std::visit([&](const auto& wish) { request(wish, now); }, from.request);
  const auto* holder = documents_.find<ControllerDocument>(Key::of(DocumentKind::controller));
  if (holder == nullptr) return;  // it is asked again
  std::visit([&](auto& wish) { out.push_back(effect::ToHost{holder->host, std::move(wish)}); }, from.request);
}

void Supervisor::on(event::FromHost& from, Time now, SupervisorEffects& out) {
  if (auto* news = std::get_if<ViewNews>(&from.message)) return learn_view(std::move(news->view), out);
  if (auto* news = std::get_if<EpochNews>(&from.message)) return learn_epoch(news->epoch, out);
  if (auto* news = std::get_if<StatusDocument>(&from.message)) return learn_end(*news, out);
  if (!holds_office()) return;
  if (auto* wish = std::get_if<Resignation>(&from.message)) request(*wish, now);
  if (auto* wish = std::get_if<AdvanceAsk>(&from.message)) request(*wish, now);
  if (auto* wish = std::get_if<FinishAsk>(&from.message)) request(*wish, now);
}

void Supervisor::on(event::Tick&, Time now, SupervisorEffects&) {
  if (now < requests_end_at_) return;
  // No answer in time: unknown. What was asked may still happen, so nothing is built on it before the next read.
  if (doing_ != Doing::nothing) stale_ = true;
  doing_ = Doing::nothing;
  read_id_ = 0;
  read_at_ = now;
  requests_end_at_ = Time::never();
}

void Supervisor::request(const Resignation& wish, Time now) {
  controller_.resigned(wish, *view_, now);  // who holds the office knows a view
}
void Supervisor::request(const AdvanceAsk& wish, Time) {
  controller_.asked(wish);
}
void Supervisor::request(const FinishAsk& wish, Time) {
  controller_.asked(wish);
}

void Supervisor::refuse(effect::Refused::Why why, std::string text, SupervisorEffects& out) {
  refused_ = true;  // fence first, then say so
  wakeup_ = Time::never();
  out.push_back(effect::ToWorkers{event::StopAll{ExitReason::replaced}});
  out.push_back(effect::Refused{why, std::move(text)});
}

void Supervisor::refuse_lost(const std::string& what, SupervisorEffects& out) {
  refuse(effect::Refused::Why::documents_lost,
         "the job's documents at the coordinator are gone or older than what was seen: " + what +
             "; nobody may recreate them: look at the coordinator's data",
         out);
}

// ---------------------------------------------------------------- after each event

void Supervisor::act(Time now, SupervisorEffects& out) {
  if (!documents_.empty()) learn(now, out);
  const bool read_due = now >= read_at_ || read_again_;
  if (doing_ == Doing::nothing && read_id_ == 0 && read_due && !fresh_.is_nil()) read(out);
  if (doing_ == Doing::nothing && read_id_ == 0 && !stale_) {
    if (auto transaction = next_transaction(now)) {
      transaction_ = *std::move(transaction);
      transaction_id_ = next_request_++;
      out.push_back(effect::Transact{transaction_id_, transaction_});
    }
  }
  const bool waiting = doing_ != Doing::nothing || read_id_ != 0;
  if (!waiting) {
    requests_end_at_ = Time::never();
  } else if (requests_end_at_ == Time::never()) {
    requests_end_at_ = now + kRequestDeadline;
  }
  wakeup_ = std::min({requests_end_at_, controller_.wakeup(), waiting ? Time::never() : read_at_});
  if (ended_) wakeup_ = Time::never();
  if (wakeup_ <= now) wakeup_ = now + milliseconds(1);
}

void Supervisor::read(SupervisorEffects& out) {
  read_again_ = false;
  read_id_ = next_request_++;
  out.push_back(effect::Read{read_id_});
}

void Supervisor::learn(Time, SupervisorEffects& out) {
  if (job_.is_nil()) {
    const auto* spec = documents_.find<SpecDocument>(Key::of(DocumentKind::spec));
    if (spec == nullptr) return;
    job_ = spec->job;
  }
  // They stand from the job's creation on; a read that lacks one was refused.
  learn_epoch(documents_.find<EpochDocument>(Key::of(DocumentKind::epoch))->epoch, out);
  learn_view(documents_.view(spec_), out);
  const auto& status = *documents_.find<StatusDocument>(Key::of(DocumentKind::status));
  if (status.ended) learn_end(status, out);
}

void Supervisor::learn_view(View view, SupervisorEffects& out) {
  if (view_ != nullptr && view->version() <= view_->version()) return;
  view_ = std::move(view);
  out.push_back(effect::ToWorkers{event::ViewPushed{view_}});
  if (holds_office()) tell_others(ViewNews{view_}, out);
}

void Supervisor::learn_epoch(Epoch epoch, SupervisorEffects& out) {
  if (epoch_.has_value() && epoch <= *epoch_) return;
  epoch_ = epoch;
  out.push_back(effect::ToWorkers{event::EpochPushed{epoch}});
  if (holds_office()) tell_others(EpochNews{epoch}, out);
}

void Supervisor::learn_end(const StatusDocument& status, SupervisorEffects& out) {
  if (ended_) return;  // S11
  ended_ = true;
  out.push_back(effect::JobEnded{status});  // first: when the last worker has stopped, the host ends with what it knows
  out.push_back(effect::ToWorkers{event::StopAll{ExitReason::job_ended}});
  if (holds_office()) tell_others(status, out);
}

void Supervisor::tell_others(const HostMessage& message, SupervisorEffects& out) {
  documents_.for_each<HostDocument>(DocumentKind::host, [&](const HostDocument& other) {
    if (other.host != host_) out.push_back(effect::ToHost{other.host, message});
  });
}

// ---------------------------------------------------------------- transactions, the most urgent first

std::optional<Transaction> Supervisor::next_transaction(Time now) {
  const auto begin = [&](Doing doing, std::optional<Transaction> transaction) {
    if (transaction.has_value()) doing_ = doing;
    return transaction;
  };
  if (documents_.find<SpecDocument>(Key::of(DocumentKind::spec)) == nullptr) {
    return begin(Doing::creating, creation());  // had the job been there before, the read was refused
  }
  if (auto found = begin(Doing::proving, proofs())) return found;
  if (ended_) return std::nullopt;
  if (auto found = begin(Doing::registering, registration())) return found;
  if (auto found = begin(Doing::taking_office, office(now))) return found;
  if (!holds_office()) return std::nullopt;
  return begin(Doing::deciding, controller_.decide(documents_, now));
}

/// Only a host that has seen no document of this job creates it; who loses, reads.
Transaction Supervisor::creation() const {
  Transaction transaction;
  const auto create = [&](const Key& key, Document value, bool bound = false) {
    transaction.checks.push_back({key, 0});
    transaction.writes.push_back({key, document(std::move(value)), bound});
  };
  create(Key::of(DocumentKind::spec), SpecDocument{fresh_, spec_.name, digest_});
  create(Key::of(DocumentKind::view), ViewDocument{ViewVersion{1}, {host_}});
  create(Key::of(DocumentKind::epoch), EpochDocument{});
  create(Key::of(DocumentKind::status), StatusDocument{});
  create(Key::of(DocumentKind::controller), ControllerDocument{host_}, true);
  create(Key::host(host_), HostDocument{host_}, true);
  for (const auto& [life, presence] : workers_) {
    if (presence == Presence::wanted) create(Key::life(life), LifeDocument{life, host_}, true);
  }
  const std::uint32_t count = spec_.topology->task_count();
  for (std::uint32_t first = 0; first < count; first += spec_.tasks_per_shard) {
    const std::uint32_t size = std::min(spec_.tasks_per_shard, count - first);
    create(Key::shard(first / spec_.tasks_per_shard), ShardDocument{std::vector<TaskAssignment>(size)});
  }
  return transaction;
}

std::optional<Transaction> Supervisor::proofs() {
  // A registration of unknown outcome may execute when its worker is dead and proven: a presence without a worker.
  documents_.for_each<LifeDocument>(DocumentKind::life, [&](const LifeDocument& live) {
    if (live.host == host_) workers_.try_emplace(live.life, Presence::died);
  });
  Transaction transaction;
  for (const auto& [life, presence] : workers_) {
    if (presence != Presence::died) continue;
    transaction.writes.push_back({Key::life(life), nullptr, false});
    if (std::binary_search(view_->lives().begin(), view_->lives().end(), life)) {
      transaction.writes.push_back({Key::gone(life), document(GoneDocument{life}), false});
    }
  }
  if (transaction.writes.empty()) return std::nullopt;
  // A life that has no seat in this view may have one in the next: the proof is compared with it.
  const Key view = Key::of(DocumentKind::view);
  transaction.checks.push_back({view, documents_.version(view)});
  return transaction;
}

std::optional<Transaction> Supervisor::registration() {
  Transaction transaction;
  const auto create = [&](const Key& key, Document value) {
    if (documents_.version(key) != 0) return;
    transaction.checks.push_back({key, 0});
    transaction.writes.push_back({key, document(std::move(value)), true});
  };
  if (!host_registered_) create(Key::host(host_), HostDocument{host_});
  for (auto& [life, presence] : workers_) {
    if (presence == Presence::wanted) create(Key::life(life), LifeDocument{life, host_});
    if (presence == Presence::wanted && documents_.version(Key::life(life)) != 0) presence = Presence::registered;
  }
  if (documents_.version(Key::host(host_)) != 0) host_registered_ = true;
  return transaction.writes.empty() ? std::nullopt : std::optional(std::move(transaction));
}

std::optional<Transaction> Supervisor::office(Time now) {
  const View view = documents_.view(spec_);
  const auto& seats = view->candidates();
  const Key view_key = Key::of(DocumentKind::view);
  if (std::find(seats.begin(), seats.end(), host_) != seats.end()) {
    const Key key = Key::of(DocumentKind::controller);
    if (documents_.version(key) != 0) return std::nullopt;
    Transaction transaction;
    transaction.checks = {{key, 0}, {view_key, documents_.version(view_key)}};
    transaction.writes.push_back({key, document(ControllerDocument{host_}), true});
    return transaction;
  }
  const auto present = [&](HostId host) { return documents_.version(Key::host(host)) != 0; };
  if (std::any_of(seats.begin(), seats.end(), present)) {
    candidates_absent_since_ = Time::never();
    return std::nullopt;
  }
  // All candidates gone (protocol.md 6.2): the hosts that live take the seats in the order of their uuids.
  if (candidates_absent_since_ == Time::never()) candidates_absent_since_ = now;
  std::int64_t rank = 0;
  documents_.for_each<HostDocument>(DocumentKind::host,
                                    [&](const HostDocument& other) { rank += other.host < host_ ? 1 : 0; });
  const Duration wait{spec_.failure.lease.ns * 11 / 10 + milliseconds(200).ns * rank};
  if (now < candidates_absent_since_ + wait) return std::nullopt;
  Transaction transaction;
  transaction.checks.push_back({view_key, documents_.version(view_key)});
  transaction.writes.push_back({view_key, document(ViewDocument{view->version().next(), {host_}}), false});
  return transaction;
}

}  // namespace taskgraph::core
