/// The promises S1 to S13 of ARCHITECTURE.md, checked while a cluster runs. They see what tasks, neighbours and the
/// coordinator see: effects, accepted frames, committed transactions; never the insides of the core. Who may speak on a
/// connection, and what waits for a peer, is checked in wires.cpp.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <queue>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "host/core/documents.hpp"
#include "host/core/job.hpp"
#include "host/core/replica.hpp"
#include "host/core/supervisor.hpp"

namespace taskgraph::sim {

/// A promise was broken; ends the run.
class Violation : public std::runtime_error {
 public:
  Violation(std::string invariant, const std::string& details)
      : std::runtime_error(invariant + ": " + details), invariant_(std::move(invariant)) {}
  const std::string& invariant() const { return invariant_; }

 private:
  std::string invariant_;
};

/// Owned by a cluster. Replicas are named by the cluster's index, which is never used again.
class Invariants {
 public:
  explicit Invariants(const core::JobSpec& spec);

  // --- what the application does
  /// Returns the name of a new flag.
  std::uint64_t raised(std::uint32_t replica, core::TaskId task, core::LinkIndex link, core::Epoch epoch);
  /// Returns the token of a new pull.
  std::uint64_t pulled(std::uint32_t replica, core::Epoch epoch, core::Time deadline);

  // --- those who are no tasks
  void asked_outside(const core::OutsideName& name, core::TaskId task, core::Time deadline);
  void answered_outside(const core::OutsideName& name, const core::OutsideAnswer& answer, core::Time now);
  void asker_vanished(core::HostId asker);

  // --- what the core does
  void job_is(core::JobId job) { job_ = job; }
  void created(std::uint32_t replica, core::TaskId task, const core::Seat& seat);
  void performed(std::uint32_t replica, const core::ReplicaEffect& effect);
  void accepted(std::uint32_t replica, const core::Replica& core, const core::Stamp& stamp);
  void after_event(std::uint32_t replica, const core::Replica& core);
  void vanished(std::uint32_t replica);
  void host_learned(std::uint32_t host, core::Epoch epoch, core::ViewVersion version);
  void worker_applied(std::uint32_t worker, core::ViewVersion version);
  void job_ended(const core::StatusDocument& status);
  /// A transaction that was executed.
  void committed(const core::Transaction& transaction);

  // --- after each event
  struct OverduePull {
    std::uint64_t token;
    std::uint32_t replica;
  };
  /// The next open pull that should have ended by now, once for each time that it should be looked at.
  std::optional<OverduePull> overdue(core::Time now);
  void check_outside_deadlines(core::Time now) const;
  /// It has an excuse until then.
  void look_again(const OverduePull& pull, core::Time at) { deadlines_.emplace(at, pull.token); }

  // --- from time to time
  /// Nothing is under way: `primaries[task]` is the replica that is primary now.
  void check_settled(const std::vector<std::uint32_t>& primaries) const;
  /// Without a failure of any kind no task has changed its primary.
  void check_no_failover() const;

  const core::StatusDocument& status() const { return status_; }
  core::Epoch epoch() const { return epoch_; }
  const std::vector<core::TaskAssignment>& tasks() const { return tasks_; }

 private:
  enum class Stage : std::uint8_t { created, backup, primary, running, ended };
  static constexpr std::uint64_t kNoFlag = UINT64_MAX;
  struct SentFrame {
    std::uint64_t print;           ///< of its body
    std::uint64_t flag = kNoFlag;  ///< that it carries
  };
  struct ReplicaState {
    core::TaskId task;
    core::Seat seat;
    core::Term term;
    Stage stage = Stage::created;
    core::Epoch epoch;
    std::vector<core::Term> accepted;                           ///< newest term accepted of each task
    std::set<std::pair<core::TaskId, core::LinkIndex>> failed;  ///< neighbours told failed and not restarted
    std::vector<std::uint64_t> flags;                           ///< delivered in this epoch
    std::set<std::uint64_t> served;                             ///< tokens of pulls that user code saw
    std::set<core::OutsideName> served_outside;
    std::map<std::pair<core::TaskId, core::Term>, std::vector<SentFrame>> sent;  ///< by sequence
    std::map<std::pair<core::TaskId, core::Term>, std::uint64_t> acknowledged;   ///< to a peer, up to here
  };
  struct RaisedFlag {
    std::uint32_t replica;
    core::TaskId task;
    core::LinkIndex link;
    core::Epoch epoch;
  };
  struct StartedPull {
    std::uint32_t replica;
    core::Epoch epoch;
    bool ended = false;
  };

  void check(ReplicaState& r, const core::effect::BecamePrimary& e);
  void check(ReplicaState& r, const core::effect::BecameBackup& e);
  void check(ReplicaState& r, const core::effect::EnterEpoch& e);
  void check(ReplicaState& r, const core::effect::DeliverFlag& e);
  void check(ReplicaState& r, const core::effect::Serve& e);
  void check(ReplicaState& r, const core::effect::PullEnded& e);
  void check(ReplicaState& r, const core::effect::NeighbourChanged& e);
  void check(ReplicaState& r, const core::effect::Exit& e);
  void check(ReplicaState& r, const core::effect::Failed& e);
  void check(ReplicaState& r, const core::effect::Send& e);
  void check(ReplicaState& r, const core::effect::ReplyOutside& e);
  void check(ReplicaState& r, const core::effect::ViewApplied& e);
  void check(ReplicaState& r, const core::effect::AskSeal& e);
  void check(ReplicaState& r, const core::effect::AskAdvance& e);
  void check(ReplicaState& r, const core::effect::AskFinish& e);
  void acknowledges(ReplicaState& r, const core::Stamp& stamp);
  static void check_outside(ReplicaState& r, const core::effect::Serve& e);
  void acts(const ReplicaState& r, core::Term term);
  void write(const core::ShardDocument& shard, std::size_t first);
  void write(const core::ViewDocument& view);
  void write(const core::EpochDocument& epoch);
  void write(const core::StatusDocument& status);
  void require_everywhere(std::uint64_t flag, const std::vector<std::uint32_t>& primaries) const;

  struct Ask {
    core::TaskId task;
    core::Term term;
    core::Epoch epoch;
    friend auto operator<=>(const Ask&, const Ask&) = default;
  };

  const core::JobSpec& spec_;
  core::JobId job_;
  std::vector<ReplicaState> replicas_;
  std::set<std::pair<core::TaskId, core::Seat>> seats_;  ///< that a replica was made for
  std::map<std::pair<core::TaskId, core::Term>, std::uint32_t> primaries_;
  std::vector<core::Term> acted_;  ///< newest term of each task that has acted outwardly
  std::vector<RaisedFlag> flags_;
  std::vector<StartedPull> pulls_;
  using Deadline = std::pair<core::Time, std::uint64_t>;  ///< and the pull's token
  std::priority_queue<Deadline, std::vector<Deadline>, std::greater<>> deadlines_;
  struct OutsidePull {
    core::TaskId task;
    core::Time deadline;
  };
  std::map<core::OutsideName, OutsidePull> outside_;  ///< open
  std::set<Ask> asked_advance_;
  std::set<Ask> asked_finish_;
  std::map<std::uint32_t, std::pair<core::Epoch, core::ViewVersion>> hosts_;
  std::map<std::uint32_t, core::ViewVersion> workers_;

  // The coordinator's documents, as committed.
  std::vector<core::TaskAssignment> tasks_;
  core::ViewVersion view_;
  core::Epoch epoch_;
  bool epoch_written_ = false;
  core::StatusDocument status_;
};

}  // namespace taskgraph::sim
