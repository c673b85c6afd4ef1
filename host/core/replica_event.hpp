/// All that can move a replica: what may wake this machine is answered here, and what it may ask of its adapter below.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "host/core/assignment.hpp"
#include "host/core/bytes.hpp"
#include "host/core/frame.hpp"
#include "host/core/ids.hpp"
#include "host/core/outside_pull.hpp"
#include "host/core/replication.hpp"

namespace taskgraph::core {

enum class Role : std::uint8_t { none, primary, backup };
enum class NeighbourChange : std::uint8_t { failed, restarted };
enum class ExitReason : std::uint8_t { job_ended, drain, replaced };
enum class JobStatus : std::uint8_t { done, failed };

/// Whose fault an end was: only `plugin` counts against the task.
enum class Blame : std::uint8_t { plugin, injected, outside };

/// A flag that a neighbour's primary has stored, as told in the acknowledgement of a seal.
struct StoredFlag {
  TaskId sender;
  Epoch epoch;
  Flag flag;
};

namespace event {

// From the worker.
struct ApplyView {
  View view;
  /// Tasks whose entries differ from the view applied before, one list for all replicas; nullptr for a replica's first
  /// view, in which nothing has changed for it.
  std::shared_ptr<const std::vector<TaskId>> changed;
};
struct EpochLearned {
  Epoch epoch;
};
/// `life` has applied the view that granted `term` to this task.
struct SealAcknowledged {
  LifeId life;
  Term term;
  std::vector<StoredFlag> flags;
};
struct Stop {
  ExitReason reason;
};
/// The time that wakeup() gave has come; early ones do no harm.
struct Tick {};

// From another replica.
struct FrameArrived {
  Frame frame;
};

// From an asker of pulls that is no task.
struct OutsideArrived {
  OutsideRequest request;
};
struct OutsideEnded {
  OutsideEnd end;
};

// From the task: what its hooks asked for, in order, after the hook returned. `epoch` is the one that the task was in
// when it asked: what was meant for an epoch that has passed meanwhile is dropped, never done in the next one.
struct RaiseFlag {
  Epoch epoch;
  LinkIndex link;
  Bytes meta;
};
struct StartPull {
  Epoch epoch;
  std::uint64_t token = 0;  ///< the adapter's own name for it, returned in PullEnded
  TaskId to;
  std::string method;
  Bytes body;
  Duration deadline;  ///< from now
};
struct CancelPull {
  std::uint64_t token = 0;
};
struct Reply {
  std::uint64_t serve = 0;  ///< as given in Serve
  Outcome outcome = Outcome::value;
  std::int32_t code = 0;
  Bytes body;
};
struct AdvanceEpoch {
  Epoch from;
};
struct FinishJob {
  Epoch epoch;
  JobStatus status = JobStatus::done;
  std::string result;  ///< opaque to the core
};
/// A hook failed, or the replica was killed: it stops at once, without `exit`.
struct Fail {
  Blame blame = Blame::plugin;
  std::string reason;
};

}  // namespace event

using ReplicaEvent =
    std::variant<event::ApplyView, event::EpochLearned, event::SealAcknowledged, event::Stop, event::Tick,
                 event::FrameArrived, event::OutsideArrived, event::OutsideEnded, event::RaiseFlag, event::StartPull,
                 event::CancelPull, event::Reply, event::AdvanceEpoch, event::FinishJob, event::Fail>;

namespace effect {

// Hooks to call, in this order.
struct BecamePrimary {
  Term term;
  Origin origin = Origin::fresh;
};
struct BecameBackup {};
struct EnterEpoch {
  Epoch epoch;
};
struct DeliverFlag {
  TaskId from;
  LinkIndex link;  ///< the receiver's own
  Bytes meta;
};
struct Serve {
  std::uint64_t serve = 0;
  std::optional<TaskId> from;  ///< nothing: from outside, and of no epoch
  std::string method;
  Bytes body;
};
struct PullEnded {
  std::uint64_t token = 0;
  Outcome outcome = Outcome::value;
  std::int32_t code = 0;
  Bytes body;
};
struct NeighbourChanged {
  TaskId neighbour;
  LinkIndex link;
  NeighbourChange change = NeighbourChange::failed;
};
/// The last hook; the adapter then reports the replica stopped.
struct Exit {
  ExitReason reason;
};
/// No hook any more: drop the task, then report the replica failed.
struct Failed {
  Blame blame = Blame::plugin;
  std::string reason;
};

// Outward.
struct Send {
  LifeId to;
  Frame frame;
};
/// To who asked.
struct ReplyOutside {
  OutsideReply reply;
};
struct ViewApplied {
  ViewVersion version;
  std::vector<StoredFlag> flags;  ///< stored from the tasks whose entries changed
};
/// Ask these lives (again) to acknowledge this task's grant.
struct AskSeal {
  ViewVersion version;
  Term term;
  std::vector<LifeId> lives;
};
struct AskAdvance {
  Term term;
  Epoch from;
};
struct AskFinish {
  Term term;
  Epoch epoch;
  JobStatus status = JobStatus::done;
  std::string result;
};

}  // namespace effect

using ReplicaEffect =
    std::variant<effect::BecamePrimary, effect::BecameBackup, effect::EnterEpoch, effect::DeliverFlag, effect::Serve,
                 effect::PullEnded, effect::NeighbourChanged, effect::Exit, effect::Failed, effect::Send,
                 effect::ReplyOutside, effect::ViewApplied, effect::AskSeal, effect::AskAdvance, effect::AskFinish>;
/// In the order in which they must be performed: fence, notify, send.
using ReplicaEffects = std::vector<ReplicaEffect>;

}  // namespace taskgraph::core
