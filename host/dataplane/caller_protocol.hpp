/// The calling end of a connection to another life, without its socket: bytes in, bytes out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "host/core/ids.hpp"
#include "host/dataplane/identity.hpp"
#include "host/dataplane/output.hpp"
#include "host/dataplane/response_reader.hpp"
#include "host/dataplane/secret.hpp"

namespace taskgraph::dataplane {

struct Call {
  std::string target;   ///< "POST /v1/frames"
  std::string fields;   ///< whole lines
  std::string message;  ///< begun_message(), and the body behind it
  std::size_t response_bytes_max = 0;
  std::span<char> room;  ///< where the body of the response is to lie, if not empty
};

/// What there is to call for. Called by one connection.
class Calls {
 public:
  /// Makes `call` the next one; its message is begun. False while there is none: the connection is told when there is
  /// one.
  virtual bool next_call(Call& call) = 0;
  /// False: it makes no sense to go on with this connection.
  virtual bool answered(const Response& response) = 0;
  /// The call under way has failed; it may have been executed. `so_far`: what has come of its response.
  virtual void failed(const ResponseReader& so_far) = 0;

 protected:
  ~Calls() = default;
};

/// Proves itself to the life that is meant and has that life prove itself, then makes one call after another. A
/// listener that is another life, that does not know the secret, or that is silent for kSilenceMax while something is
/// asked of it, is a failure; after one the next connection is made 5 ms later, then after twice as long each time, at
/// most 500 ms. One connection at a time, on its strand.
class CallerProtocol {
 public:
  /// All outlive it.
  CallerProtocol(const Identity& identity, core::LifeId to, Calls& calls, Output& out)
      : identity_(identity), to_(to), calls_(calls), out_(out) {}

  bool is_closed() const { return state_ == State::closed; }
  /// No connection is made before that.
  core::Time retry_at() const { return retry_at_; }
  /// The connection is given up unless something has come by then; never() while nothing is waited for.
  core::Time deadline() const;

  /// A connection to that port is under way.
  void connecting(std::uint16_t port, core::Time now);
  /// It stands.
  void connected(core::Time now);
  /// Takes all of `bytes`. False: the connection is no good, and is to be closed.
  [[nodiscard]] bool received(std::string_view bytes, core::Time now);
  /// Where the next bytes belong, if a large body is under way; else empty.
  std::span<char> room() { return reader_.room(); }
  [[nodiscard]] bool filled(std::size_t bytes, core::Time now);
  /// There may be something to call for.
  void go_on(core::Time now);
  /// The connection is closed, whatever the reason, or could not be made.
  void dropped(core::Time now);

  static constexpr core::Duration kSilenceMax = core::seconds(5);
  static constexpr core::Duration kRetryFirst = core::milliseconds(5);
  static constexpr core::Duration kRetryMax = core::milliseconds(500);

 private:
  enum class State { closed, connecting, greeting, proving, idle, calling };

  void request(Call&& call, core::Time now);
  bool responded(const Response& response, core::Time now);

  const Identity& identity_;
  const core::LifeId to_;
  Calls& calls_;
  Output& out_;
  State state_ = State::closed;
  std::uint16_t port_ = 0;
  Handshake handshake_;
  ResponseReader reader_;
  core::Time heard_at_;  ///< or asked
  core::Duration retry_after_ = kRetryFirst;
  core::Time retry_at_;
};

}  // namespace taskgraph::dataplane
