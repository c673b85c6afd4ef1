/// The workers of a host, as a whole: started, told, missed, replaced.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "host/core/restart.hpp"
#include "host/journal/journal.hpp"
#include "host/plugin/read_only_methods.hpp"
#include "host/processes/death.hpp"
#include "host/processes/worker_process.hpp"
#include "host/runtime/host_actor.hpp"
#include "host/runtime/mailbox.hpp"
#include "host/runtime/outside_actor.hpp"

namespace taskgraph::processes {

/// All that happens to workers, one after another.
struct NurseryEvent {
  struct Begin {};
  struct Told {
    std::size_t slot;
    wire::ToSupervisor message;
  };
  struct Died {
    std::size_t slot;
  };
  /// Lost when the life has ended.
  struct Outside {
    core::LifeId to;
    std::variant<core::OutsideRequest, core::OutsideEnd> what;
  };
  std::variant<Begin, Told, Died, core::WorkerEvent, Outside> what;
};

/// A strand; at a stable address until the executor has stopped. Memory and descriptors: of the workers that run,
/// however many have died.
class Nursery final : public runtime::Mailbox<NurseryEvent>, public runtime::Workers, public runtime::OutsideRoute {
 public:
  /// `chaos`: the memory of the job's ledger; open as long as workers start.
  Nursery(runtime::Executor& executor, const core::JobSpec& spec, wire::Setup setup, unsigned workers,
          const process::Descriptor& chaos, journal::Journal& journal);

  /// Once, before events flow.
  void set_host(runtime::HostActor& host, runtime::OutsideActor& outside) {
    host_ = &host;
    outside_ = &outside;
  }

  // Any thread.
  void begin() { Mailbox::post(NurseryEvent{NurseryEvent::Begin{}}); }
  void post(const core::WorkerEvent& event) override { Mailbox::post(NurseryEvent{event}); }
  void send(core::LifeId to, core::OutsideRequest&& request) override {
    Mailbox::post(NurseryEvent{NurseryEvent::Outside{to, std::move(request)}});
  }
  void send(core::LifeId to, const core::OutsideEnd& end) override {
    Mailbox::post(NurseryEvent{NurseryEvent::Outside{to, end}});
  }
  bool is_read_only(std::string_view method) const;
  std::uint64_t pulls() const { return pulls_.load(std::memory_order_relaxed); }
  std::uint64_t failures() const { return failures_.load(std::memory_order_relaxed); }
  std::uint64_t frames_dropped() const { return frames_dropped_.load(std::memory_order_relaxed); }
  /// The workers that are ready.
  std::vector<runtime::LifeStatus> lives() const;

  // After the executor has stopped.
  /// Lets the workers go, and ends those that stay, and what they have forked.
  void close() { end_all(core::milliseconds(kLeaveMs)); }
  /// Ends them at once.
  void abandon() { end_all({}); }

  static constexpr int kLeaveMs = 1'000;  ///< for a worker to go by itself

 private:
  struct Slot {
    WorkerProcess* worker = nullptr;  ///< nullptr: it is to be started at `restart_at`
    std::uint16_t port = 0;           ///< not 0: it is ready
    bool stopped = false;             ///< its replicas have exited, or it is gone for good
    core::Time restart_at;
    KilledFor killed;
    bool is_refused = false;                     ///< it has said why it cannot start
    core::Time fenced_by = core::Time::never();  ///< or it is killed
    std::optional<runtime::HookWatch> hooks;     ///< of its page
    wire::Counters counters;                     ///< as it said last
    core::Time heard_at;                         ///< its newest message
  };

  // Mailbox
  void handle(NurseryEvent event, core::Time now) override;
  void ticked(core::Time now) override;

  void on(NurseryEvent::Begin& begin, core::Time now);
  void on(NurseryEvent::Told& told, core::Time now);
  void on(NurseryEvent::Died& died, core::Time now);
  void on(core::WorkerEvent& event, core::Time now);
  void on(NurseryEvent::Outside& outside, core::Time now);
  void pass_on(core::WorkerEvent& event, core::Time now);

  void told(Slot& slot, wire::Ready& ready);
  void told(Slot& slot, wire::CannotStart& failure);
  void told(Slot& slot, wire::Counters& counters);
  void told(Slot& slot, core::effect::AllStopped& stopped);
  void told(Slot& slot, wire::Fenced& fenced);
  void told(Slot&, wire::OutsideReplyStart&) {}  // WorkerProcess puts them together
  void told(Slot&, wire::BodyPart&) {}
  void told(Slot& slot, core::ReplicaMoment& moment);
  void told(Slot& slot, wire::SlowPullsTold& told);
  template <typename Request>
  void told(Slot&, Request& request) {
    host_->post(core::event::FromWorker{std::move(request)});
  }

  void start(Slot& slot);
  void start_due(core::Time now);
  void look(core::Time now);
  void judge(Slot& slot, core::Time now);
  void kill(Slot& slot, KilledFor why);
  void fence(core::Time now);
  void tell_journal(const Slot& slot, const WorkerProcess::Remains& remains, const Death& death, core::Time now);
  journal::WorkerName name_of(const Slot& slot, const WorkerProcess& worker) const;
  void announce_addresses();
  void send_to_ready(const wire::ToWorker& message);
  void publish_lives();
  void check_stopped();
  std::size_t end_what_is_left();
  void note_death(Slot& slot, const WorkerProcess::Remains& remains, std::size_t orphans, bool was_ready,
                  core::Time now);
  std::optional<core::Resignation> to_blame(core::LifeId life, const Death& death) const;
  void give_up(Slot& slot, std::string reason);
  void give_up(Slot& slot, runtime::JobOutcome outcome);
  void end_all(core::Duration time_to_leave);
  std::size_t number_of(const Slot& slot) const { return static_cast<std::size_t>(&slot - slots_.data()); }

  const wire::Setup setup_;
  const process::Descriptor& chaos_;
  const core::JobSpec& spec_;
  journal::Journal& journal_;
  const core::Duration look_every_;
  core::Time looked_at_;
  core::RestartPolicy restarts_;
  runtime::HostActor* host_ = nullptr;
  runtime::OutsideActor* outside_ = nullptr;
  std::vector<Slot> slots_;
  std::vector<std::unique_ptr<WorkerProcess>> workers_;  ///< by slot; some are not there just now
  core::View view_;                                      ///< as the workers were told
  bool begun_ = false;                                   ///< all were ready once
  bool stopping_ = false;
  bool reported_stopped_ = false;
  std::atomic<std::uint64_t> pulls_{0};
  std::atomic<std::uint64_t> failures_{0};
  std::atomic<std::uint64_t> frames_dropped_{0};
  mutable std::mutex methods_mutex_;
  std::optional<plugin::ReadOnlyMethods> read_only_methods_;  ///< guarded by methods_mutex_
  mutable std::mutex lives_mutex_;
  std::vector<runtime::LifeStatus> lives_;  ///< guarded by lives_mutex_
};

}  // namespace taskgraph::processes
