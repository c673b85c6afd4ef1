/// The listening end of a connection: a life proves itself, then its batches and questions for bodies are answered.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "host/dataplane/blobs.hpp"
#include "host/dataplane/callers.hpp"
#include "host/dataplane/stream_strand.hpp"
#include "host/http/limits.hpp"
#include "host/http/request_reader.hpp"

namespace taskgraph::dataplane {

/// What the sessions of a plane share. Outlives them.
struct SessionShared {
  const Identity& identity;
  Deliveries& deliveries;
  Blobs& blobs;
  http::RequestLimits limits;
};

/// Finds or makes the peer of a life that has proven itself.
class Peers {
 public:
  virtual Peer& peer(core::LifeId life) = 0;

 protected:
  ~Peers() = default;
};

/// Takes one connection after another (a strand lives as long as the executor). A connection that has not proven itself
/// within kProofTime is closed, and one that says anything unexpected.
class Session final : public StreamStrand {
 public:
  Session(runtime::Executor& executor, const SessionShared& shared, Peers& peers)
      : StreamStrand(executor), shared_(shared), peers_(peers) {}
  ~Session() override;

  /// Any thread; only while it is free.
  void serve(process::Descriptor socket) { post(new Event(std::move(socket))); }
  /// Any thread: it may be given the next connection. Taken at once by one caller.
  bool claim() { return !busy_.exchange(true, std::memory_order_acq_rel); }

  static constexpr core::Duration kProofTime = core::seconds(5);

 private:
  enum class State { fresh, greeted, proven };
  /// A socket to serve, or nothing: a batch is to be answered.
  struct Event : Node {
    Event() = default;
    explicit Event(process::Descriptor of) : socket(std::move(of)) {}
    process::Descriptor socket;
    std::uint64_t connection = 0;
  };

  // StreamStrand
  std::span<char> room() override { return reader_->body_room(); }
  void filled(std::size_t bytes) override;
  void received(std::string_view bytes) override;
  void closed(const std::string& why) override;
  void posted(Node* batch, bool ticked, core::Time now) override;

  void handle(const http::Request& request);
  void hello(const http::Request& request);
  void proof(const http::Request& request);
  void frames(const http::Request& request);
  void blob(const http::Request& request);
  void answer_batch();
  void respond(int status, std::string_view body = {});
  void refuse(int status);
  void drop();

  const SessionShared& shared_;
  Peers& peers_;
  std::atomic<bool> busy_{false};
  State state_ = State::fresh;
  std::optional<http::RequestReader> reader_;  ///< of this connection
  Handshake handshake_;
  Peer* peer_ = nullptr;
  std::uint64_t connection_ = 0;  ///< counts them: an answer for an old one is not given to a new one
  std::uint32_t answers_due_ = 0;
};

}  // namespace taskgraph::dataplane
