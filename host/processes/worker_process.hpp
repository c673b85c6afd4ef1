/// A worker process as its supervisor holds it: child, stream, death.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "host/core/worker.hpp"
#include "host/process/child.hpp"
#include "host/processes/beat_page.hpp"
#include "host/processes/control_link.hpp"
#include "host/runtime/io_strand.hpp"
#include "host/runtime/worker_outside.hpp"
#include "host/wire/body_joiner.hpp"
#include "host/wire/control.hpp"

namespace taskgraph::processes {

/// One worker process. At a stable address until the executor has stopped.
class WorkerProcess final {
 public:
  /// Called on strands of this process, in order, `died` last.
  struct Listener {
    std::function<void(WorkerProcess&, wire::ToSupervisor&&)> told;
    std::function<void(core::OutsideReply&&)> replied;
    /// Reaped, and all that it had forked.
    std::function<void(WorkerProcess&, const process::Ending&)> died;
  };

  /// Spawns it and sends its setup. A reply of more than `body_bytes_max` ends the link. Throws std::system_error.
  WorkerProcess(runtime::Executor& executor, wire::Setup setup, std::uint64_t body_bytes_max, Listener listener);

  core::LifeId life() const { return life_; }
  pid_t pid() const { return watch_.child.pid(); }
  /// Any thread.
  void send(const wire::ToWorker& message);
  void send(core::OutsideRequest&& request);
  void send(const core::OutsideEnd& end);
  /// When it was seen to run; before its first beat: when it was started.
  core::Time newest_beat() const { return std::max(started_, BeatPage::in(beats_).newest()); }
  void signal(int number) const { watch_.child.signal(number); }

  // After the executor has stopped.
  /// Ends the stream: a worker whose replicas have exited leaves, any other one ends at once.
  void let_go() { link_.hang_up(); }
  /// Until `end`; then it is killed.
  void await(core::Time end);

 private:
  class Link final : public ControlLink {
   public:
    Link(runtime::Executor& executor, process::Descriptor socket, std::uint64_t body_bytes_max, WorkerProcess& of)
        : ControlLink(executor, std::move(socket)), of_(of), replies_(body_bytes_max) {}

   private:
    bool message(std::string_view bytes) override;
    void ended(const std::string&) override {}  // its death says more
    std::string body_part(std::string_view bytes) const override;
    void replied(std::optional<core::OutsideReply> reply);

   public:
    void hang_up() { close(); }

   private:
    WorkerProcess& of_;
    wire::BodyJoiner<core::OutsideReply> replies_;
  };
  /// Told by the pidfd.
  class Watch final : public runtime::IoStrand {
   public:
    Watch(runtime::Executor& executor, process::Child of, WorkerProcess& worker)
        : IoStrand(executor), child(std::move(of)), of_(worker) {}
    ~Watch() override { take_posted(); }
    void start() { watch(child.pidfd()); }
    process::Child child;

   private:
    void ready(std::uint32_t events, core::Time now) override;
    void posted(Node*, bool, core::Time) override {}
    WorkerProcess& of_;
    bool told_ = false;
  };

  struct Ends;
  static Ends socket_pair();
  WorkerProcess(runtime::Executor& executor, wire::Setup setup, std::uint64_t body_bytes_max, Listener listener,
                Ends ends);

  const core::LifeId life_;
  const Listener listener_;
  const core::Time started_ = runtime::now();
  const process::SharedMemory beats_ = process::SharedMemory::make("taskgraph-beats", kBeatPageBytes);
  Link link_;
  Watch watch_;
};

}  // namespace taskgraph::processes
