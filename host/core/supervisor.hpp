/// One host's dealings with the job: it joins or creates it, registers its workers, proves their deaths, passes views
/// and epochs on, and holds the controller's office when that falls to it. A state machine: (event, now) in, effects
/// out.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "host/core/controller.hpp"
#include "host/core/documents.hpp"
#include "host/core/ids.hpp"
#include "host/core/job.hpp"
#include "host/core/worker.hpp"

namespace taskgraph::core {

/// News of the epoch, pushed by the controller.
struct EpochNews {
  Epoch epoch;
};
struct ViewNews {
  View view;
};
/// Between supervisors. Requests go to the controller; news come from it. May be lost, doubled or late.
using HostMessage = std::variant<Resignation, AdvanceAsk, FinishAsk, EpochNews, ViewNews, StatusDocument>;

namespace event {
/// Opens the job: creates it under `fresh`, unless it exists.
struct Start {
  JobId fresh;
};
/// Some watched document changed (or may have): read again.
struct DocumentsChanged {};
struct WorkerStarted {
  LifeId life;
};
/// Reaped, with all its descendants: a proof.
struct WorkerDied {
  LifeId life;
  std::optional<Resignation> to_blame{};  ///< of the replica that ended its worker, if that is known
};
/// The coordinator ended this host's session, and all its presences with it.
struct SessionLost {};
struct FromWorker {
  std::variant<Resignation, AdvanceAsk, FinishAsk> request;
};
struct FromHost {
  HostMessage message;
};
}  // namespace event

using SupervisorEvent =
    std::variant<event::Start, TransactionReply, ReadReply, event::DocumentsChanged, event::WorkerStarted,
                 event::WorkerDied, event::SessionLost, event::FromWorker, event::FromHost, event::Tick>;

namespace effect {
struct Transact {
  RequestId request = 0;
  Transaction transaction;
};
/// A consistent read of all documents of the job.
struct Read {
  RequestId request = 0;
};
/// To every worker of this host.
struct ToWorkers {
  WorkerEvent event;
};
struct ToHost {
  HostId to;
  HostMessage message;
};
/// Once: the job has ended, and how.
struct JobEnded {
  StatusDocument status;
};
/// This host cannot go on: another job's documents, or documents that were there are gone.
struct Refused {
  enum class Why : std::uint8_t { other_topology, documents_lost, fenced } why = Why::documents_lost;
  std::string text;
};
}  // namespace effect

using SupervisorEffect =
    std::variant<effect::Transact, effect::Read, effect::ToWorkers, effect::ToHost, effect::JobEnded, effect::Refused>;
using SupervisorEffects = std::vector<SupervisorEffect>;

/// Owned by the host's adapter, on one strand. One transaction and one read are under way at most. Memory: the job's
/// documents, and what Controller says.
class Supervisor {
 public:
  /// `spec` outlives the supervisor. `digest`: of the topology's canonical form.
  Supervisor(HostId host, const JobSpec& spec, std::string digest);

  void handle(SupervisorEvent event, Time now, SupervisorEffects& out);
  Time wakeup() const { return wakeup_; }

  JobId job() const { return job_; }  ///< nil until the job's documents were read
  HostId host() const { return host_; }
  bool holds_office() const;
  Epoch epoch() const { return epoch_.value_or(Epoch{}); }
  const View& view() const { return view_; }

 private:
  enum class Doing : std::uint8_t { nothing, creating, registering, proving, taking_office, taking_seat, deciding };
  enum class Presence : std::uint8_t { wanted, registered, died, proven };

  void on(event::Start& start, Time now, SupervisorEffects& out);
  void on(TransactionReply& reply, Time now, SupervisorEffects& out);
  void on(ReadReply& reply, Time now, SupervisorEffects& out);
  void on(event::DocumentsChanged& changed, Time now, SupervisorEffects& out);
  void on(event::WorkerStarted& started, Time now, SupervisorEffects& out);
  void on(event::WorkerDied& died, Time now, SupervisorEffects& out);
  void on(event::SessionLost& lost, Time now, SupervisorEffects& out);
  void on(event::FromWorker& from, Time now, SupervisorEffects& out);
  void on(event::FromHost& from, Time now, SupervisorEffects& out);
  void on(event::Tick& tick, Time now, SupervisorEffects& out);

  void request(const Resignation& request, Time now);
  void request(const AdvanceAsk& request, Time now);
  void request(const FinishAsk& request, Time now);
  void refuse(effect::Refused::Why why, std::string text, SupervisorEffects& out);
  void refuse_lost(const std::string& what, SupervisorEffects& out);

  // After each event: what the documents and wishes ask for.
  void act(Time now, SupervisorEffects& out);
  void learn(Time now, SupervisorEffects& out);
  void learn_view(View view, SupervisorEffects& out);
  void learn_epoch(Epoch epoch, SupervisorEffects& out);
  void learn_end(const StatusDocument& status, SupervisorEffects& out);
  std::optional<Transaction> next_transaction(Time now);
  Transaction creation() const;
  std::optional<Transaction> proofs();
  std::optional<Transaction> registration();
  std::optional<Transaction> office(Time now);
  void read(SupervisorEffects& out);
  void tell_others(const HostMessage& message, SupervisorEffects& out);

  static constexpr Duration kReadEvery = milliseconds(500);
  static constexpr Duration kRequestDeadline = seconds(2);

  const HostId host_;
  const JobSpec& spec_;
  const std::string digest_;

  JobId fresh_;
  JobId job_;
  Documents documents_;
  Controller controller_;
  View view_;
  std::optional<Epoch> epoch_;
  bool ended_ = false;
  bool refused_ = false;
  bool host_registered_ = false;
  std::map<LifeId, Presence> workers_;
  Time candidates_absent_since_ = Time::never();

  RequestId next_request_ = 1;
  Doing doing_ = Doing::nothing;
  Transaction transaction_;  ///< under way
  RequestId transaction_id_ = 0;
  RequestId read_id_ = 0;    ///< under way; 0: none
  bool read_again_ = false;  ///< something happened since it was sent
  bool stale_ = true;        ///< documents_ must be read before the next transaction
  Time requests_end_at_ = Time::never();
  Time read_at_ = Time::never();
  Time wakeup_ = Time::never();
};

}  // namespace taskgraph::core
