#include "tests/sim/invariants.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "tests/sim/application.hpp"
#include "tests/sim/trace.hpp"

namespace taskgraph::sim {

using namespace core;

namespace {

std::string text(TaskId task) {
  return "task " + std::to_string(task.value);
}
std::string text(Term term) {
  return "term " + std::to_string(term.value);
}
std::string text(Epoch epoch) {
  return "epoch " + std::to_string(epoch.value);
}

/// The details are put together only when they are needed.
template <typename Details>
void require(bool holds, const char* invariant, Details details) {
  if (!holds) throw Violation(invariant, details());
}

}  // namespace

Invariants::Invariants(const JobSpec& spec) : spec_(spec), acted_(spec.topology->task_count()) {}

std::uint64_t Invariants::raised(std::uint32_t replica, TaskId task, LinkIndex link, Epoch epoch) {
  flags_.push_back({replica, task, link, epoch});
  return flags_.size() - 1;
}

std::uint64_t Invariants::pulled(std::uint32_t replica, Epoch epoch, Time deadline) {
  pulls_.push_back({replica, epoch, false});
  deadlines_.emplace(deadline, pulls_.size());
  return pulls_.size();
}

// ---------------------------------------------------------------- from outside

void Invariants::asked_outside(const OutsideName& name, TaskId task, Time deadline) {
  outside_.emplace(name, OutsidePull{task, deadline});
}

void Invariants::answered_outside(const OutsideName& name, const OutsideAnswer& answer, Time now) {
  const auto found = outside_.find(name);
  const auto who = [&] { return "pull " + std::to_string(name.number) + " from outside "; };
  require(found != outside_.end(), "S8", [&] { return who() + "has a second outcome"; });
  require(now <= found->second.deadline, "L1", [&] { return who() + "is answered after its deadline"; });
  const bool timely = answer.kind != OutsideAnswer::Kind::deadline && answer.kind != OutsideAnswer::Kind::no_primary;
  require(timely || now == found->second.deadline, "S8", [&] { return who() + "ends before its deadline"; });
  const TaskId task = found->second.task;
  outside_.erase(found);
  if (answer.kind != OutsideAnswer::Kind::answered || answer.outcome != Outcome::value) return;
  const auto label = OutsideLabel::from(answer.body.view());
  require(label.has_value() && label->name == name && label->task == task, "S8",
          [&] { return who() + "got the answer of another one"; });
}

void Invariants::asker_vanished(HostId asker) {
  std::erase_if(outside_, [&](const auto& pull) { return pull.first.asker == asker; });
}

// ---------------------------------------------------------------- replicas

void Invariants::created(std::uint32_t replica, TaskId task, const Seat& seat) {
  require(replica == replicas_.size(), "simulator", [] { return std::string("replicas are numbered in order"); });
  require(seats_.emplace(task, seat).second, "S10", [&] {
    return text(task) + ": counter " + std::to_string(seat.counter.value) + " names a second replica of one life";
  });
  ReplicaState state;
  state.task = task;
  state.seat = seat;
  state.accepted.resize(spec_.topology->task_count());
  replicas_.push_back(std::move(state));
}

void Invariants::performed(std::uint32_t replica, const ReplicaEffect& effect) {
  ReplicaState& state = replicas_[replica];
  require(state.stage != Stage::ended, "S10",
          [&] { return text(state.task) + ": after its end: " + describe(effect, *spec_.topology); });
  std::visit([&](const auto& one) { check(state, one); }, effect);
}

void Invariants::accepted(std::uint32_t replica, const Replica& core, const Stamp& stamp) {
  ReplicaState& state = replicas_[replica];
  const auto who = [&] { return text(state.task) + " accepts from " + text(stamp.from) + " " + text(stamp.from_term); };
  require(stamp.job == job_, "S4", [&] { return who() + " a frame of another job"; });
  require(stamp.to == state.task && stamp.to_term == core.term(), "S2",
          [&] { return who() + " a frame for " + text(stamp.to) + " " + text(stamp.to_term); });
  require(stamp.from_term <= tasks_[stamp.from.value].term, "S2", [&] { return who() + ", which nobody was granted"; });
  Term& newest = state.accepted[stamp.from.value];
  require(stamp.from_term >= newest, "S2", [&] { return who() + " after " + text(newest); });
  newest = stamp.from_term;
  require(stamp.from_term >= acted_[stamp.from.value], "S2",
          [&] { return who() + " although " + text(acted_[stamp.from.value]) + " has acted"; });
}

void Invariants::after_event(std::uint32_t replica, const Replica& core) {
  const Limits& limits = spec_.limits;
  const std::size_t per_peer = std::size_t{limits.channel_frames} + limits.flags_per_epoch;
  require(core.frames_held() <= per_peer * spec_.topology->task_count(), "S13", [&] {
    return text(replicas_[replica].task) + " holds " + std::to_string(core.frames_held()) + " frames, more than " +
           std::to_string(per_peer) + " of each peer";
  });
}

void Invariants::vanished(std::uint32_t replica) {
  replicas_[replica].stage = Stage::ended;
}

void Invariants::acts(const ReplicaState& r, Term term) {
  require(term == r.term && r.term > Term{}, "S3",
          [&] { return text(r.task) + " acts as " + text(term) + ", granted was " + text(r.term); });
  Term& newest = acted_[r.task.value];
  require(term >= newest, "S3", [&] { return text(r.task) + " acts as " + text(term) + " after " + text(newest); });
  newest = term;
}

void Invariants::check(ReplicaState& r, const effect::BecamePrimary& e) {
  require(r.stage == Stage::created || r.stage == Stage::backup, "S10",
          [&] { return text(r.task) + " becomes primary twice"; });
  const auto index = static_cast<std::uint32_t>(&r - replicas_.data());
  require(primaries_.emplace(std::pair(r.task, e.term), index).second, "S1",
          [&] { return text(r.task) + " has two primaries at " + text(e.term); });
  r.stage = Stage::primary;
  r.term = e.term;
}

void Invariants::check(ReplicaState& r, const effect::BecameBackup&) {
  require(r.stage == Stage::created, "S10", [&] { return text(r.task) + " becomes backup, but not first"; });
  r.stage = Stage::backup;
}

void Invariants::check(ReplicaState& r, const effect::EnterEpoch& e) {
  require(r.stage == Stage::primary || r.stage == Stage::running, "S10",
          [&] { return text(r.task) + " enters " + text(e.epoch) + " without a role"; });
  require(r.stage == Stage::primary || e.epoch > r.epoch, "S5",
          [&] { return text(r.task) + " enters " + text(e.epoch) + " after " + text(r.epoch); });
  require(e.epoch <= epoch_, "S5",
          [&] { return text(r.task) + " enters " + text(e.epoch) + ", which the job has not reached"; });
  r.stage = Stage::running;
  r.epoch = e.epoch;
  r.flags.clear();
}

void Invariants::check(ReplicaState& r, const effect::DeliverFlag& e) {
  require(r.stage == Stage::running, "S10", [&] { return text(r.task) + " gets a flag before an epoch"; });
  const auto label = Label::from(e.meta.view());
  if (!label.has_value()) return;  // a story's flag: the story says what must come
  require(label->epoch == r.epoch.value, "S5", [&] {
    return text(r.task) + " in " + text(r.epoch) + " gets a flag of epoch " + std::to_string(label->epoch);
  });
  require(label->task == e.from.value, "S6", [&] { return text(r.task) + " gets a flag under a wrong sender"; });
  const LinkIndex own = spec_.topology->link(LinkIndex{static_cast<std::uint16_t>(label->link)}).inverse;
  require(own == e.link, "S6", [&] { return text(r.task) + " gets a flag on a wrong link"; });
  const bool first = std::find(r.flags.begin(), r.flags.end(), label->id) == r.flags.end();
  require(first, "S6",
          [&] { return text(r.task) + " gets flag " + std::to_string(label->id) + " twice in " + text(r.epoch); });
  r.flags.push_back(label->id);
}

void Invariants::check(ReplicaState& r, const effect::Serve& e) {
  require(r.stage == Stage::running, "S10", [&] { return text(r.task) + " serves before an epoch"; });
  if (!e.from.has_value()) return check_outside(r, e);
  const auto label = Label::from(e.body.view());
  if (!label.has_value()) return;
  require(label->epoch == r.epoch.value, "S5", [&] {
    return text(r.task) + " in " + text(r.epoch) + " serves a pull of epoch " + std::to_string(label->epoch);
  });
  require(label->task == e.from->value, "S9", [&] { return text(r.task) + " serves a pull under a wrong requester"; });
  require(r.served.insert(label->id).second, "S9",
          [&] { return text(r.task) + " serves pull " + std::to_string(label->id) + " twice in one life"; });
}

/// Of whatever epoch.
void Invariants::check_outside(ReplicaState& r, const effect::Serve& e) {
  const auto label = OutsideLabel::from(e.body.view());
  require(label.has_value() && label->task == r.task, "S9",
          [&] { return text(r.task) + " serves a pull from outside that is another's"; });
  require(r.served_outside.insert(label->name).second, "S9", [&] {
    return text(r.task) + " serves pull " + std::to_string(label->name.number) + " from outside twice in one life";
  });
}

void Invariants::check(ReplicaState& r, const effect::ReplyOutside& e) {
  const OutsideReply& reply = e.reply;
  if (reply.kind != OutsideReply::Kind::answered) return;
  acts(r, reply.term);
  require(r.served_outside.contains(reply.name), "S8",
          [&] { return text(r.task) + " answers a pull from outside that it has not served"; });
}

void Invariants::check(ReplicaState& r, const effect::PullEnded& e) {
  if (e.token == 0 || e.token > pulls_.size()) return;  // a story's pull
  StartedPull& pull = pulls_[e.token - 1];
  const auto who = [&] { return text(r.task) + ", pull " + std::to_string(e.token) + ": "; };
  require(&replicas_[pull.replica] == &r, "S8", [&] { return who() + "ends at another replica"; });
  require(!pull.ended, "S8", [&] { return who() + "a second outcome, " + std::string(name_of(e.outcome)); });
  pull.ended = true;
  require(pull.epoch == r.epoch, "S5", [&] { return who() + "of " + text(pull.epoch) + " ends in " + text(r.epoch); });
  if (e.outcome != Outcome::value) return;
  const auto label = Label::from(e.body.view());
  require(label.has_value() && label->id == e.token, "S8", [&] { return who() + "got the answer of another pull"; });
}

void Invariants::check(ReplicaState& r, const effect::NeighbourChanged& e) {
  require(r.stage == Stage::running, "S10", [&] { return text(r.task) + " hears of a neighbour before an epoch"; });
  const std::pair key(e.neighbour, e.link);
  if (e.change == NeighbourChange::failed) {
    require(r.failed.insert(key).second, "S10", [&] { return text(r.task) + ": neighbour failed twice"; });
    return;
  }
  if (r.failed.erase(key) == 0) throw Violation("S10", text(r.task) + ": neighbour restarted before it failed");
}

void Invariants::check(ReplicaState& r, const effect::Exit&) {
  r.stage = Stage::ended;
}
void Invariants::check(ReplicaState& r, const effect::Failed&) {
  r.stage = Stage::ended;
}

void Invariants::check(ReplicaState& r, const effect::Send& e) {
  const Stamp& stamp = e.frame.stamp;
  acts(r, stamp.from_term);
  require(stamp.job == job_ && stamp.from == r.task, "S4", [&] { return text(r.task) + " sends under a wrong stamp"; });
  require(stamp.epoch <= r.epoch, "S5", [&] { return text(r.task) + " sends as of a later epoch"; });
  acknowledges(r, stamp);
  if (stamp.sequence == 0) return;
  const bool outlasts =
      std::holds_alternative<Acknowledgement>(e.frame.body) || std::holds_alternative<PullAnswer>(e.frame.body);
  require(outlasts || stamp.epoch == r.epoch, "S5",
          [&] { return text(r.task) + " in " + text(r.epoch) + " sends a flag or a request of " + text(stamp.epoch); });
  std::vector<SentFrame>& sent = r.sent[{stamp.to, stamp.to_term}];
  const std::uint64_t print = fingerprint(e.frame.body);
  if (stamp.sequence == sent.size() + 1) {
    const auto* flag = std::get_if<Flag>(&e.frame.body);
    const auto label = flag == nullptr ? std::nullopt : Label::from(flag->meta.view());
    sent.push_back({print, label.has_value() ? label->id : kNoFlag});
    return;
  }
  // What an epoch has left behind keeps its number and loses its body, for good.
  const bool emptied = std::holds_alternative<Acknowledgement>(e.frame.body) && stamp.epoch < r.epoch;
  if (emptied && stamp.sequence <= sent.size()) sent[stamp.sequence - 1] = {print, kNoFlag};
  require(stamp.sequence <= sent.size() && sent[stamp.sequence - 1].print == print, "S9", [&] {
    return text(r.task) + " sends two frames under sequence " + std::to_string(stamp.sequence) + " to " +
           text(stamp.to);
  });
}

/// What a life says that it has, its task has seen.
void Invariants::acknowledges(ReplicaState& r, const Stamp& stamp) {
  std::uint64_t& known = r.acknowledged[{stamp.to, stamp.to_term}];
  if (stamp.acknowledged <= known) return;
  const auto sender = primaries_.find({stamp.to, stamp.to_term});
  require(sender != primaries_.end(), "S6", [&] { return text(r.task) + " acknowledges to nobody"; });
  const std::vector<SentFrame>& sent = replicas_[sender->second].sent[{r.task, r.term}];
  require(stamp.acknowledged <= sent.size(), "S6",
          [&] { return text(r.task) + " acknowledges more than " + text(stamp.to) + " has sent"; });
  for (; known < stamp.acknowledged; ++known) {
    const std::uint64_t flag = sent[known].flag;
    if (flag == kNoFlag || flags_[flag].epoch != r.epoch) continue;
    require(std::find(r.flags.begin(), r.flags.end(), flag) != r.flags.end(), "S6", [&] {
      return text(r.task) + " acknowledges flag " + std::to_string(flag) + " of " + text(stamp.to) +
             " and has not seen it";
    });
  }
}

void Invariants::check(ReplicaState&, const effect::ViewApplied&) {}
void Invariants::check(ReplicaState&, const effect::AskSeal&) {}

void Invariants::check(ReplicaState& r, const effect::AskAdvance& e) {
  acts(r, e.term);
  asked_advance_.insert({r.task, e.term, e.from});
}

void Invariants::check(ReplicaState& r, const effect::AskFinish& e) {
  acts(r, e.term);
  asked_finish_.insert({r.task, e.term, e.epoch});
}

// ---------------------------------------------------------------- hosts and documents

void Invariants::host_learned(std::uint32_t host, Epoch epoch, ViewVersion version) {
  auto& known = hosts_[host];
  require(epoch >= known.first && epoch <= epoch_, "S5",
          [&] { return "host " + std::to_string(host) + " goes from " + text(known.first) + " to " + text(epoch); });
  require(version >= known.second && version <= view_, "S5",
          [&] { return "host " + std::to_string(host) + " goes back to an older view"; });
  known = {epoch, version};
}

void Invariants::worker_applied(std::uint32_t worker, ViewVersion version) {
  if (version == ViewVersion{}) return;
  ViewVersion& known = workers_[worker];
  require(version >= known, "S5", [&] { return "worker " + std::to_string(worker) + " goes back to an older view"; });
  known = version;
}

void Invariants::job_ended(const StatusDocument& status) {
  require(status_.ended && status.status == status_.status && status.epoch == status_.epoch &&
              status.reason == status_.reason,
          "S11", [] { return std::string("a host learns of an end that is not the job's"); });
}

void Invariants::committed(const Transaction& transaction) {
  const std::uint32_t count = spec_.topology->task_count();
  if (tasks_.empty()) tasks_.resize(count);
  for (const Transaction::Write& each : transaction.writes) {
    if (each.document == nullptr) continue;
    if (const auto* shard = std::get_if<ShardDocument>(each.document.get())) {
      write(*shard, static_cast<std::size_t>(each.key.low) * spec_.tasks_per_shard);
    } else if (const auto* view = std::get_if<ViewDocument>(each.document.get())) {
      write(*view);
    } else if (const auto* epoch = std::get_if<EpochDocument>(each.document.get())) {
      write(*epoch);
    } else if (const auto* status = std::get_if<StatusDocument>(each.document.get())) {
      write(*status);
    }
  }
}

void Invariants::write(const ShardDocument& shard, std::size_t first) {
  for (std::size_t i = 0; i < shard.tasks.size(); ++i) {
    const TaskAssignment& next = shard.tasks[i];
    TaskAssignment& known = tasks_[first + i];
    const TaskId task{static_cast<std::uint32_t>(first + i)};
    const auto old_new = [&] { return text(task) + " goes from " + text(known.term) + " to " + text(next.term); };
    require(next.term == known.term || next.term == known.term.next(), "S1", old_new);
    const bool same = next.primary == known.primary || next.primary.is_empty();
    require(next.term != known.term || same, "S1",
            [&] { return text(task) + ": " + text(next.term) + " is granted twice"; });
    const bool anew = next.term != known.term;
    require(!anew || next.primary != known.primary, "S1", [&] { return text(task) + ": one replica gets two terms"; });
    require(next.next_counter >= known.next_counter, "S10", [&] { return text(task) + ": replica counter falls"; });
    known = next;
  }
}

void Invariants::write(const ViewDocument& view) {
  require(view.version == view_.next(), "S1", [&] {
    return "the view goes from version " + std::to_string(view_.value) + " to " + std::to_string(view.version.value);
  });
  require(view.candidates.size() <= Assignment::kCandidatesMax && !view.candidates.empty(), "S13",
          [] { return std::string("the view has a wrong number of candidates"); });
  view_ = view.version;
}

void Invariants::write(const EpochDocument& epoch) {
  if (!epoch_written_) {
    epoch_written_ = true;
    epoch_ = epoch.epoch;
    return;
  }
  require(epoch.epoch == epoch_.next(), "S5",
          [&] { return "the job goes from " + text(epoch_) + " to " + text(epoch.epoch); });
  const auto wanted = [&](const Ask& ask) { return ask.epoch == epoch_ && tasks_[ask.task.value].term == ask.term; };
  require(std::any_of(asked_advance_.begin(), asked_advance_.end(), wanted), "S5",
          [&] { return text(epoch_) + " ends, but no primary of a standing term has asked for it"; });
  epoch_ = epoch.epoch;
  asked_advance_.clear();
}

void Invariants::write(const StatusDocument& status) {
  require(!status_.ended, "S11", [] { return std::string("the status of an ended job is written again"); });
  status_ = status;
  if (!status.ended) return;
  if (!status.reason.empty()) return;
  require(status.status == JobStatus::done || !status.reason.empty(), "S12",
          [] { return std::string("the job fails without a reason"); });
  const auto wanted = [&](const Ask& ask) { return ask.epoch == epoch_ && tasks_[ask.task.value].term == ask.term; };
  require(std::any_of(asked_finish_.begin(), asked_finish_.end(), wanted), "S11",
          [] { return std::string("the job ends, but no primary of a standing term has asked for it"); });
}

// ---------------------------------------------------------------- from time to time

void Invariants::check_outside_deadlines(Time now) const {
  for (const auto& [name, pull] : outside_) {
    require(pull.deadline >= now, "L1",
            [&] { return "pull " + std::to_string(name.number) + " from outside is open beyond its deadline"; });
  }
}

std::optional<Invariants::OverduePull> Invariants::overdue(Time now) {
  while (!deadlines_.empty() && deadlines_.top().first < now) {
    const std::uint64_t token = deadlines_.top().second;
    deadlines_.pop();
    const StartedPull& pull = pulls_[token - 1];
    if (!pull.ended && replicas_[pull.replica].stage != Stage::ended) return OverduePull{token, pull.replica};
  }
  return std::nullopt;
}

void Invariants::require_everywhere(std::uint64_t flag, const std::vector<std::uint32_t>& primaries) const {
  const RaisedFlag& raised = flags_[flag];
  std::vector<TaskId> neighbours;
  spec_.topology->link(raised.link).shape->neighbours(raised.task, raised.epoch, neighbours);
  for (const TaskId neighbour : neighbours) {
    const std::vector<std::uint64_t>& stored = replicas_[primaries[neighbour.value]].flags;
    require(std::find(stored.begin(), stored.end(), flag) != stored.end(), "S6", [&] {
      return "flag " + std::to_string(flag) + " of " + text(raised.task) + " in " + text(raised.epoch) +
             " is missing at " + text(neighbour) + ", though nothing is under way";
    });
  }
}

void Invariants::check_settled(const std::vector<std::uint32_t>& primaries) const {
  for (const std::uint32_t index : primaries) {
    const ReplicaState& state = replicas_[index];
    require(state.epoch == epoch_, "L3",
            [&] { return text(state.task) + " is in " + text(state.epoch) + ", the job in " + text(epoch_); });
    for (const std::uint64_t flag : state.flags) require_everywhere(flag, primaries);  // its sender may be gone
  }
  for (std::size_t i = flags_.size(); i-- > 0;) {
    const RaisedFlag& raised = flags_[i];
    if (raised.epoch != epoch_) continue;
    if (primaries[raised.task.value] == raised.replica) require_everywhere(i, primaries);
  }
}

void Invariants::check_no_failover() const {
  for (std::size_t i = 0; i < tasks_.size(); ++i) {
    require(tasks_[i].term <= Term{1}, "L6",
            [&] { return "task " + std::to_string(i) + " failed over without a failure"; });
  }
}

}  // namespace taskgraph::sim
