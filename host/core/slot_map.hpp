/// A table whose entries are named by numbers that are never used for two entries: O(1), no allocation in steady state.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "host/core/assert.hpp"

namespace taskgraph::core {

/// Owner's strand only. Names are (generation << 32 | slot), never 0.
template <typename T>
class SlotMap {
 public:
  std::uint64_t insert(T value) {
    std::uint32_t slot;
    if (free_.empty()) {
      slot = static_cast<std::uint32_t>(slots_.size());
      slots_.emplace_back();
    } else {
      slot = free_.back();
      free_.pop_back();
    }
    Slot& entry = slots_[slot];
    ++entry.generation;
    entry.value.emplace(std::move(value));
    ++size_;
    return name(slot, entry.generation);
  }
  /// nullptr when the name is not, or no longer, in the table.
  T* find(std::uint64_t wanted) {
    const auto slot = static_cast<std::uint32_t>(wanted);
    if (slot >= slots_.size()) return nullptr;
    Slot& entry = slots_[slot];
    return entry.value.has_value() && entry.generation == wanted >> 32 ? &*entry.value : nullptr;
  }
  void erase(std::uint64_t wanted) {
    TG_ASSERT(find(wanted) != nullptr);
    const auto slot = static_cast<std::uint32_t>(wanted);
    slots_[slot].value.reset();
    free_.push_back(slot);
    --size_;
  }
  std::optional<T> take(std::uint64_t wanted) {
    T* found = find(wanted);
    if (found == nullptr) return std::nullopt;
    std::optional<T> value(std::move(*found));
    erase(wanted);
    return value;
  }
  /// Calls `fn(name, value)` in slot order; `fn` may erase the entry it is given, and no other.
  template <typename F>
  void for_each(F fn) {
    for (std::uint32_t slot = 0; slot < slots_.size(); ++slot) {
      if (slots_[slot].value.has_value()) fn(name(slot, slots_[slot].generation), *slots_[slot].value);
    }
  }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

 private:
  struct Slot {
    std::uint32_t generation = 0;
    std::optional<T> value;
  };
  static std::uint64_t name(std::uint32_t slot, std::uint32_t generation) {
    return std::uint64_t{generation} << 32 | slot;
  }

  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_;
  std::size_t size_ = 0;
};

}  // namespace taskgraph::core
