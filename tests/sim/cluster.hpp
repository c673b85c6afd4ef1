/// Hosts with the real core and data plane in a simulated world: connections, coordinator, clock, faults, tasks. One
/// seed, one run.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

#include "host/core/outside_asker.hpp"
#include "host/core/replica.hpp"
#include "host/core/supervisor.hpp"
#include "host/core/view_latch.hpp"
#include "host/core/worker.hpp"
#include "tests/sim/application.hpp"
#include "tests/sim/coordinator.hpp"
#include "tests/sim/counters.hpp"
#include "tests/sim/invariants.hpp"
#include "tests/sim/network.hpp"
#include "tests/sim/scenario.hpp"
#include "tests/sim/trace.hpp"
#include "tests/sim/wires.hpp"

namespace taskgraph::sim {

/// One thread. Events happen one at a time, by (time, number); each is handled by one machine of the core, whose
/// effects become further events. Throws Violation when a promise is broken.
class Cluster final : private WireWorld {
 public:
  /// Who watches a story: called for each hook and each drop, in words. Tasks then do only what the story says.
  using Watch = std::function<void(core::TaskId task, const std::string& what)>;

  Cluster(const Scenario& scenario, std::uint64_t seed, bool print, Watch watch = nullptr);

  /// A whole seed: storm, calm, storm, calm, end of the job, end of all hosts.
  void run();

  // --- for stories
  void run_for(core::Duration duration);
  void command(core::TaskId task, core::ReplicaEvent event);
  void crash_host_of(core::TaskId task);
  void kill_worker_of(core::TaskId task);
  void hold(core::TaskId from, std::optional<core::TaskId> to) { holds_.push_back({from, to}); }
  void hold_addresses() { wires_.hold_addresses(); }
  /// Of the next batch between the lives of two tasks' primaries.
  void cut_batch(core::TaskId from, core::TaskId to, std::size_t bytes);
  void lose_response(core::TaskId from, core::TaskId to);
  void release();
  /// nullptr: the task has no primary.
  const core::Replica* primary(core::TaskId task) const;

  const Counters& counters() const { return counters_; }
  const Trace& trace() const { return trace_; }
  const Invariants& invariants() const { return invariants_; }

