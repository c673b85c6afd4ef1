/// One life of a worker: which replicas it runs, what view they have applied, and what it tells the others of that.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "host/core/assignment.hpp"
#include "host/core/ids.hpp"
#include "host/core/job.hpp"
#include "host/core/replica_event.hpp"

namespace taskgraph::core {

/// "`life` has applied the view that grants `term` of `task`", with the flags it has stored of the task.
struct SealAck {
  TaskId task;
  Term term;
  LifeId life;
  std::vector<StoredFlag> flags;
};
/// "Have you applied view `version`?": asked by the new primary of `task` while an acknowledgement is missing.
struct SealAsk {
  TaskId task;
  Term term;
  ViewVersion version;
  LifeId asker;
};
/// A replica has ended; its seat may be given to another. Repeated until a view no longer names the seat.
struct Resignation {
  TaskId task;
  Seat seat;
  Blame blame = Blame::plugin;
  std::string reason;
};

namespace event {
struct ViewPushed {
  View view;
};
struct EpochPushed {
  Epoch epoch;
};
struct ReplicaApplied {
  TaskId task;
  Seat seat;
  effect::ViewApplied applied;
};
struct ReplicaEnded {
  TaskId task;
  Seat seat;
  Blame blame = Blame::plugin;
  std::string reason;  ///< empty: it exited as it was told to
};
struct SealAsked {
  SealAsk ask;
};
/// From outside, by way of this host's supervisor: behind the views that it knew then.
struct OutsideAsked {
  OutsideRequest request;
};
struct OutsideGivenUp {
  OutsideEnd end;
};
struct StopAll {
  ExitReason reason;
};
}  // namespace event

using WorkerEvent =
    std::variant<event::ViewPushed, event::EpochPushed, event::ReplicaApplied, event::ReplicaEnded, event::SealAsked,
                 event::OutsideAsked, event::OutsideGivenUp, event::StopAll, event::Tick>;

namespace effect {
/// Make a replica, give it `epoch`, then `view` as its first one.
struct CreateReplica {
  TaskId task;
  Seat seat;
  View view;
  Epoch epoch;
};
/// An ApplyView counts from the moment in which this is performed: the replica handles nothing more before it, whatever
/// else waits for it, and however long the hook takes that runs just now (ViewLatch).
struct ToReplica {
  TaskId task;
  ReplicaEvent event;
};
/// To the primary of `ack.task` in life `to`.
struct SendSealAck {
  LifeId to;
  SealAck ack;
};
struct Resign {
  Resignation resignation;
};
/// All replicas have exited after StopAll.
struct AllStopped {};
}  // namespace effect

using WorkerEffect = std::variant<effect::CreateReplica, effect::ToReplica, effect::SendSealAck, effect::Resign,
                                  effect::ReplyOutside, effect::AllStopped>;
using WorkerEffects = std::vector<WorkerEffect>;

/// Owned by the worker's adapter, on its strand. Memory: one entry per replica.
class Worker {
 public:
  explicit Worker(LifeId life) : life_(life) {}

  void handle(WorkerEvent event, Time now, WorkerEffects& out);
  Time wakeup() const { return std::min({resign_again_at_, acknowledge_at_, late_again_at_}); }

  LifeId life() const { return life_; }
  /// No replica of this life handles anything under an older one; 0 before the first, and until it is acknowledged.
  ViewVersion applied() const;
  std::size_t replicas() const { return replicas_.size(); }
  const View& view() const { return view_; }

 private:
  struct Running {
    Seat seat;
    ViewVersion applied;
  };

  void on(event::ViewPushed& pushed, Time now, WorkerEffects& out);
  void on(event::EpochPushed& pushed, Time now, WorkerEffects& out);
  void on(event::ReplicaApplied& applied, Time now, WorkerEffects& out);
  void on(event::ReplicaEnded& ended, Time now, WorkerEffects& out);
  void on(event::SealAsked& asked, Time now, WorkerEffects& out);
  void on(event::OutsideAsked& asked, Time now, WorkerEffects& out);
  void on(event::OutsideGivenUp& given_up, Time now, WorkerEffects& out);
  void on(event::StopAll& stop, Time now, WorkerEffects& out);
  void on(event::Tick& tick, Time now, WorkerEffects& out);

  void try_apply(Time now, WorkerEffects& out);
  void acknowledge_all(WorkerEffects& out);
  void acknowledge(TaskId task, WorkerEffects& out);

  static constexpr Duration kResignAgainAfter = milliseconds(500);
  /// How long an acknowledgement waits for the flags that replicas report as they apply the view. A replica whose hook
  /// takes longer holds up nobody: what it has stored follows.
  static constexpr Duration kAcknowledgeAfter = milliseconds(20);
  /// What follows may get lost, and nobody asks for it: who has the first acknowledgement takes it for the whole.
  static constexpr Duration kLateAgainAfter = milliseconds(500);

  const LifeId life_;
  View view_;
  std::optional<Epoch> epoch_;
  View waiting_;  ///< came before the first epoch
  bool stopping_ = false;
  bool acknowledged_ = false;  ///< view_, to those that it granted terms to
  Time acknowledge_at_ = Time::never();
  std::map<TaskId, Running> replicas_;
  std::size_t lagging_ = 0;                  ///< replicas that have not reported view_ as applied
  std::map<TaskId, ReplicaCounter> newest_;  ///< counter of the newest replica made here: none is made twice
  std::vector<TaskId> granted_;              ///< tasks with a new term in views since the last acknowledgement
  std::vector<StoredFlag> flags_;            ///< stored from tasks with new terms, in this epoch
  std::vector<TaskId> late_;                 ///< whose grants were acknowledged before all flags were known
  Time late_again_at_ = Time::never();
  std::vector<Resignation> resignations_;
  Time resign_again_at_ = Time::never();
};

}  // namespace taskgraph::core
