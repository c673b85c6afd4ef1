/// A simulated TCP connection between two lives, and the ends of the data plane's protocols on it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "host/core/bytes.hpp"
#include "host/core/ids.hpp"
#include "host/dataplane/caller_protocol.hpp"
#include "host/dataplane/output.hpp"
#include "host/dataplane/peer.hpp"
#include "host/dataplane/session_protocol.hpp"

namespace taskgraph::sim {

inline constexpr std::uint32_t kNone = UINT32_MAX;

/// What an end has said in one turn.
class Said final : public dataplane::Output {
 public:
  void send(std::string bytes, std::size_t begin) override { text_.append(bytes, begin); }
  void send(core::Bytes bytes, std::size_t begin) override { text_ += bytes.view().substr(begin); }
  std::string take() { return std::exchange(text_, {}); }
  std::string_view view() const { return text_; }

 private:
  std::string text_;
};

/// Hands bytes to a protocol as a strand does that reads them from a socket: a large body goes where it belongs.
template <typename Protocol>
bool feed(Protocol& protocol, std::string_view bytes, core::Time now) {
  while (!bytes.empty()) {
    const std::span<char> room = protocol.room();
    if (room.empty()) return protocol.received(bytes, now);
    const std::size_t count = std::min(room.size(), bytes.size());
    std::memcpy(room.data(), bytes.data(), count);
    bytes.remove_prefix(count);
    if (!protocol.filled(count, now)) return false;
  }
  return true;
}

/// One direction: bytes arrive in order, or not at all; maybe an end comes behind them.
struct Pipe {
  struct Chunk {
    core::Time at;
    std::string bytes;
  };
  std::deque<Chunk> chunks;
  core::Time last;                ///< nothing arrives before what was sent before it
  std::optional<core::Time> end;  ///< the reader learns then that there is no more
  bool silent = false;            ///< what is written from now on vanishes, and nobody is told

  std::size_t bytes() const {
    std::size_t sum = 0;
    for (const Chunk& chunk : chunks) sum += chunk.bytes.size();
    return sum;
  }
  /// What is beyond the first `count` bytes is lost.
  void keep(std::size_t count) {
    for (Chunk& chunk : chunks) {
      chunk.bytes.resize(std::min(chunk.bytes.size(), count));
      count -= chunk.bytes.size();
    }
  }
};

/// The calling end, across all its connections: what a dataplane::Caller is on a socket.
struct CallEnd {
  CallEnd(std::uint32_t number, std::uint32_t of, const dataplane::Identity& identity, const dataplane::Peer& to,
          dataplane::Calls& calls)
      : index(number), worker(of), peer(to), protocol(identity, to.life, calls, said) {}

  const std::uint32_t index;
  const std::uint32_t worker;
  const dataplane::Peer& peer;
  Said said;
  dataplane::CallerProtocol protocol;
  std::uint32_t connection = kNone;
  core::Time runs_at = core::Time::never();  ///< the earliest of its next turns
  bool silence_watched = false;              ///< an event will look whether its peer has been silent for too long
};

/// The listening end of one connection.
struct SessionEnd {
  explicit SessionEnd(const dataplane::SessionShared& shared) : protocol(shared, said) {}
  Said said;
  dataplane::SessionProtocol protocol;
};

/// `to_listener` and `to_caller` as an index of pipes.
enum class Direction : std::uint8_t { to_listener, to_caller };

struct Connection {
  CallEnd* caller = nullptr;  ///< nullptr: it has closed, its life has ended, or it is a stranger's
  std::uint32_t caller_place = 0;
  std::uint16_t port = 0;
  core::LifeId meant;              ///< whom the caller wants; nil: a stranger, who may say nothing to anybody
  std::uint32_t listener = kNone;  ///< worker
  core::LifeId listener_life;
  std::uint32_t listener_place = 0;
  std::optional<SessionEnd> session;
  Pipe pipes[2];

  Pipe& pipe(Direction direction) { return pipes[static_cast<std::size_t>(direction)]; }
};

}  // namespace taskgraph::sim
