/// The data plane of one life: frames to and from all other lives of its job, over HTTP.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string_view>
#include <vector>

#include "host/core/frame.hpp"
#include "host/core/worker.hpp"
#include "host/dataplane/blobs.hpp"
#include "host/dataplane/callers.hpp"
#include "host/dataplane/secret.hpp"
#include "host/dataplane/session.hpp"
#include "host/runtime/executor.hpp"
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

/// Made before and destroyed after the executor's threads run its strands. Any thread. Nothing that is sent is sure to
/// arrive, or to arrive once, or in order: that is the core's.
class Plane final : private Deliveries, private Peers {
 public:
  /// Listens on a port of the kernel's choice on 127.0.0.1. `message_bytes_max`: limits.message_bytes of the job.
  /// Throws std::system_error.
  Plane(runtime::Executor& executor, core::JobId job, core::LifeId life, const Secret& secret,
        std::uint64_t message_bytes_max, Receiver& receiver);
  ~Plane();

  std::uint16_t port() const;
  /// Of all lives that can be reached: takes the place of the list before.
  void know(const wire::Addresses& addresses);
  void send(core::LifeId to, core::Frame&& frame);
  void send(core::LifeId to, const core::SealAsk& ask);
  void send(core::LifeId to, core::SealAck&& ack);

 private:
  class Listener;

  // Deliveries
  bool deliver_batch(Peer& from, std::string_view batch) override;
  void deliver(core::Frame&& frame) override { receiver_.receive(std::move(frame)); }
  // Peers
  Peer& peer(core::LifeId life) override;

  void deliver_message(Peer& from, wire::Message&& message);
  void push(core::LifeId to, wire::Message&& message);
  wire::Message announced_if_large(core::LifeId to, core::Frame&& frame);

  runtime::Executor& executor_;
  const Secret secret_;
  const Identity identity_;
  const std::uint64_t message_bytes_max_;
  Receiver& receiver_;
  Blobs blobs_;
  SessionShared shared_;
  std::atomic<std::uint64_t> seal_serial_{0};

  std::shared_mutex peers_mutex_;
  std::map<core::LifeId, std::unique_ptr<Peer>> peers_;  // guarded by peers_mutex_
  std::mutex seals_mutex_;
  wire::SealAckJoiner seals_;  // guarded by seals_mutex_
  std::unique_ptr<Listener> listener_;
};

}  // namespace taskgraph::dataplane
