/// A page that a worker writes to again and again, and its supervisor looks at: a process that runs, or one that hangs.
#pragma once

#include <atomic>
#include <cstdint>
#include <new>

#include "host/core/ids.hpp"
#include "host/process/shared_memory.hpp"

namespace taskgraph::processes {

/// In shared memory, zero at first. One writer, one reader.
struct BeatPage {
  std::atomic<std::int64_t> beat_ns{0};        ///< CLOCK_BOOTTIME of the newest beat; 0: none yet
  std::atomic<std::uint32_t> hit_by_chaos{0};  ///< 1 from before the signal that chaos ends the worker by

  static BeatPage& in(const process::SharedMemory& memory) { return *static_cast<BeatPage*>(memory.address()); }
  void beat(core::Time now) { beat_ns.store(now.ns, std::memory_order_relaxed); }
  /// Before it signals itself, and when it goes on after all.
  void set_hit_by_chaos(bool hit) { hit_by_chaos.store(hit ? 1 : 0, std::memory_order_relaxed); }
  bool is_hit_by_chaos() const { return hit_by_chaos.load(std::memory_order_relaxed) != 0; }
  core::Time newest() const { return {beat_ns.load(std::memory_order_relaxed)}; }
};
static_assert(std::atomic<std::int64_t>::is_always_lock_free);

inline constexpr std::size_t kBeatPageBytes = 4'096;
inline constexpr core::Duration kBeatPeriod = core::milliseconds(50);

}  // namespace taskgraph::processes
