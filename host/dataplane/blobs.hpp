/// Large bodies that wait at their sender to be fetched.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include "host/core/bytes.hpp"
#include "host/core/ids.hpp"
#include "host/dataplane/identity.hpp"
#include "host/dataplane/plane_limits.hpp"
#include "host/wire/message.hpp"

namespace taskgraph::dataplane {

/// Which frame a body belongs to: sent again, it is announced under the same id.
struct BlobKey {
  core::LifeId to;
  core::TaskId from_task;
  core::Term from_term;
  core::TaskId to_task;
  core::Term to_term;
  std::uint64_t sequence = 0;
  friend auto operator<=>(const BlobKey&, const BlobKey&) = default;
};

/// Any thread. Memory: at most limits.blobs_bytes_max of references to bodies (one alone may be larger), each for
/// limits.blob_kept after it was last announced. Only bodies that have been fetched make room for others: would the
/// oldest go, frames that are sent again and again could push out each other's bodies for ever. A body that is gone
/// when it is asked for is announced again with the frame that the core sends again.
class Blobs {
 public:
  /// Both outlive it.
  Blobs(const Identity& identity, const PlaneLimits& limits) : identity_(identity), limits_(limits) {}

  /// Nothing when there is no room: as if the frame had been lost.
  std::optional<wire::Blob> keep(const BlobKey& key, core::Bytes body, core::Time now);
  /// For a fetch.
  std::optional<core::Bytes> fetch(wire::BlobId id, core::Time now);
  /// It has arrived.
  void forget(wire::BlobId id);
  /// Nobody of that life fetches any more.
  void drop(core::LifeId to);

 private:
  struct Kept {
    BlobKey key;
    core::Bytes body;
    core::Time until;
    bool fetched = false;
  };
  void expire(core::Time now);
  bool make_room(std::size_t bytes);
  void remove(std::map<wire::BlobId, Kept>::iterator at);

  const Identity& identity_;
  const PlaneLimits& limits_;
  std::mutex mutex_;
  std::map<wire::BlobId, Kept> kept_;  // guarded by mutex_, as all below
  std::map<BlobKey, wire::BlobId> by_key_;
  /// One for each announcement. The body may be gone, or have been announced again.
  std::deque<std::pair<core::Time, wire::BlobId>> expiries_;
  std::deque<wire::BlobId> fetched_;  ///< some may be gone already
  std::size_t bytes_ = 0;
};

}  // namespace taskgraph::dataplane
