/// What the threads that run tasks do just now: which hook of which task. For those who look from outside, at a thread
/// that hangs or at what a dead process has left.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "host/core/ids.hpp"

namespace taskgraph::runtime {

/// All that the host calls of a plugin.
enum class Hook : std::uint8_t {
  none,
  plugin_init,
  plugin_deinit,
  create_task,
  init,
  became_primary,
  became_backup,
  enter_epoch,
  flag_raised,
  serve,
  on_done,
  neighbour_changed,
  continuation,
  exit,
  destroy
};

/// As messages call it, after "hook".
constexpr const char* name_of(Hook hook) {
  constexpr std::array kNames{"none",
                              "plugin init",
                              "plugin deinit",
                              "create_task",
                              "init",
                              "became_primary",
                              "became_backup",
                              "enter_epoch",
                              "flag_raised",
                              "serve",
                              "on_done of a pull",
                              "neighbour_changed",
                              "continuation",
                              "exit",
                              "destroy"};
  return kNames[static_cast<std::size_t>(hook)];
}
inline constexpr std::size_t kHooks = static_cast<std::size_t>(Hook::destroy) + 1;

/// In place of a task where a hook belongs to none.
inline constexpr core::TaskId kNoTask{UINT32_MAX};

/// One call of a hook on one thread.
struct HookCall {
  core::TaskId task = kNoTask;
  Hook hook = Hook::none;
  std::uint32_t count = 0;  ///< of the calls on this thread, modulo 2^24: tells two calls of one hook apart
  friend bool operator==(const HookCall&, const HookCall&) = default;
};

/// Of one thread, which alone writes it; any thread, or process that shares the memory, reads it. Zero at first: idle.
///
/// One word, so that a reader never sees half a call. It holds no time: a call is timed by who looks (HookWatch), as a
/// hook may cost far less than reading the clock, and a machine that slept is no fault of the hook.
class alignas(64) HookSlot {
 public:
  /// What `end` takes: the word of the idle slot.
  std::uint64_t begin(core::TaskId task, Hook hook) {
    const std::uint64_t idle = word_.load(std::memory_order_relaxed) + (std::uint64_t{1} << kCountShift);
    word_.store(idle | std::uint64_t{static_cast<std::uint8_t>(hook)} << kHookShift | task.value,
                std::memory_order_relaxed);
    return idle;
  }
  void end(std::uint64_t idle) { word_.store(idle, std::memory_order_relaxed); }

  /// The same at any moment, by the thread's last store. Async-signal-safe.
  std::uint64_t word() const { return word_.load(std::memory_order_relaxed); }
  std::optional<HookCall> running() const { return call_of(word()); }
  /// Nothing: idle, or no word that a slot ever held (the memory's other writers are plugins).
  static std::optional<HookCall> call_of(std::uint64_t word);

 private:
  static constexpr unsigned kCountShift = 40;
  static constexpr unsigned kHookShift = 32;
  std::atomic<std::uint64_t> word_{0};
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

namespace detail {
inline constinit thread_local HookSlot* own_hook_slot = nullptr;
}
/// The slot of this thread from now on; outlives the thread.
inline void use_hook_slot(HookSlot* slot) {
  detail::own_hook_slot = slot;
}
/// nullptr: it has none. Async-signal-safe.
inline const HookSlot* own_hook_slot() {
  return detail::own_hook_slot;
}

/// Around each call of a plugin.
class InHook {
 public:
  InHook(core::TaskId task, Hook hook) : slot_(detail::own_hook_slot) {
    if (slot_ != nullptr) idle_ = slot_->begin(task, hook);
  }
  ~InHook() {
    if (slot_ != nullptr) slot_->end(idle_);
  }
  InHook(const InHook&) = delete;
  InHook& operator=(const InHook&) = delete;

 private:
  HookSlot* const slot_;
  std::uint64_t idle_ = 0;
};

/// A hook that has run for longer than it may.
struct OverlongHook {
  HookCall call;
  core::Duration lasted;  ///< at least
};
/// "task 3: hook serve ran for 61 s, beyond limits.hook of 60 s".
std::string text_of(const OverlongHook& overlong, core::Duration limit);

/// Finds overlong hooks by looking at slots again and again. One thread. Memory: a few words per slot.
class HookWatch {
 public:
  /// `slots` outlive it. `look_every`: what is between two looks, but for delays.
  HookWatch(std::span<const HookSlot> slots, core::Duration limit, core::Duration look_every)
      : slots_(slots), limit_(limit), look_every_(look_every), seen_(slots.size()) {}

  /// A call that earlier looks have seen for longer than the limit; each call once. Time in which nobody looked does
  /// not count: neither did the machine run, perhaps.
  std::optional<OverlongHook> look(core::Time now);

 private:
  struct Seen {
    std::uint64_t word = 0;
    core::Time since;
    bool told = false;
  };
  std::span<const HookSlot> slots_;
  core::Duration limit_;
  core::Duration look_every_;
  core::Time looked_at_;
  std::vector<Seen> seen_;
};

}  // namespace taskgraph::runtime
