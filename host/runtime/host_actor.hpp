/// The supervisor of a host inside this process: the core's Supervisor on a strand, with its coordinator.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "host/config/exit_codes.hpp"
#include "host/coordinator/coordinator.hpp"
#include "host/core/supervisor.hpp"
#include "host/journal/journal.hpp"
#include "host/runtime/job_status.hpp"
#include "host/runtime/mailbox.hpp"

namespace taskgraph::runtime {

/// How a job ended, or why this host could not go on with it.
struct JobOutcome {
  enum class Kind : std::uint8_t { done, failed, stopped, documents_lost, refused } kind = Kind::stopped;
  std::uint64_t epochs = 0;  ///< the epoch in which it ended
  std::string result = "{}";
  std::string reason;                           ///< of failed, documents_lost and refused
  std::optional<config::ExitCode> exit_code{};  ///< where `kind` does not say which
};
std::string_view name(JobOutcome::Kind kind);
journal::Journal::End journal_end(const JobOutcome& outcome);

/// The workers of a host, as its supervisor sees them. Called on the supervisor's strand, and `post` from any thread.
class Workers {
 public:
  /// To every one that lives.
  virtual void post(const core::WorkerEvent& event) = 0;

 protected:
  ~Workers() = default;
};

/// At a stable address until the executor has stopped.
class HostActor final : public Mailbox<core::SupervisorEvent>, private coordinator::Coordinator::Listener {
 public:
  /// Each is called once at most, on any thread.
  struct Listener {
    std::function<void(JobOutcome)> decided;  ///< the job has ended; replicas may still be in a hook
    std::function<void(JobOutcome)> ended;    ///< the same outcome, or `stopped`: all replicas have exited
    std::function<void()> ready{};            ///< every task has a primary, for the first time; may be empty
  };

  HostActor(Executor& executor, const core::JobSpec& spec, coordinator::Coordinator& coordinator, core::HostId id,
            std::string digest, Workers& workers, journal::Journal& journal, Listener listener);

  /// Once, before events flow: opens the session.
  void open() { coordinator_.open(*this); }
  /// Any thread: the tasks get `exit`, then the outcome is `stopped`, unless the job ends first.
  void drain();
  /// Any thread: this host does not go on; its tasks get `exit`. Unless the job has ended before.
  void give_up(JobOutcome outcome);
  /// All replicas of all workers have exited. Once, any thread.
  void all_stopped();
  /// From the first view on; any thread that learnt of a view.
  core::JobId job() const { return supervisor_.job(); }
  // For progress. Any thread.
  core::Epoch epoch() const { return {epoch_.load(std::memory_order_relaxed)}; }
  std::uint32_t tasks_up() const { return tasks_up_.load(std::memory_order_relaxed); }
  /// What this actor knows of the job, for its status: all but the workers' share. Any thread.
  void describe(JobStatus& status) const;

 private:
  // Mailbox
  void handle(core::SupervisorEvent event, core::Time now) override;
  void ticked(core::Time now) override;
  // Coordinator::Listener, any thread
  void replied(core::TransactionReply reply) override { post(std::move(reply)); }
  void replied(core::ReadReply reply) override { post(std::move(reply)); }
  void documents_changed() override { post(core::event::DocumentsChanged{}); }
  void session_lost() override { post(core::event::SessionLost{}); }

  // One for each effect of the core.
  void perform(core::effect::Transact& effect);
  void perform(core::effect::Read& effect);
  void perform(core::effect::ToWorkers& effect);
  void perform(core::effect::ToHost& effect);
  void perform(core::effect::JobEnded& effect);
  void perform(core::effect::Refused& effect);
  void decide(JobOutcome outcome);
  void note(const core::SupervisorEvent& event, core::Time now);
  void note(const core::View& view);
  void update_status();

  coordinator::Coordinator& coordinator_;
  Workers& workers_;
  journal::Journal& journal_;
  core::JobId fresh_;                // strand: of event::Start
  bool opened_ = false;              // strand: the journal knows the job
  core::Supervisor supervisor_;      // strand
  core::SupervisorEffects effects_;  // strand
  core::View noted_;                 // strand: the newest view that was logged
  bool was_ready_ = false;           // strand
  std::atomic<std::uint32_t> tasks_up_{0};
  std::atomic<std::uint64_t> epoch_{0};
  mutable std::mutex end_mutex_;
  JobOutcome outcome_;  // guarded by end_mutex_, as the ones below
  bool is_decided_ = false;
  bool is_draining_ = false;
  mutable std::mutex status_mutex_;
  JobStatus status_;  // guarded by status_mutex_: state until the end, job, host, controller, view
  const Listener listener_;
};

}  // namespace taskgraph::runtime
