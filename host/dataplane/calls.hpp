/// What a life calls another one for: batches of frames, and bodies that are fetched. Each has a connection of its own,
/// so that none waits for the other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "host/core/frame.hpp"
#include "host/dataplane/body_buffers.hpp"
#include "host/dataplane/caller_protocol.hpp"
#include "host/wire/message.hpp"

namespace taskgraph::dataplane {

class Peer;

/// Takes what has come from a peer. Called on strands of connections, several at once.
class Deliveries {
 public:
  /// A batch of a peer that has proven itself. False: it is damaged, or not for us; the connection is no good.
  virtual bool deliver_batch(Peer& from, std::string_view batch) = 0;
  virtual void deliver(core::Frame&& frame) = 0;
  /// Memory for a body that is about to come.
  virtual BodyBuffers::Buffer buffer(std::size_t bytes) = 0;

 protected:
  ~Deliveries() = default;
};

/// Sends batches, one at a time: what is pushed meanwhile makes up the next one.
class FrameCalls final : public Calls {
 public:
  FrameCalls(const Identity& identity, Peer& peer, Deliveries& deliveries)
      : identity_(identity), peer_(peer), deliveries_(deliveries) {}

  bool next_call(Call& call) override;
  bool answered(const Response& response) override;
  void failed(const ResponseReader&) override {}  // the core sends again what was under way

 private:
  const Identity& identity_;
  Peer& peer_;
  Deliveries& deliveries_;
};

/// Fetches the bodies of announced frames, one after another. A transfer that breaks goes on where it stopped, with the
/// next connection.
class BlobCalls final : public Calls {
 public:
  BlobCalls(std::size_t fetches_max, Deliveries& deliveries) : fetches_max_(fetches_max), deliveries_(deliveries) {}

  /// Any thread. `frame`: all but its body. True: the connection must be told. An announcement that came again while
  /// its body is on its way, or beyond the limit, is dropped: it will come again.
  bool fetch(const wire::Blob& blob, core::Frame&& frame);
  /// Any thread. Nothing is fetched any more: the peer is gone.
  void clear();

  bool next_call(Call& call) override;
  bool answered(const Response& response) override;
  void failed(const ResponseReader& so_far) override;

  /// For one body; then it is given up, until it is announced again.
  static constexpr std::uint32_t kCallsMax = 8;

 private:
  struct Fetch {
    wire::Blob blob;
    core::Frame frame;
    BodyBuffers::Buffer body = {};
    std::size_t received_bytes = 0;  ///< by earlier calls
    std::uint32_t calls = 0;

    int expected_status() const { return received_bytes == 0 ? 200 : 206; }
  };
  std::optional<Fetch> take_under_way();

  const std::size_t fetches_max_;
  Deliveries& deliveries_;
  std::mutex mutex_;
  std::optional<Fetch> under_way_;  // guarded by mutex_, as the next
  std::deque<Fetch> waiting_;
  bool cleared_ = false;
};

/// As it stands in a URL.
std::string hex(wire::BlobId id);
std::optional<wire::BlobId> blob_id(std::string_view hex);

}  // namespace taskgraph::dataplane