 private:
  struct SimReplica {
    std::uint32_t index;
    std::uint32_t worker;
    core::Replica core;
    Application application;
    core::Time mailbox_at;
    core::Time tick_at = core::Time::never();
    core::Term reported;  ///< the term that it has as primary
    bool ended = false;
    bool started = false;  ///< it has its first view
    core::ViewLatch views;
  };
  struct SimWorker {
    std::uint32_t index;
    std::uint32_t host;
    core::Worker core;
    bool alive = true;
    bool stopped = false;
    core::Time inbox_at;
    core::Time tick_at = core::Time::never();
    std::vector<std::uint32_t> replicas;  ///< by task; kNone where there is none
  };
  struct SimHost {
    std::uint32_t index;
    std::uint32_t place;
    core::Supervisor core;
    coordinator::SessionId session;
    bool alive = true;
    bool ended = false;
    bool notified = false;  ///< a notice is under way: further ones are the same
    core::Time inbox_at;
    core::Time tick_at = core::Time::never();
    std::vector<std::uint32_t> workers;
    core::OutsideAsker outside;
    core::Time outside_tick_at = core::Time::never();
    std::uint64_t outside_asked = 0;
  };
  // What can happen.
  struct ToReplica {
    std::uint32_t replica;
    core::ReplicaEvent event;
  };
  struct ToWorker {
    std::uint32_t worker;
    core::WorkerEvent event;
  };
  struct ToSupervisor {
    std::uint32_t host;
    core::SupervisorEvent event;
  };
  struct Landed {
    std::uint32_t worker;
    Parcel parcel;
  };
  /// A frame that a story has held back goes on its way.
  struct Released {
    std::uint32_t worker;
    core::effect::Send sent;
  };
  struct HostLetter {
    core::HostId to;
    core::HostMessage message;
  };
  struct Arrival {
    std::uint32_t from;
    std::uint32_t to;
    std::uint32_t generation;
    std::uint64_t number;  ///< of sending
    HostLetter letter;
  };
  struct Executes {
    std::uint32_t host;
    core::RequestId request;
    std::optional<core::Transaction> transaction;  ///< nothing: a read
    std::optional<core::Duration> replies_in;
  };
  struct ViewLatched {
    std::uint32_t replica;
  };
  struct ReplicaTick {
    std::uint32_t replica;
  };
  struct WorkerTick {
    std::uint32_t worker;
  };
  struct SupervisorTick {
    std::uint32_t host;
  };
  struct TaskTimer {
    std::uint32_t replica;
    AppTimer timer;
  };
  struct SessionEnds {
    coordinator::SessionId session;
  };
  struct StartHost {
    std::uint32_t place;
  };
  struct StartWorker {
    std::uint32_t host;
  };
  struct Heal {
    std::uint32_t from;
    std::uint32_t to;
  };
  struct OutsiderAsks {
    std::uint32_t host;
  };
  struct OutsideTick {
    std::uint32_t host;
  };
  struct ToAsker {
    std::uint32_t host;
    core::OutsideReply reply;
  };
  struct OutsideWay {
    core::Duration delay;
    std::uint32_t copies;
    bool told_lost;
  };
  struct NextFault {};
  struct Notice {
    std::uint32_t host;
  };
  using Event = std::variant<ToReplica, ViewLatched, ToWorker, ToSupervisor, Arrival, Executes, ReplicaTick, WorkerTick,
                             SupervisorTick, TaskTimer, SessionEnds, StartHost, StartWorker, Heal, NextFault, Notice,
                             WireEvent, Landed, Released, OutsiderAsks, OutsideTick, ToAsker>;
  struct Place {
    core::Time at;
    std::uint64_t number;
    std::uint32_t slot;
    bool operator>(const Place& other) const { return at != other.at ? at > other.at : number > other.number; }
  };

  void schedule(core::Time at, Event event);
  void schedule_in_order(core::Time& last, core::Duration delay, Event event);
  bool step(core::Time until);
  void run_until(core::Time until);
  bool all_ended() const;
  void check_deadlines();

  void happen(ToReplica& e);
  void happen(ViewLatched& e);
  void happen(ToWorker& e);
  void happen(ToSupervisor& e);
  void happen(Arrival& e);
  void happen(Executes& e);
  void happen(ReplicaTick& e);
  void happen(WorkerTick& e);
  void happen(SupervisorTick& e);
  void happen(TaskTimer& e);
  void happen(SessionEnds& e);
  void happen(StartHost& e);
  void happen(StartWorker& e);
  void happen(Heal& e);
  void happen(NextFault& e);
  void happen(Notice& e);
  void happen(WireEvent& e) { wires_.happen(e); }
  void happen(Landed& e);
  void happen(Released& e) { send(*workers_[e.worker], e.sent.to, std::move(e.sent.frame)); }
  void happen(OutsiderAsks& e);
  void happen(OutsideTick& e);
  void happen(ToAsker& e);

  // One event of a machine, and its effects.
  void move(SimReplica& replica, core::ReplicaEvent event);
  void move(SimWorker& worker, core::WorkerEvent event);
  void move(SimHost& host, core::SupervisorEvent event);
  void perform(SimReplica& replica, core::ReplicaEffect& effect);
  void watch(const SimReplica& replica, const core::ReplicaEffect& effect) const;
  void watch_drops(const SimReplica& replica, const core::ReplicaCounters& before) const;
  void run_hook(SimReplica& replica, const core::ReplicaEffect& effect);
  void run_app_timer(SimReplica& replica, const AppTimer& timer);
  void take_app_timers(SimReplica& replica);
  AppContext context(SimReplica& replica);
  void drain_commands(SimReplica& replica);
  void one_event(SimReplica& replica, core::ReplicaEvent event);
  void apply_latched(SimReplica& replica);
  void to_replica(SimReplica& replica, core::Duration delay, core::ReplicaEvent event);

