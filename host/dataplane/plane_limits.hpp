/// What one plane keeps in memory at most, and for how long.
#pragma once

#include <cstddef>
#include <cstdint>

#include "host/core/ids.hpp"
#include "host/wire/limits.hpp"

namespace taskgraph::dataplane {

struct PlaneLimits {
  std::uint64_t message_bytes_max = 0;                   ///< limits.message_bytes of the job
  std::size_t eager_bytes_max = wire::kEagerBytesMax;    ///< a larger body is announced; no more than the wire's
  std::size_t queued_bytes_max = std::size_t{64} << 20;  ///< per peer; what is beyond is dropped
  std::size_t fetches_max = 1'024;                       ///< announced bodies that wait, per peer
  std::size_t blobs_bytes_max = std::size_t{4} << 30;    ///< bodies that wait to be fetched; one alone may be larger
  core::Duration blob_kept = core::seconds(10);          ///< each of them, after it was last announced
};

}  // namespace taskgraph::dataplane
