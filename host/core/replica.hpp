/// One replica of a task: roles, terms, epochs, flags, pulls. A state machine: (event, now) in, effects out.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "host/core/assignment.hpp"
#include "host/core/channel.hpp"
#include "host/core/flags.hpp"
#include "host/core/job.hpp"
#include "host/core/lease.hpp"
#include "host/core/outside_serves.hpp"
#include "host/core/pulls.hpp"
#include "host/core/replica_event.hpp"
#include "host/core/seal.hpp"
#include "host/core/serves.hpp"

namespace taskgraph::core {

/// What was dropped and why, and what happened how often: for status, and to show that a test reached a branch.
struct ReplicaCounters {
  std::uint64_t accepted = 0;  ///< frames that passed the receiver's checks
  std::uint32_t foreign_job = 0;
  std::uint32_t misaddressed = 0;  ///< for another term of this task, or for a backup
  std::uint32_t stale_term = 0;
  std::uint32_t ahead_of_view = 0;  ///< of a term that the applied view does not know yet; it will be sent again
  std::uint32_t no_lease = 0;
  std::uint32_t duplicates = 0;
  std::uint32_t over_limit = 0;
  std::uint32_t held = 0;          ///< frames that came out of order
  std::uint32_t epoch_passed = 0;  ///< frames of an epoch that this replica has left
  std::uint32_t late_answers = 0;
  std::uint32_t late_replies = 0;       ///< of the task, to pulls that had ended
  std::uint32_t outside_not_here = 0;   ///< pulls from outside that came without a term, role or lease to serve them
  std::uint32_t outside_repeated = 0;   ///< pulls from outside that were known already
  std::uint32_t outside_forgotten = 0;  ///< that nobody ended
  std::uint32_t resent = 0;
  std::uint64_t pulls = 0;  ///< ended here
};

/// Owned by its adapter and called on its strand only. All events of one life of the replica come here in one order;
/// the effects are performed in order before the next event. `now` never falls.
class Replica {
 public:
  struct Identity {
    JobId job;
    TaskId task;
    Seat seat;
  };

  /// `spec` and `lease` outlive the replica.
  Replica(Identity identity, const JobSpec& spec, const Lease& lease);

  void handle(ReplicaEvent&& event, Time now, ReplicaEffects& out);
  /// When a Tick is wanted at the latest; never() when nothing waits.
  Time wakeup() const { return wakeup_; }

  const Identity& identity() const { return identity_; }
  Role role() const { return role_; }
  Term term() const { return role_ == Role::primary ? term_ : Term{}; }
  Epoch epoch() const { return epoch_.value_or(Epoch{}); }
  /// Rising; valid until the next event.
  std::span<const TaskId> neighbours(LinkIndex link) const { return neighbours_[link.value]; }
  bool has_ended() const { return ended_; }
  bool is_sealed() const { return role_ == Role::primary && seal_.is_closed(); }
  /// For the answer that a hook gets at once; the event itself comes later.
  bool has_room_for_flag(std::size_t flags_queued) const {
    return flags_.raised_here() + flags_queued < spec_.limits.flags_per_epoch;
  }
  const ReplicaCounters& counters() const { return counters_; }
  const SlowPulls& slow_pulls() const { return pulls_.slowest(); }
  /// Frames of all peers that wait for one before them, and that are kept until a peer acknowledges them: for limits
  /// and tests.
  std::size_t frames_held() const;
  std::size_t frames_kept() const;

 private:
  /// The primary of another task, at one term.
  struct Peer {
    TaskId task;
    Term term;
    LifeId life;
    bool dirty;
    Channel channel;
  };

  // One for each event.
  void on(event::ApplyView& applied, Time now, ReplicaEffects& out);
  void on(event::EpochLearned& learned, Time now, ReplicaEffects& out);
  void on(event::SealAcknowledged& acknowledged, Time now, ReplicaEffects& out);
  void on(event::Stop& stop, Time now, ReplicaEffects& out);
  void on(event::Tick& tick, Time now, ReplicaEffects& out);
  void on(event::FrameArrived& arrived, Time now, ReplicaEffects& out);
  void on(event::OutsideArrived& arrived, Time now, ReplicaEffects& out);
  void on(event::OutsideEnded& ended, Time now, ReplicaEffects& out);
  void on(event::RaiseFlag& raise, Time now, ReplicaEffects& out);
  void on(event::StartPull& start, Time now, ReplicaEffects& out);
  void on(event::CancelPull& cancel, Time now, ReplicaEffects& out);
  void on(event::Reply& reply, Time now, ReplicaEffects& out);
  void on(event::AdvanceEpoch& advance, Time now, ReplicaEffects& out);
  void on(event::FinishJob& finish, Time now, ReplicaEffects& out);
  void on(event::Fail& fail, Time now, ReplicaEffects& out);