  void send(std::uint32_t from_place, std::uint32_t to_place, const HostLetter& letter);
  void send(const SimWorker& from, core::LifeId to, Parcel&& parcel);
  void deliver_to(const SimWorker& worker, core::TaskId task, core::ReplicaEvent event);
  // WireWorld
  core::Time now() const override { return now_; }
  void schedule(core::Time at, WireEvent event) override { schedule(at, Event(event)); }
  void land(std::uint32_t worker, core::Time at, Parcel&& parcel) override;
  void note(const std::string& what) override;
  void request(SimHost& host, core::RequestId id, std::optional<core::Transaction> transaction);
  void notify_hosts();
  void start_worker(SimHost& host);
  void create_replica(SimWorker& worker, const core::effect::CreateReplica& create);
  void remove(SimReplica& replica);

  // From outside.
  void outside_hears(SimHost& host, const core::WorkerEvent& event);
  void perform(SimHost& host, core::OutsideEffects& effects);
  void to_worker_of(SimHost& host, core::LifeId to, const core::WorkerEvent& event,
                    const std::optional<core::OutsideReply>& lost);
  void to_asker(const SimWorker& worker, core::OutsideReply reply);
  OutsideWay outside_way(std::uint32_t from, std::uint32_t to, bool may_be_lost);

  // Faults.
  bool faulty() const override { return storm_ && !calm_; }
  SimReplica* any_replica();
  SimHost* any_host();
  void kill_worker(SimWorker& worker);
  void crash(SimHost& host);
  void inject_foreign(SimReplica& replica);
  void inject_flood(SimReplica& replica);
  void inject_stranger();
  void inject(std::uint64_t choice);

  void settle();
  std::vector<std::uint32_t> settled_primaries() const;
  void poke();

  const SimReplica& primary_of(core::TaskId task) const;
  SimWorker* alive_worker(core::LifeId life);
  SimHost* host_of(core::HostId id);

  const Scenario& scenario_;
  const core::Lease lease_ = core::Lease::open_ended();
  const Watch watch_;
  Random random_;
  Random fault_random_;
  Trace trace_;
  Counters counters_;
  Invariants invariants_;
  Network network_;
  Wires wires_;
  SimCoordinator coordinator_;

  core::Time now_{0};
  std::uint64_t next_number_ = 0;
  std::priority_queue<Place, std::vector<Place>, std::greater<>> queue_;
  std::vector<Event> events_;
  std::vector<std::uint32_t> free_;

  std::vector<std::unique_ptr<SimHost>> hosts_;
  std::vector<std::unique_ptr<SimWorker>> workers_;
  std::vector<std::unique_ptr<SimReplica>> replicas_;
  std::vector<std::uint64_t> last_arrived_;  ///< number of the newest message, by pair of places
  std::map<std::tuple<std::uint32_t, std::uint32_t, bool>, core::Time> outside_at_;  ///< by host, worker and direction
  std::optional<core::Frame> sample_;  ///< a frame that was sent, to be forged
  struct HeldBack {
    core::TaskId from;
    std::optional<core::TaskId> to;
  };
  std::vector<HeldBack> holds_;
  std::vector<Released> held_;
  bool storm_ = false;
  bool calm_ = false;
  std::uint64_t failures_ = 0;  ///< of replicas, workers, hosts

  core::ReplicaEffects replica_effects_;
  std::vector<core::ReplicaEvent> commands_;
  std::vector<std::pair<core::Duration, AppTimer>> app_timers_;
  std::vector<core::Duration> copies_;
};

}  // namespace taskgraph::sim
