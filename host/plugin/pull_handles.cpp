#include "host/plugin/pull_handles.hpp"

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "host/core/assert.hpp"

namespace taskgraph::plugin {
namespace {

static_assert(sizeof(tg_pull*) == 8, "a handle holds two 32-bit numbers");

struct Slot {
  std::atomic<std::uint32_t> generation{1};  ///< odd: free; even: open
  std::uint32_t replica_serial = 0;
  BridgeOutside* outside = nullptr;
  std::uint64_t serve = 0;
};

constexpr std::uint32_t kChunkSlots = 4'096;
constexpr std::uint32_t kChunksMax = 1U << 14U;
constexpr std::size_t kSlotsPerThreadMax = 256;
using Chunk = std::array<Slot, kChunkSlots>;

/// Never destroyed: a plugin's own threads may answer while the process ends.
class Slots {
 public:
  /// Nullptr: there is no such slot.
  Slot* find(std::uint32_t index) const {
    const std::uint32_t chunk = index / kChunkSlots;
    if (chunk >= chunks_made_.load(std::memory_order_acquire)) return nullptr;
    return &(*chunks_[chunk].load(std::memory_order_relaxed))[index % kChunkSlots];
  }

  /// Some free slots, at least one.
  void refill(std::vector<std::uint32_t>& to) {
    const std::lock_guard lock(mutex_);
    if (free_.empty()) add_chunk();
    for (std::size_t n = kSlotsPerThreadMax / 2; n != 0 && !free_.empty(); --n) {
      to.push_back(free_.back());
      free_.pop_back();
    }
  }
  /// Takes all but the first `keep`.
  void take_back(std::vector<std::uint32_t>& from, std::size_t keep) {
    const std::lock_guard lock(mutex_);
    for (std::size_t i = keep; i < from.size(); ++i) free_.push_back(from[i]);
    from.resize(keep);
  }

 private:
  void add_chunk() {
    const std::uint32_t chunk = chunks_made_.load(std::memory_order_relaxed);
    TG_ASSERT(chunk < kChunksMax);  // 67 million open pulls
    chunks_[chunk].store(std::make_unique<Chunk>().release(), std::memory_order_relaxed);
    chunks_made_.store(chunk + 1, std::memory_order_release);
    for (std::uint32_t i = kChunkSlots; i != 0; --i) free_.push_back(chunk * kChunkSlots + i - 1);
  }

  std::mutex mutex_;
  std::vector<std::uint32_t> free_;  // guarded by mutex_
  std::atomic<std::uint32_t> chunks_made_{0};
  std::array<std::atomic<Chunk*>, kChunksMax> chunks_{};
};

Slots& slots() {
  static Slots* const all = new Slots;
  return *all;
}

/// Of this thread, so that pulls take no lock one by one.
struct FreeSlots {
  FreeSlots() { indices.reserve(kSlotsPerThreadMax + 1); }
  ~FreeSlots() {
    slots().take_back(indices, 0);
    is_gone = true;
  }
  std::vector<std::uint32_t> indices;
  static thread_local bool is_gone;  ///< an object of this thread that dies later may still answer pulls
};
thread_local bool FreeSlots::is_gone = false;
thread_local FreeSlots free_slots;

void give_back(std::uint32_t index) {
  if (FreeSlots::is_gone) {
    std::vector<std::uint32_t> one{index};
    return slots().take_back(one, 0);
  }
  std::vector<std::uint32_t>& indices = free_slots.indices;
  indices.push_back(index);
  if (indices.size() > kSlotsPerThreadMax) slots().take_back(indices, kSlotsPerThreadMax / 2);
}

}  // namespace

tg_pull* open_pull(const OpenPull& pull) {
  std::vector<std::uint32_t>& indices = free_slots.indices;
  if (indices.empty()) slots().refill(indices);
  const std::uint32_t index = indices.back();
  indices.pop_back();
  Slot& slot = *slots().find(index);
  slot.outside = pull.outside;
  slot.serve = pull.serve;
  slot.replica_serial = pull.replica_serial;
  const std::uint32_t generation = slot.generation.load(std::memory_order_relaxed) + 1;
  slot.generation.store(generation, std::memory_order_release);
  // Generation 0 comes again after 2^31 uses of a slot: index + 1 keeps the handle from being NULL even then.
  return std::bit_cast<tg_pull*>(std::uint64_t{generation} << 32U | (index + 1U));
}

std::optional<OpenPull> take_pull(tg_pull* handle) {
  const auto bits = std::bit_cast<std::uint64_t>(handle);
  const std::uint32_t index = static_cast<std::uint32_t>(bits) - 1U;
  auto generation = static_cast<std::uint32_t>(bits >> 32U);
  Slot* slot = slots().find(index);
  if (slot == nullptr || generation % 2 != 0) return std::nullopt;
  // First who takes it, reads it: nobody opens the slot anew before it is among the free ones.
  if (!slot->generation.compare_exchange_strong(generation, generation + 1, std::memory_order_acq_rel))
    return std::nullopt;
  const OpenPull pull{slot->outside, slot->serve, slot->replica_serial};
  give_back(index);
  return pull;
}

}  // namespace taskgraph::plugin
