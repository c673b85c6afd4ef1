/// The data planes of all lives, joined by simulated connections: the real dataplane::Exchange and both protocols, with
/// time, delivery and faults by the seed.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "host/core/frame.hpp"
#include "host/core/worker.hpp"
#include "host/dataplane/exchange.hpp"
#include "host/wire/control.hpp"
#include "tests/sim/connection.hpp"
#include "tests/sim/counters.hpp"
#include "tests/sim/network.hpp"
#include "tests/sim/random.hpp"
#include "tests/sim/scenario.hpp"

namespace taskgraph::sim {

/// What can happen on the wires.
struct WireEvent {
  enum class Kind : std::uint8_t {
    caller_runs,
    silence_due,
    connects,
    arrives,
    batch_answered,
    proof_due,
    addresses_told
  } kind;
  std::uint32_t which = 0;   ///< caller, connection or worker
  std::uint32_t detail = 0;  ///< direction, or number of the list of addresses
};
using Parcel = std::variant<core::Frame, core::SealAsk, core::SealAck>;

/// The world in which there are wires.
class WireWorld {
 public:
  virtual core::Time now() const = 0;
  virtual bool faulty() const = 0;
  virtual void schedule(core::Time at, WireEvent event) = 0;
  /// Another life's message has come to this worker; at once, or at `at` if its reader was held up in the middle of a
  /// batch.
  virtual void land(std::uint32_t worker, core::Time at, Parcel&& parcel) = 0;
  /// Words for a story.
  virtual void note(const std::string& what) = 0;

 protected:
  ~WireWorld() = default;
};

/// One thread. Workers are named by the cluster's index, which is never used again; ports are.
class Wires {
 public:
  Wires(WireWorld& world, const Scenario& scenario, Network& network, std::uint64_t seed, Counters& counters);
  ~Wires();

  // --- lives
  bool listens(std::uint32_t worker) const { return worker < planes_.size() && planes_[worker] != nullptr; }
  void listen(std::uint32_t worker, core::LifeId life, core::JobId job, std::uint32_t place);
  /// The life is no more. Killed: its sockets are closed by its system. Crashed, with its machine: nobody says so.
  void killed(std::uint32_t worker) { end(worker, false); }
  void crashed(std::uint32_t worker) { end(worker, true); }
  /// Its supervisor knows: its address is told no more.
  void unlist(core::LifeId life);
  void send(std::uint32_t from, core::LifeId to, Parcel&& parcel);
  void happen(const WireEvent& event);

  // --- faults
  /// All connections between two places break, with what is under way on them.
  void reset(std::uint32_t a, std::uint32_t b);
  /// Somebody without the secret says to a life that a frame comes from another one.
  void stranger(std::uint32_t to, core::LifeId as, const core::Frame& frame);

  // --- for stories
  /// The next batch from one worker to another arrives up to a byte; the connection breaks there.
  void cut_batch(std::uint32_t from, std::uint32_t to, std::size_t bytes) { cuts_.push_back({from, to, bytes}); }
  /// The next batch arrives, and its response does not.
  void lose_response(std::uint32_t from, std::uint32_t to) { lost_responses_.emplace_back(from, to); }
  /// Nobody learns of lives that begin or end, until they are released; a port that is free is taken again at once.
  void hold_addresses() { addresses_held_ = true; }
  void release_addresses();

 private:
  class Plane;
  class WiredPeer;
  struct Port {
    std::uint32_t worker = kNone;
    core::Time silent_until;  ///< its machine is down: nobody even refuses
  };
  struct Cut {
    std::uint32_t from;
    std::uint32_t to;
    std::size_t bytes;
  };

  void end(std::uint32_t worker, bool silently);
  void tell_addresses();
  std::uint16_t free_port();

  void deliver(std::uint32_t worker, Parcel&& parcel);

  // The calling ends.
  std::uint32_t add_caller(std::uint32_t worker, const dataplane::Identity& identity, const dataplane::Peer& peer,
                           dataplane::Calls& calls);
  void run_at(std::uint32_t caller, core::Time at);
  void run(std::uint32_t caller);
  void watch_silence(CallEnd& caller);
  void silence_due(std::uint32_t caller);
  void connect(CallEnd& caller);
  void connects(std::uint32_t connection);
  void drop_caller(std::uint32_t connection);
  // The listening ends.
  void open_session(std::uint32_t connection, std::uint32_t worker);
  void proof_due(std::uint32_t connection);
  void answer_batch(std::uint32_t connection);
  void drop_session(std::uint32_t connection);

  // Bytes.
  void flush(std::uint32_t connection, Direction direction);
  bool strike(std::uint32_t connection, Direction direction, std::string& bytes);
  bool strike_by_story(std::uint32_t connection, Direction direction, std::string& bytes);
  bool loses_response(const Connection& connection);
  void put(std::uint32_t connection, Direction direction, std::string bytes, core::Duration delay);
  void finish(std::uint32_t connection, Direction direction, core::Duration delay);
  void leave(std::uint32_t connection, Direction direction, bool silently);
  void break_off(std::uint32_t connection);
  void arrives(std::uint32_t connection, Direction direction);
  void hear(std::uint32_t connection, Direction direction, const std::string& bytes);
  void hear_end(std::uint32_t connection, Direction direction);
  void forget_if_over(std::uint32_t connection);
  void count_refusal(std::string_view said);
  core::Duration latency(const Connection& connection);

  WireWorld& world_;
  const Scenario& scenario_;
  Network& network_;
  Random random_;
  Random fault_random_;
  Random nonce_random_;
  Counters& counters_;

  std::vector<std::unique_ptr<Plane>> planes_;     ///< by worker; nullptr: it has ended
  std::vector<std::unique_ptr<CallEnd>> callers_;  ///< nullptr: its life has ended
  std::vector<std::unique_ptr<Connection>> connections_;
  std::vector<Port> ports_{1};  ///< 0 is none
  std::vector<std::uint16_t> freed_ports_;
  wire::Addresses listed_;
  std::vector<wire::Addresses> lists_;  ///< as they were told
  bool addresses_held_ = false;

  // while bytes are heard
  std::uint32_t heard_ = kNone;          ///< connection
  std::uint32_t until_held_up_ = kNone;  ///< messages until the reader is held up
  core::Duration held_up_{0};

  std::vector<Cut> cuts_;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> lost_responses_;
};

}  // namespace taskgraph::sim