  // The only places that change role and epoch, and that end the replica.
  void become_primary(Term term, Time now, ReplicaEffects& out);
  void become_backup(ReplicaEffects& out);
  void enter_epoch(Epoch epoch, Time now, ReplicaEffects& out);
  void exit(ExitReason reason, ReplicaEffects& out);

  // Neighbours and peers.
  void find_neighbours();
  bool is_neighbour(TaskId task) const;
  void task_changed(TaskId task, const TaskAssignment& before, const TaskAssignment& after, ReplicaEffects& out);
  void tell_failed(TaskId task, ReplicaEffects& out);
  void tell_restarted(TaskId task, ReplicaEffects& out);
  void tell(TaskId task, NeighbourChange change, ReplicaEffects& out);
  Peer* peer(TaskId task);  ///< made at first contact; nullptr while the task has no primary
  void forget_peer(TaskId task);
  void mark_dirty(Peer& peer);

  // Frames.
  bool accepts(const Stamp& stamp, Time now);
  void drain(Peer& from, Time now, ReplicaEffects& out);
  void deliver(Peer& from, const Stamp& stamp, Flag flag, ReplicaEffects& out);
  void deliver(Peer& from, const Stamp& stamp, PullRequest request, ReplicaEffects& out);
  void deliver(Peer& from, PullAnswer answer, Time now, ReplicaEffects& out);
  void answer(Peer& to, Epoch epoch, PullAnswer answer);
  void answer(const Serves::OfTask& serve, event::Reply& reply);
  void answer(const OutsideName& name, event::Reply& reply);
  void announce(const Flag& flag);
  void adopt(const StoredFlag& stored);
  void adopt_early();
  void repeat_to(TaskId restarted);

  // From outside.
  void forget_outside(const OutsideName& name);
  void expire_outside(Time now);

  // After each event.
  bool may_act(Time now) const { return role_ == Role::primary && seal_.is_closed() && lease_.holds(now); }
  void ask_controller(Time now, ReplicaEffects& out);
  void flush(Time now, ReplicaEffects& out);
  void flush(Peer& peer, bool resend, Time now, ReplicaEffects& out);
  void wake_at(Time time) { wakeup_ = time < wakeup_ ? time : wakeup_; }
  void recompute_wakeup(Time now);
  Stamp stamp_to(const Peer& peer) const;

  static constexpr Duration kAcknowledgeAfter = milliseconds(20);
  static constexpr std::uint64_t kAcknowledgeFrames = 32;
  static constexpr Duration kAskAgainAfter = milliseconds(500);
  /// Nobody tells when a lease begins again.
  static constexpr Duration kOutsideTryAfter = milliseconds(100);

  // Fixed after construction.
  const Identity identity_;
  const JobSpec& spec_;
  const Lease& lease_;

  Role role_ = Role::none;
  Term term_;
  std::optional<Epoch> epoch_;
  bool ended_ = false;
  View view_;
  Seal seal_;
  std::vector<std::vector<TaskId>> neighbours_;  ///< by link
  std::vector<TaskId> failed_told_;              ///< neighbours whose failure the task knows, and no restart yet
  std::vector<std::unique_ptr<Peer>> peers_;     ///< by rising task; made at first contact
  std::vector<Peer*> dirty_;                     ///< with something to send
  Flags flags_;
  Epoch early_epoch_;  ///< the newest that an acknowledgement has told of, if later than the own one
  Flags early_flags_;  ///< of early_epoch_, to adopt when it is entered
  Pulls pulls_;
  Serves serves_;
  OutsideServes outside_;

  std::optional<effect::AskAdvance> asked_advance_;
  std::optional<effect::AskFinish> asked_finish_;
  Time ask_again_at_ = Time::never();
  Time acknowledge_at_ = Time::never();
  Time wakeup_ = Time::never();
  std::vector<Frame> outgoing_;  ///< of flush(); kept for its memory
  ReplicaCounters counters_;
};

}  // namespace taskgraph::core
