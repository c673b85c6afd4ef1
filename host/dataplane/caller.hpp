/// The calling end of a connection to another life, on a socket.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "host/dataplane/caller_protocol.hpp"
#include "host/dataplane/peer.hpp"
#include "host/dataplane/stream_strand.hpp"

namespace taskgraph::dataplane {

/// Connects when there is something to call for and the peer's port is known, and again after a failure.
class Caller final : public StreamStrand {
 public:
  /// All outlive it.
  Caller(runtime::Executor& executor, const Identity& identity, const Peer& peer, Calls& calls)
      : StreamStrand(executor), peer_(peer), protocol_(identity, peer.life, calls, *this) {}
  ~Caller() override;

  /// Any thread. There is something to call for.
  void kick() { post(new Node); }

 private:
  // StreamStrand
  void connected() override;
  std::span<char> room() override { return protocol_.room(); }
  void filled(std::size_t bytes) override;
  void received(std::string_view bytes) override;
  void closed(const std::string& why) override;
  void posted(Node* batch, bool ticked, core::Time now) override;

  void connect(core::Time now);
  void drop();
  void watch_deadline();

  const Peer& peer_;
  CallerProtocol protocol_;
};

}  // namespace taskgraph::dataplane
