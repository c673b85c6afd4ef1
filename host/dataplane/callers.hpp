/// The two connections to a peer: one for frames, one for bodies that are fetched, so that none of them waits for the
/// other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>

#include "host/core/frame.hpp"
#include "host/dataplane/caller.hpp"
#include "host/dataplane/peer.hpp"
#include "host/wire/message.hpp"

namespace taskgraph::dataplane {

/// Takes what has come from a peer. Called on strands of connections, several at once.
class Deliveries {
 public:
  /// A batch of a peer that has proven itself. False: it is damaged, or not for us; the connection is no good.
  virtual bool deliver_batch(Peer& from, std::string_view batch) = 0;
  virtual void deliver(core::Frame&& frame) = 0;

 protected:
  ~Deliveries() = default;
};

/// Sends batches, one at a time: what is pushed meanwhile makes up the next one.
class FrameCaller final : public Caller {
 public:
  FrameCaller(runtime::Executor& executor, const Identity& identity, Peer& peer, Deliveries& deliveries)
      : Caller(executor, identity, peer.life), identity_(identity), peer_(peer), deliveries_(deliveries) {}

 private:
  std::uint16_t port() const override { return peer_.port.load(std::memory_order_relaxed); }
  std::optional<Call> next_call() override;
  bool answered(Response&& response) override;
  void failed() override {}  // the core sends again what was under way

  const Identity& identity_;
  Peer& peer_;
  Deliveries& deliveries_;
};

/// Fetches the bodies of announced frames, one after another.
class BlobCaller final : public Caller {
 public:
  BlobCaller(runtime::Executor& executor, const Identity& identity, Peer& peer, Deliveries& deliveries)
      : Caller(executor, identity, peer.life), peer_(peer), deliveries_(deliveries) {}

  /// Any thread. `frame`: all but its body. An announcement that came again while its body is on its way, or beyond
  /// kFetchesMax, is dropped: it will come again.
  void fetch(const wire::Blob& blob, core::Frame&& frame);

  static constexpr std::size_t kFetchesMax = 1'024;

 private:
  struct Fetch {
    wire::Blob blob;
    core::Frame frame;
  };

  std::uint16_t port() const override { return peer_.port.load(std::memory_order_relaxed); }
  std::optional<Call> next_call() override;
  bool answered(Response&& response) override;
  void failed() override { pop(); }
  Fetch pop();

  Peer& peer_;
  Deliveries& deliveries_;
  std::mutex mutex_;
  std::deque<Fetch> fetches_;  ///< guarded by mutex_; the first one may be under way
};

/// As it stands in a URL.
std::string hex(wire::BlobId id);
std::optional<wire::BlobId> blob_id(std::string_view hex);

}  // namespace taskgraph::dataplane
