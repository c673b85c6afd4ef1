/// What passes between the primaries of two tasks. A frame is immutable once it is made.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>

#include "host/core/bytes.hpp"
#include "host/core/ids.hpp"

namespace taskgraph::core {

/// Carried by every frame. A term names one replica life of a task, so (from, from_term) -> (to, to_term) is the
/// channel.
struct Stamp {
  JobId job;
  TaskId from;
  Term from_term;
  TaskId to;
  Term to_term;
  Epoch epoch;                     ///< of the sender when it made the frame
  std::uint64_t sequence = 0;      ///< 1, 2, ... in this channel; 0: outside of the sequence
  std::uint64_t acknowledged = 0;  ///< all up to here have been consumed by `from`
};

/// Names a flag for ever: a later primary of the sender announces it under the same name.
struct FlagName {
  Term origin_term;
  std::uint32_t index = 0;
  friend auto operator<=>(const FlagName&, const FlagName&) = default;
};

struct Flag {
  FlagName name;
  LinkIndex link;  ///< the sender's
  Bytes meta;
};

/// Of a pull; a longer one is refused as too large.
inline constexpr std::size_t kMethodBytesMax = 1024;

/// A pull, named by its requester within its own replica life.
struct PullRequest {
  std::uint64_t pull = 0;
  std::string method;
  Bytes body;
};

enum class Outcome : std::uint8_t { value, error, peer_lost, epoch_passed, cancelled, deadline };

/// Codes of Outcome::error that the framework itself uses; the numbers are those of abi.h.
namespace code {
inline constexpr std::int32_t kUnavailable = 1;
inline constexpr std::int32_t kBusy = 3;
inline constexpr std::int32_t kTooLarge = 4;        // of the request: it did not run
inline constexpr std::int32_t kAnswerTooLarge = 6;  // it ran
}  // namespace code

struct PullAnswer {
  std::uint64_t pull = 0;
  Outcome outcome = Outcome::value;  ///< value, error or epoch_passed
  std::int32_t code = 0;
  Bytes body;  ///< the value, or the error's text
};

/// Nothing but the acknowledgement in the stamp. With a sequence: it stands for a frame of an epoch that its sender has
/// left, so that the numbers have no gap.
struct Acknowledgement {};

using FrameBody = std::variant<Acknowledgement, Flag, PullRequest, PullAnswer>;

struct Frame {
  Stamp stamp;
  FrameBody body;
};

/// Bytes that a frame keeps alive, for limits.
inline std::size_t kept_bytes(const FrameBody& body) {
  struct Size {
    std::size_t operator()(const Acknowledgement&) const { return 0; }
    std::size_t operator()(const Flag& flag) const { return flag.meta.size(); }
    std::size_t operator()(const PullRequest& request) const { return request.method.size() + request.body.size(); }
    std::size_t operator()(const PullAnswer& answer) const { return answer.body.size(); }
  };
  return std::visit(Size{}, body);
}

}  // namespace taskgraph::core
