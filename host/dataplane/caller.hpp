/// The calling end of a connection to another life: connects, proves, then makes one call after another.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "host/core/ids.hpp"
#include "host/dataplane/response_reader.hpp"
#include "host/dataplane/secret.hpp"
#include "host/dataplane/stream_strand.hpp"

namespace taskgraph::dataplane {

/// Who we are, and the secret. Outlives all connections.
struct Identity {
  core::JobId job;
  core::LifeId life;
  const Secret& secret;
};

/// Connects when there is something to call for, and again after a failure: 5 ms later, then after twice as long each
/// time, at most 500 ms. A listener that is another life than the one that was meant, or that does not know the secret,
/// is a failure.
class Caller : public StreamStrand {
 public:
  Caller(runtime::Executor& executor, const Identity& identity, core::LifeId to)
      : StreamStrand(executor), identity_(identity), to_(to) {}
  ~Caller() override;

  // Any thread.
  /// There is something to call for.
  void kick() { post(new Node); }
  core::LifeId to() const { return to_; }

 protected:
  struct Call {
    std::string target;  ///< "POST /v1/frames"
    std::string body;
    std::size_t response_bytes_max = 0;
  };
  /// On the strand. The port of `to`; 0: it is not known, or the life is gone.
  virtual std::uint16_t port() const = 0;
  virtual std::optional<Call> next_call() = 0;
  /// False: it makes no sense to go on with this connection.
  virtual bool answered(Response&& response) = 0;
  /// The call under way has failed; it may have been executed.
  virtual void failed() = 0;

 private:
  enum class State { closed, connecting, greeting, proving, idle, calling };

  // StreamStrand
  void connected() override;
  std::span<char> room() override { return reader_.room(); }
  void filled(std::size_t bytes) override;
  void received(std::string_view bytes) override;
  void closed(const std::string& why) override;
  void posted(Node* batch, bool ticked, core::Time now) override;

  void connect();
  void go_on();
  void request(const std::string& target, const std::string& body, std::size_t response_bytes_max);
  bool responded(Response&& response);
  void drop();

  static constexpr core::Duration kRetryFirst = core::milliseconds(5);
  static constexpr core::Duration kRetryMax = core::milliseconds(500);

  const Identity& identity_;
  const core::LifeId to_;
  State state_ = State::closed;
  std::uint16_t connected_port_ = 0;
  Handshake handshake_;
  ResponseReader reader_;
  core::Duration retry_after_ = kRetryFirst;
  core::Time retry_at_;
};

}  // namespace taskgraph::dataplane
