/// The place of one task in one life: the strand of its replicas, one after another.
#pragma once

#include <taskgraph/abi.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "host/core/chaos.hpp"
#include "host/core/job.hpp"
#include "host/core/lease.hpp"
#include "host/core/observation.hpp"
#include "host/core/replica.hpp"
#include "host/core/view_latch.hpp"
#include "host/journal/life_journal.hpp"
#include "host/plugin/bridge.hpp"
#include "host/runtime/executor.hpp"
#include "host/runtime/hook_slots.hpp"

namespace taskgraph::runtime {

/// What cells ask of the worker that they belong to. Called on the strands of different cells at once, and `log` from
/// any thread; must not call back into the cell but by posting.
class CellOutside {
 public:
  virtual void send(core::LifeId to, core::Frame&& frame) = 0;
  virtual void reply(core::OutsideReply&& reply) = 0;
  virtual void view_applied(core::TaskId task, core::ReplicaCounter counter, core::effect::ViewApplied&& applied) = 0;
  virtual void ask_seal(core::TaskId task, core::effect::AskSeal&& ask) = 0;
  virtual void ask_advance(core::TaskId task, core::effect::AskAdvance ask) = 0;
  virtual void ask_finish(core::TaskId task, core::effect::AskFinish&& ask) = 0;
  virtual void replica_moment(const core::ReplicaMoment& moment) = 0;
  /// Of a replica that is about to say its last word.
  virtual void slow_pulls(const core::SlowPulls& pulls) = 0;
  /// The last word of a replica; its task is destroyed. `failed` is nothing when it exited as it was told to.
  virtual void replica_ended(core::TaskId task, core::Seat seat, std::optional<core::effect::Failed> failed) = 0;
  virtual void log(core::TaskId task, tg_log_level level, std::string_view text) = 0;
  /// Chaos: what shall happen to the event that is about to reach the task, and to its entry into `epoch`.
  virtual std::optional<core::Fault> before_event(core::TaskId task, core::EventClass kind) = 0;
  virtual std::optional<core::Fault> before_epoch(core::TaskId task, core::Epoch epoch) = 0;

 protected:
  ~CellOutside() = default;
};

/// What all cells of a life share. Immutable; outlives them.
struct CellShared {
  const core::JobSpec& spec;
  const core::Lease& lease;
  const tg_plugin& plugin;  ///< initialised with plugin::host_api()
  plugin::CheckResult check_result;
  CellOutside& outside;
  std::string life;                         ///< uuid as text
  journal::LifeJournal* journal = nullptr;  ///< of every detail; nullptr: none
};

/// Made by the worker, at a stable address until the executor has been stopped; a task's threads may answer pulls until
/// then. Any thread may post; hooks, the core and CellOutside are called on the strand.
///
/// One event goes to the core; its effects are performed in order; then what their hooks asked for goes to the core as
/// further events, in order. A hook that fails ends its replica: the hooks behind it in the same batch are not called,
/// what it asked for itself is dropped, what was asked for before it and what the core sends still goes out.
class Cell final : public Strand, private plugin::BridgeOutside {
 public:
  struct Create {
    core::Replica::Identity identity;
    core::View view;
    core::Epoch epoch;
  };
  struct Kill {
    core::Blame blame = core::Blame::outside;
    std::string reason;
  };

  Cell(Executor& executor, const CellShared& shared, core::TaskId task);
  ~Cell();

  // --- any thread
  /// A replica that is still there is told to exit as replaced first.
  void create(Create create);
  /// Dropped when there is no replica; who asks from outside is told. A frame is dropped, too, when kFramesQueuedMax of
  /// them wait already: the channel that it belongs to sends it again.
  void post(core::ReplicaEvent&& event);
  /// From the return of this call on, the replica handles nothing more under an older view (core::ViewLatch).
  void apply(core::event::ApplyView&& view);
  void kill(Kill kill);
  /// Lets go of `token` when all that was posted before has been handled.
  void hold(std::shared_ptr<void> token);
  core::TaskId task() const { return task_; }
  /// Since the cell was made; for progress.
  std::uint64_t events() const { return events_.load(std::memory_order_relaxed); }
  std::uint64_t pulls() const { return pulls_.load(std::memory_order_relaxed); }
  std::uint64_t frames_dropped() const { return frames_dropped_.load(std::memory_order_relaxed); }

