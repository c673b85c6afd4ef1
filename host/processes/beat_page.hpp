/// A page that a worker writes to and its supervisor looks at: a process that runs, or one that hangs; what its threads
/// do, and what a thread that ended the process did.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "host/config/options.hpp"
#include "host/core/ids.hpp"
#include "host/process/shared_memory.hpp"
#include "host/runtime/hook_slots.hpp"

namespace taskgraph::processes {

/// What the first thread to end its process has left: by a fault, by abort(), by exit(). Written once, read after the
/// death.
struct LastWords {
  enum class State : std::uint32_t { none, under_way, complete };
  std::atomic<State> state{State::none};
  std::int32_t signal = 0;      ///< 0: it called exit()
  std::int32_t sender = 0;      ///< the process that sent the signal; 0: the processor did
  std::int32_t thread = 0;      ///< its number in the system
  std::uint64_t slot_word = 0;  ///< of its HookSlot
  std::uint32_t has_slot = 0;   ///< 0: it is none of the host's threads
};

/// In shared memory, zero at first. The worker's code writes it, and so may a plugin that writes where it should not:
/// what is read here is checked before it is used.
struct BeatPage {
  alignas(64) std::atomic<std::int64_t> beat_ns{0};  ///< CLOCK_BOOTTIME of the newest beat; 0: none yet
  std::atomic<std::uint32_t> hit_by_chaos{0};        ///< 1 from before the signal that chaos ends the worker by
  LastWords last_words;
  std::array<runtime::HookSlot, 1 + config::kThreadsMax> slots;  ///< the main thread's, then those of the executor

  static BeatPage& in(const process::SharedMemory& memory) { return *static_cast<BeatPage*>(memory.address()); }
  void beat(core::Time now) { beat_ns.store(now.ns, std::memory_order_relaxed); }
  /// Before it signals itself, and when it goes on after all.
  void set_hit_by_chaos(bool hit) { hit_by_chaos.store(hit ? 1 : 0, std::memory_order_relaxed); }
  bool is_hit_by_chaos() const { return hit_by_chaos.load(std::memory_order_relaxed) != 0; }
  core::Time newest() const { return {beat_ns.load(std::memory_order_relaxed)}; }
};
static_assert(std::atomic<std::int64_t>::is_always_lock_free);

inline constexpr std::size_t kBeatPageBytes = sizeof(BeatPage);
inline constexpr core::Duration kBeatPeriod = core::milliseconds(50);

}  // namespace taskgraph::processes
