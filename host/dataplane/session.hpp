/// The listening end of a connection, on a socket.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "host/dataplane/session_protocol.hpp"
#include "host/dataplane/stream_strand.hpp"

namespace taskgraph::dataplane {

/// Takes one connection after another (a strand lives as long as the executor).
class Session final : public StreamStrand {
 public:
  Session(runtime::Executor& executor, const SessionShared& shared) : StreamStrand(executor), shared_(shared) {}
  ~Session() override;

  /// Any thread; only while it is free.
  void serve(process::Descriptor socket) { post(new Event(std::move(socket))); }
  /// Any thread: it may be given the next connection. Taken at once by one caller.
  bool claim() { return !busy_.exchange(true, std::memory_order_acq_rel); }

 private:
  /// A socket to serve.
  struct Event : Node {
    explicit Event(process::Descriptor of) : socket(std::move(of)) {}
    process::Descriptor socket;
  };

  // StreamStrand
  std::span<char> room() override { return protocol_->room(); }
  void filled(std::size_t bytes) override;
  void received(std::string_view bytes) override;
  void closed(const std::string& why) override;
  void posted(Node* batch, bool ticked, core::Time now) override;

  void took(bool is_good);
  void drop();

  const SessionShared& shared_;
  std::atomic<bool> busy_{false};
  std::optional<SessionProtocol> protocol_;  ///< of this connection
  Node turn_;                                ///< posted to answer batches
  bool turn_posted_ = false;
  std::uint32_t batches_ = 0;  ///< to be answered
};

}  // namespace taskgraph::dataplane
