/// The data plane of one life without its connections: what is sent to whom, and what comes of what has arrived.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>

#include "host/core/frame.hpp"
#include "host/core/worker.hpp"
#include "host/dataplane/blobs.hpp"
#include "host/dataplane/body_buffers.hpp"
#include "host/dataplane/calls.hpp"
#include "host/dataplane/identity.hpp"
#include "host/dataplane/peer.hpp"
#include "host/dataplane/plane_limits.hpp"
#include "host/dataplane/session_protocol.hpp"
#include "host/wire/control.hpp"
#include "host/wire/seal_parts.hpp"

namespace taskgraph::dataplane {

/// Takes what other lives have sent to this one. Called on strands of connections, several at once; must not block.
class Receiver {
 public:
  virtual void receive(core::Frame&& frame) = 0;
  virtual void receive(const core::SealAsk& ask) = 0;
  virtual void receive(core::SealAck&& ack) = 0;

 protected:
  ~Receiver() = default;
};

/// Makes peers that have connections. Called once for each life, by any thread.
class PeerMaker {
 public:
  virtual std::unique_ptr<Peer> make_peer(core::LifeId life, Deliveries& deliveries) = 0;

 protected:
  ~PeerMaker() = default;
};

/// Any thread. Nothing that is sent is sure to arrive, or to arrive once, or in order: that is the core's.
class Exchange final : private Deliveries, private Peers {
 public:
  /// All outlive it.
  Exchange(const Identity& identity, const PlaneLimits& limits, Receiver& receiver, PeerMaker& maker);

  /// Of all lives that can be reached: takes the place of the list before. A life that was in that one and is not in
  /// this one has ended.
  void know(const wire::Addresses& addresses);
  void send(core::LifeId to, core::Frame&& frame, core::Time now);
  void send(core::LifeId to, const core::SealAsk& ask);
  /// False: it has more flags than its messages have room for, and nothing of it is sent.
  bool send(core::LifeId to, core::SealAck&& ack);

  /// For the sessions.
  const SessionShared& shared() const { return shared_; }
  Peer& peer(core::LifeId life) override;

 private:
  // Deliveries
  bool deliver_batch(Peer& from, std::string_view batch) override;
  void deliver(core::Frame&& frame) override { receiver_.receive(std::move(frame)); }
  BodyBuffers::Buffer buffer(std::size_t bytes) override { return body_buffers_.take(bytes); }

  void deliver_message(Peer& from, wire::Message&& message);
  std::optional<wire::Message> announced_if_large(core::LifeId to, core::Frame&& frame, core::Time now);

  const Identity& identity_;
  const PlaneLimits& limits_;
  Receiver& receiver_;
  PeerMaker& maker_;
  Blobs blobs_;
  BodyBuffers body_buffers_;
  const SessionShared shared_;
  std::atomic<std::uint64_t> seal_serial_{0};

  std::mutex peers_mutex_;  ///< held for a look only: a shared one costs five times as much
  std::map<core::LifeId, std::unique_ptr<Peer>> peers_;  // guarded by peers_mutex_
  std::mutex seals_mutex_;
  wire::SealAckJoiner seals_;  // guarded by seals_mutex_
};

}  // namespace taskgraph::dataplane
