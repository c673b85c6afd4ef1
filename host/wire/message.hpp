/// What travels between two worker lives, besides what the core itself names: bodies that are announced instead of sent
/// along, and acknowledgements of a seal in parts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>

#include "host/core/frame.hpp"
#include "host/core/ids.hpp"
#include "host/core/worker.hpp"

namespace taskgraph::wire {

/// A body that waits at its sender to be fetched. 128 random bits: nobody guesses one.
using BlobId = core::Uuid<struct BlobIdTag>;
struct Blob {
  BlobId id;
  std::uint64_t size_bytes = 0;  ///< not 0; the receiver compares it with limits.message_bytes before it makes room
};

/// A core::PullRequest whose body is a blob.
struct AnnouncedRequest {
  core::Stamp stamp;
  std::uint64_t pull = 0;
  std::string method;
  Blob body;
};
/// A core::PullAnswer whose body is a blob.
struct AnnouncedAnswer {
  core::Stamp stamp;
  std::uint64_t pull = 0;
  core::Outcome outcome = core::Outcome::value;
  std::int32_t code = 0;
  Blob body;
};

/// One message's share of a core::SealAck (seal_parts.hpp). Only all of them together are an acknowledgement: a seal
/// that closed without the flags of one part would lose them (S6).
struct SealAckPart {
  core::SealAck ack;         ///< with the flags of this part
  std::uint64_t serial = 0;  ///< the same for all parts of one acknowledgement; rises within its life
  std::uint32_t part = 0;    ///< 0 .. parts - 1
  std::uint32_t parts = 1;
};

using Message = std::variant<core::Frame, AnnouncedRequest, AnnouncedAnswer, core::SealAsk, SealAckPart>;

}  // namespace taskgraph::wire