  /// Frames that one cell may have in its mailbox: while a hook computes, peers send, and send again. Their bytes are
  /// shared with the channels that keep them. Four times as many as the pulls that a task answers at once by default.
  static constexpr std::uint32_t kFramesQueuedMax = 65'536;

  /// What hooks may ask for in one activation; more goes on in the next one, so that a hook that asks in a circle
  /// delays its own task only.
  static constexpr std::size_t kCommandsPerEventMax = 1'024;

 private:
  struct Posted {
    std::uint32_t serial;
    tg_continuation continuation;
  };
  struct Replied {
    std::uint32_t serial;
    core::event::Reply reply;
  };
  struct ViewLatched {};
  struct GoOn {};
  struct Event;
  struct Live;
  struct Delayed {
    core::Time until;
    core::Frame frame;
  };

  // Strand
  void run(Node* batch, bool ticked, core::Time now) override;
  // plugin::BridgeOutside
  core::Time now() const override { return runtime::now(); }
  std::string_view life() const override { return shared_.life; }
  void log(core::TaskId task, tg_log_level level, std::string_view text) const override;
  void post_reply(std::uint32_t serial, core::event::Reply reply) override;
  void post_continuation(std::uint32_t serial, tg_continuation continuation) override;

  bool has_room_for_frame();

  // One for each kind of event.
  void on(Create& create);
  void on(core::ReplicaEvent& event);
  void on(Posted& posted);
  void on(Replied& replied);
  void on(Kill& kill);
  void on(ViewLatched);
  void on(GoOn&);
  void on(std::shared_ptr<void>& token) { token.reset(); }
  void run_continuation(const tg_continuation& continuation);
  void on_time();

  bool is_faulty(core::ReplicaEvent& event);
  std::optional<core::Fault> chaos_at_event(core::EventClass kind);
  bool fail_by_chaos(const core::Fault& fault);
  bool start(const Create& create);
  void drive(core::ReplicaEvent&& event);  ///< the event and all that its hooks ask for
  void finish_commands();
  void step(core::ReplicaEvent&& event);
  void apply_latched();
  void handle(core::ReplicaEvent&& event);
  void handle_watched(core::ReplicaEvent&& event);
  void perform_all(core::ReplicaEffects& effects);
  void tell(core::ReplicaMoment::What what);
  void tell_progress(const core::ReplicaEffects& effects);
  template <typename Function>
  bool call(Hook hook, Function function);
  void end(std::optional<core::effect::Failed> failed);
  void forget_ended();
  void report_pulls();

  // One for each effect.
  void perform(core::effect::BecamePrimary& effect);
  void perform(core::effect::BecameBackup& effect);
  void perform(core::effect::EnterEpoch& effect);
  void perform(core::effect::DeliverFlag& effect);
  void perform(core::effect::Serve& effect);
  void perform(core::effect::PullEnded& effect);
  void perform(core::effect::NeighbourChanged& effect);
  void perform(core::effect::Exit& effect);
  void perform(core::effect::Failed& effect);
  void perform(core::effect::Send& effect);
  void perform(core::effect::ReplyOutside& effect);
  void perform(core::effect::ViewApplied& effect);
  void perform(core::effect::AskSeal& effect);
  void perform(core::effect::AskAdvance& effect);
  void perform(core::effect::AskFinish& effect);

  // fixed after construction
  const CellShared& shared_;
  const core::TaskId task_;

  // any thread
  std::atomic<std::uint64_t> events_{0};
  std::atomic<std::uint64_t> pulls_{0};
  std::atomic<bool> view_latched_{false};
  std::mutex views_mutex_;
  core::ViewLatch views_;  ///< guarded by views_mutex_
  std::atomic<std::uint64_t> frames_dropped_{0};
  std::atomic<std::uint32_t> frames_queued_{0};  ///< until the activation that handles them has ended

  // on the strand
  std::uint32_t next_serial_ = 1;
  std::unique_ptr<Live> live_;
  std::vector<Delayed> delayed_;  ///< by chaos, in order of arrival
  core::Time now_;
  bool now_is_old_ = false;  ///< a hook has run since
};

}  // namespace taskgraph::runtime
