/// One life of a worker inside this process: the core's Worker on a strand, and the cells of its replicas.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "host/core/worker.hpp"
#include "host/journal/life_journal.hpp"
#include "host/runtime/cell.hpp"
#include "host/runtime/chaos.hpp"
#include "host/runtime/mailbox.hpp"
#include "host/runtime/worker_outside.hpp"

namespace taskgraph::runtime {

/// What a life is made of. Outlives it.
struct WorkerParts {
  const core::JobSpec& spec;
  const core::Lease& lease;
  const tg_plugin& plugin;  ///< initialised with plugin::host_api()
  Chaos& chaos;
  journal::LifeJournal* journal = nullptr;  ///< of this life, in every detail; nullptr: none
};

/// At a stable address until the executor has stopped. Memory: one pointer per task of the job, one cell per task that
/// has ever had a replica here.
class WorkerActor final : public Mailbox<core::WorkerEvent>, private CellOutside {
 public:
  WorkerActor(Executor& executor, const WorkerParts& parts, core::LifeId life, WorkerOutside& outside);
  ~WorkerActor() override;

  // Any thread.
  core::LifeId life() const { return life_; }
  // What other lives have sent; dropped when the replica that it is for never was here.
  void receive(core::Frame&& frame);
  void receive(const core::SealAsk& ask) { post(core::event::SealAsked{ask}); }
  void receive(core::SealAck&& ack);
  /// `then` is called once, on any thread, when each cell that there is has finished what it was doing: what it checked
  /// before this call it has acted upon.
  void after_all_cells(std::function<void()> then);
  // What this life's supervisor passes on from outside: behind the views that it has sent.
  void receive(core::OutsideRequest&& request) { post(core::event::OutsideAsked{std::move(request)}); }
  void receive(const core::OutsideEnd& end) { post(core::event::OutsideGivenUp{end}); }
  std::uint64_t pulls() const { return sum_of_cells(&Cell::pulls); }
  std::uint64_t frames_dropped() const { return sum_of_cells(&Cell::frames_dropped); }
  /// Of replicas that have ended.
  core::SlowPulls slow_pulls() const;

 private:
  // Mailbox
  void handle(core::WorkerEvent event, core::Time now) override;
  void ticked(core::Time now) override;
  // CellOutside, on the strands of cells
  void send(core::LifeId to, core::Frame&& frame) override;
  void reply(core::OutsideReply&& reply) override { outside_.reply(std::move(reply)); }
  void view_applied(core::TaskId task, core::ReplicaCounter counter, core::effect::ViewApplied&& applied) override;
  void ask_seal(core::TaskId task, core::effect::AskSeal&& ask) override;
  void ask_advance(core::TaskId task, core::effect::AskAdvance ask) override;
  void ask_finish(core::TaskId task, core::effect::AskFinish&& ask) override;
  void replica_moment(const core::ReplicaMoment& moment) override { outside_.replica_moment(moment); }
  void slow_pulls(const core::SlowPulls& pulls) override;
  void replica_ended(core::TaskId task, core::Seat seat, std::optional<core::effect::Failed> failed) override;
  void log(core::TaskId task, tg_log_level level, std::string_view text) override;
  std::optional<core::Fault> before_event(core::TaskId task, core::EventClass kind) override;
  std::optional<core::Fault> before_epoch(core::TaskId task, core::Epoch epoch) override;

  // One for each effect of the core.
  void perform(core::effect::CreateReplica& effect);
  void perform(core::effect::ToReplica& effect);
  void perform(core::effect::SendSealAck& effect);
  void perform(core::effect::Resign& effect);
  void perform(core::effect::ReplyOutside& effect);
  void perform(core::effect::AllStopped& effect);

  std::optional<core::Fault> survived(std::optional<core::Fault> fault);
  Cell& cell(core::TaskId task);
  std::uint64_t sum_of_cells(std::uint64_t (Cell::*counter)() const) const;
  void post_to_replica(core::TaskId task, core::ReplicaEvent&& event);

  WorkerOutside& outside_;
  Chaos& chaos_;
  const core::LifeId life_;
  const CellShared shared_;
  core::Worker worker_;          // strand
  core::WorkerEffects effects_;  // strand
  mutable std::mutex slow_pulls_mutex_;
  core::SlowPulls slow_pulls_;             ///< guarded by slow_pulls_mutex_
  std::vector<std::atomic<Cell*>> cells_;  ///< by task; written on the strand, read by any thread
};

}  // namespace taskgraph::runtime
