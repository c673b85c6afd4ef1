/// The data plane of one simulated life.
#pragma once

#include <memory>
#include <utility>

#include "host/dataplane/exchange.hpp"
#include "tests/sim/wires.hpp"

namespace taskgraph::sim {

/// A peer whose connections are simulated ones.
class Wires::WiredPeer final : public dataplane::Peer {
 public:
  WiredPeer(Wires& wires, std::uint32_t worker, const dataplane::Identity& identity, core::LifeId of,
            const dataplane::PlaneLimits& limits, dataplane::Deliveries& deliveries)
      : Peer(identity, of, limits, deliveries),
        wires_(wires),
        frames_(wires.add_caller(worker, identity, *this, frame_calls)),
        blobs_(wires.add_caller(worker, identity, *this, blob_calls)) {}

  void kick_frames() override { kick(frames_); }
  void kick_blobs() override { kick(blobs_); }

 private:
  void kick(std::uint32_t caller) { wires_.run_at(caller, wires_.world_.now() + wires_.random_.between_us(1, 60)); }

  Wires& wires_;
  const std::uint32_t frames_;
  const std::uint32_t blobs_;
};

class Wires::Plane final : public dataplane::Receiver, public dataplane::PeerMaker {
 public:
  Plane(Wires& wires, std::uint32_t worker, dataplane::Identity identity, std::uint32_t at_place, std::uint16_t at_port)
      : place(at_place),
        port(at_port),
        wires_(wires),
        worker_(worker),
        identity_(std::move(identity)),
        exchange_(identity_, wires.scenario_.plane, *this, *this) {}

  void receive(core::Frame&& frame) override { wires_.deliver(worker_, std::move(frame)); }
  void receive(const core::SealAsk& ask) override { wires_.deliver(worker_, ask); }
  void receive(core::SealAck&& ack) override { wires_.deliver(worker_, std::move(ack)); }
  std::unique_ptr<dataplane::Peer> make_peer(core::LifeId of, dataplane::Deliveries& deliveries) override {
    return std::make_unique<WiredPeer>(wires_, worker_, identity_, of, wires_.scenario_.plane, deliveries);
  }
  dataplane::Exchange& exchange() { return exchange_; }
  core::LifeId life() const { return identity_.life; }
  core::JobId job() const { return identity_.job; }

  const std::uint32_t place;
  const std::uint16_t port;
  core::Time told_at;  ///< of the last list of addresses that is under way to it

 private:
  Wires& wires_;
  const std::uint32_t worker_;
  const dataplane::Identity identity_;
  dataplane::Exchange exchange_;
};

}  // namespace taskgraph::sim
