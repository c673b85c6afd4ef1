/// Large bodies that wait at their sender to be fetched.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>

#include "host/core/bytes.hpp"
#include "host/core/ids.hpp"
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

/// Any thread. Memory: at most kBytesMax of references to bodies (one alone may be larger), each for kKept; a body that
/// is gone when it is asked for is announced again with the frame that the core sends again.
class Blobs {
 public:
  wire::Blob keep(const BlobKey& key, core::Bytes body, core::Time now);
  std::optional<core::Bytes> find(wire::BlobId id, core::Time now);
  /// It has been fetched whole.
  void drop(wire::BlobId id);

  static constexpr core::Duration kKept = core::seconds(30);
  static constexpr std::size_t kBytesMax = std::size_t{4} * 1024 * 1024 * 1024;

 private:
  struct Kept {
    BlobKey key;
    core::Bytes body;
    core::Time until;
  };
  void expire(core::Time now);
  void remove(std::map<wire::BlobId, Kept>::iterator at);

  std::mutex mutex_;
  std::map<wire::BlobId, Kept> kept_;  // guarded by mutex_, as all below
  std::map<BlobKey, wire::BlobId> by_key_;
  std::deque<wire::BlobId> by_age_;  ///< some may be gone already
  std::size_t bytes_ = 0;
};

}  // namespace taskgraph::dataplane
