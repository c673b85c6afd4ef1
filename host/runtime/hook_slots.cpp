#include "host/runtime/hook_slots.hpp"

#include <fmt/format.h>

#include <cmath>
#include <utility>

namespace taskgraph::runtime {

std::optional<HookCall> HookSlot::call_of(std::uint64_t word) {
  const auto hook = static_cast<std::uint8_t>(word >> kHookShift);
  if (hook == 0 || hook >= kHooks) return std::nullopt;
  return HookCall{core::TaskId{static_cast<std::uint32_t>(word)}, static_cast<Hook>(hook),
                  static_cast<std::uint32_t>(word >> kCountShift)};
}

std::string text_of(const OverlongHook& overlong, core::Duration limit) {
  const auto seconds = [](core::Duration duration, double round_to) {
    return std::floor(static_cast<double>(duration.ns) / 1e9 / round_to) * round_to;
  };
  const core::TaskId task = overlong.call.task;
  return fmt::format("{}hook {} ran for {:g} s, beyond limits.hook of {:g} s",
                     task == kNoTask ? "" : fmt::format("task {}: ", task.value), name_of(overlong.call.hook),
                     seconds(overlong.lasted, 0.1), seconds(limit, 0.001));
}

std::optional<OverlongHook> HookWatch::look(core::Time now) {
  const core::Time before = std::exchange(looked_at_, now);
  if (now - before > look_every_ * 3) {
    for (Seen& seen : seen_) seen.since = seen.since + (now - before);
  }
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    const std::uint64_t word = slots_[i].word();
    Seen& seen = seen_[i];
    if (word != seen.word) {
      seen = {word, now, false};
      continue;
    }
    const auto call = HookSlot::call_of(word);
    if (!call.has_value() || seen.told || now - seen.since <= limit_) continue;
    seen.told = true;
    return OverlongHook{*call, now - seen.since};
  }
  return std::nullopt;
}

}  // namespace taskgraph::runtime
