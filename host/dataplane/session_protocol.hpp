/// The listening end of a connection, without its socket: bytes in, bytes out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "host/core/ids.hpp"
#include "host/dataplane/blobs.hpp"
#include "host/dataplane/calls.hpp"
#include "host/dataplane/identity.hpp"
#include "host/dataplane/output.hpp"
#include "host/dataplane/peer.hpp"
#include "host/http/limits.hpp"
#include "host/http/request_reader.hpp"

namespace taskgraph::dataplane {

/// Finds or makes the peer of a life that has proven itself.
class Peers {
 public:
  virtual Peer& peer(core::LifeId life) = 0;

 protected:
  ~Peers() = default;
};

/// What the sessions of a plane share. Outlives them.
struct SessionShared {
  const Identity& identity;
  Deliveries& deliveries;
  Peers& peers;
  Blobs& blobs;
  http::RequestLimits limits;
};

/// A life proves itself, then its batches and questions for bodies are answered. Of one connection, on its strand. The
/// connection is to be closed when it has not proven itself within kProofTime.
class SessionProtocol {
 public:
  /// Both outlive it.
  SessionProtocol(const SessionShared& shared, Output& out) : shared_(shared), out_(out), reader_(shared.limits) {}

  bool is_proven() const { return state_ == State::proven; }

  /// Takes all of `bytes`. False: something unexpected was said; the connection is to be closed, after what is to be
  /// sent has been tried.
  [[nodiscard]] bool received(std::string_view bytes, core::Time now);
  /// Where the next bytes belong, if a large body is under way; else empty.
  std::span<char> room() { return reader_.body_room(); }
  [[nodiscard]] bool filled(std::size_t bytes, core::Time now);
  /// How many batches have come since it was last asked. answer_batch() is to be called for each, once the strands that
  /// they made ready have run: then the response carries what these say at once.
  std::uint32_t take_batches();
  void answer_batch();
  /// The connection is closed.
  void dropped();

  static constexpr core::Duration kProofTime = core::seconds(5);

 private:
  enum class State { fresh, greeted, proven };

  bool handle(const http::Request& request, core::Time now);
  bool hello(const http::Request& request);
  bool proof(const http::Request& request);
  bool is_usual_batch(std::string_view& bytes, std::string_view& batch) const;
  bool frames(std::string_view batch);
  void blob(const http::Request& request, core::Time now);
  void respond(int status, std::string_view body = {});
  bool refuse(int status);

  const SessionShared& shared_;
  Output& out_;
  State state_ = State::fresh;
  http::RequestReader reader_;
  Handshake handshake_;
  Peer* peer_ = nullptr;
  std::string usual_head_;               ///< of a request with a batch that was taken, up to its length
  std::optional<wire::BlobId> fetched_;  ///< sent whole; the next request says that it has arrived
  std::uint32_t batches_ = 0;            ///< not taken yet
  std::uint32_t answers_due_ = 0;
};

}  // namespace taskgraph::dataplane
