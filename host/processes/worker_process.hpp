/// A worker process as its supervisor holds it: child, stream, output, page, lease, death.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "host/core/lease.hpp"
#include "host/core/worker.hpp"
#include "host/process/child.hpp"
#include "host/processes/beat_page.hpp"
#include "host/processes/control_link.hpp"
#include "host/processes/worker_output.hpp"
#include "host/runtime/worker_outside.hpp"
#include "host/wire/body_joiner.hpp"
#include "host/wire/control.hpp"

namespace taskgraph::processes {

/// One worker process after another in one place: the strands stay, all else is the process' own and goes with it. At a
/// stable address until the executor has stopped; functions are called by one strand, and by one thread after that.
class WorkerProcess final {
 public:
  /// Called on strands of this process, in order.
  struct Listener {
    std::function<void(wire::ToSupervisor&&)> told;
    std::function<void(core::OutsideReply&&)> replied;
    /// All that it has told came before. It is to be reaped.
    std::function<void()> died;
  };

  /// A reply of more than `body_bytes_max` ends the link.
  WorkerProcess(runtime::Executor& executor, std::uint64_t body_bytes_max, Listener listener);

  /// Spawns a process and sends its setup; it gets the memory of `chaos`. The one before has been reaped. Throws
  /// std::system_error.
  void start(const wire::Setup& setup, const process::Descriptor& chaos);
  /// What is left of a process.
  struct Remains {
    core::LifeId life;
    pid_t pid;
    process::Ending ending;
    process::SharedMemory page;  ///< its BeatPage
  };
  /// After `died`, which comes once for each start.
  Remains reap();

  // From `start` to `reap`.
  core::LifeId life() const { return process_->life; }
  pid_t pid() const { return process_->child.pid(); }
  core::Time started() const { return process_->started; }
  void send(const wire::ToWorker& message);
  void send(core::OutsideRequest&& request);
  void send(const core::OutsideEnd& end);
  /// When it was seen to run; before its first beat: when it was started.
  core::Time newest_beat() const { return std::max(process_->started, page().newest()); }
  const BeatPage& page() const { return BeatPage::in(process_->page); }
  /// That this process may write and the worker can only read. Open-ended at first.
  core::Lease& lease() { return *process_->lease; }
  void signal(int number) const { process_->child.signal(number); }
  bool is_there() const { return process_.has_value(); }

  // After the executor has stopped.
  /// Ends the stream: a worker whose replicas have exited leaves, any other one ends at once.
  void let_go() { link_.hang_up(); }
  /// Until `end`; then it is killed.
  void await(core::Time end);

 private:
  class Link final : public ControlLink {
   public:
    Link(runtime::Executor& executor, std::uint64_t body_bytes_max, const Listener& listener)
        : ControlLink(executor), listener_(listener), replies_(body_bytes_max) {}
    void hang_up() { close(); }

   private:
    bool message(std::string_view bytes) override;
    void ended(const std::string&) override {}  // its death says more
    std::string body_part(std::string_view bytes) const override;
    void replied(std::optional<core::OutsideReply> reply);
    /// What the next process sends begins anew.
    void finished() override {
      replies_.begin_anew();
      listener_.died();
    }
    const Listener& listener_;
    wire::BodyJoiner<core::OutsideReply> replies_;
  };
  /// What belongs to one process.
  struct Process {
    core::LifeId life;
    core::Time started;
    process::SharedMemory page;
    process::SharedMemory lease_memory;
    core::Lease* lease;  ///< in lease_memory
    process::Child child;
  };

  const Listener listener_;
  Link link_;
  WorkerOutput output_;
  std::optional<Process> process_;
};

}  // namespace taskgraph::processes
