/// Data types of the replicated log (protocol.md section 8). The machines that use them come with standbys; frames,
/// assignments and lifecycle events carry these types already, so that nothing has to move then.
#pragma once

#include <cstdint>

#include "host/core/bytes.hpp"
#include "host/core/ids.hpp"

namespace taskgraph::core {

/// Where an entry was born; it keeps this for ever, whoever sends it on. Tails are compared by both parts.
struct LogPosition {
  Term term;
  std::uint64_t index = 0;
  friend auto operator<=>(const LogPosition&, const LogPosition&) = default;
};

struct LogEntry {
  LogPosition position;
  Bytes update;
};

/// With which state a replica becomes primary; numbers as in abi.h.
enum class Origin : std::uint8_t { fresh, caught_up, restored };

}  // namespace taskgraph::core
