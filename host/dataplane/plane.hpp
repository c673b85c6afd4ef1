/// The data plane of one life: frames to and from all other lives of its job, over HTTP.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "host/dataplane/exchange.hpp"
#include "host/dataplane/identity.hpp"
#include "host/dataplane/plane_limits.hpp"
#include "host/dataplane/secret.hpp"
#include "host/runtime/executor.hpp"

namespace taskgraph::dataplane {

/// Made before and destroyed after the executor's threads run its strands. Any thread. Nothing that is sent is sure to
/// arrive, or to arrive once, or in order: that is the core's.
class Plane final : private PeerMaker {
 public:
  /// Listens on a port of the kernel's choice on 127.0.0.1. `message_bytes_max`: limits.message_bytes of the job.
  /// Throws std::system_error.
  Plane(runtime::Executor& executor, core::JobId job, core::LifeId life, const Secret& secret,
        std::uint64_t message_bytes_max, Receiver& receiver);
  ~Plane();

  std::uint16_t port() const;
  /// Of all lives that can be reached: takes the place of the list before.
  void know(const wire::Addresses& addresses) { exchange_.know(addresses); }
  void send(core::LifeId to, core::Frame&& frame) { exchange_.send(to, std::move(frame), runtime::now()); }
  void send(core::LifeId to, const core::SealAsk& ask) { exchange_.send(to, ask); }
  void send(core::LifeId to, core::SealAck&& ack);

 private:
  class Listener;
  class ConnectedPeer;

  // PeerMaker
  std::unique_ptr<Peer> make_peer(core::LifeId life, Deliveries& deliveries) override;

  runtime::Executor& executor_;
  const Secret secret_;
  const Identity identity_;
  const PlaneLimits limits_;
  Exchange exchange_;
  std::atomic<bool> seal_too_large_logged_{false};
  std::unique_ptr<Listener> listener_;
};

}  // namespace taskgraph::dataplane
