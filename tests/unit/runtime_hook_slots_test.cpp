#include "host/runtime/hook_slots.hpp"

#include <vector>

#include "tests/support/catch.hpp"

namespace taskgraph::runtime {
namespace {

constexpr core::Duration kLimit = core::seconds(60);
constexpr core::Duration kEvery = core::milliseconds(100);

struct Story {
  /// Looks every 100 ms from now on until `for_how_long` has passed; what was told on the way.
  std::vector<OverlongHook> look_for(core::Duration for_how_long) {
    std::vector<OverlongHook> told;
    for (const core::Time end = now + for_how_long; now < end; now = now + kEvery) {
      while (const auto overlong = watch.look(now)) told.push_back(*overlong);
    }
    return told;
  }
  std::vector<HookSlot> slots = std::vector<HookSlot>(3);
  HookWatch watch{slots, kLimit, kEvery};
  core::Time now{1'000'000'000'000};
};

TEST_CASE("a slot says which hook runs, and tells two calls of it apart", "[runtime][hooks]") {
  HookSlot slot;
  CHECK_FALSE(slot.running().has_value());
  const std::uint64_t idle = slot.begin({7}, Hook::serve);
  CHECK(slot.running().value() == HookCall{{7}, Hook::serve, 1});
  slot.end(idle);
  CHECK_FALSE(slot.running().has_value());
  slot.begin({7}, Hook::serve);
  CHECK(slot.running().value() == HookCall{{7}, Hook::serve, 2});
}

TEST_CASE("a word that no slot has held is no call", "[runtime][hooks]") {
  CHECK_FALSE(HookSlot::call_of(0).has_value());
  CHECK_FALSE(HookSlot::call_of(std::uint64_t{kHooks} << 32).has_value());
  CHECK(HookSlot::call_of(std::uint64_t{kHooks - 1} << 32 | 5).value().task.value == 5);
}

TEST_CASE("a thread's calls go to the slot that it uses, until they end", "[runtime][hooks]") {
  HookSlot slot;
  { const InHook unnoticed({1}, Hook::init); }  // this thread has none
  use_hook_slot(&slot);
  {
    const InHook in_hook({1}, Hook::init);
    CHECK(slot.running().value() == HookCall{{1}, Hook::init, 1});
  }
  CHECK_FALSE(slot.running().has_value());
  use_hook_slot(nullptr);
}

TEST_CASE("a hook over the limit is told once; the next call of it anew", "[runtime][hooks]") {
  Story story;
  story.look_for(kEvery);
  const std::uint64_t idle = story.slots[1].begin({3}, Hook::serve);
  CHECK(story.look_for(core::seconds(60)).empty());
  const auto told = story.look_for(core::seconds(100));
  REQUIRE(told.size() == 1);
  CHECK(text_of(told.front(), kLimit) == "task 3: hook serve ran for 60.1 s, beyond limits.hook of 60 s");
  story.slots[1].end(idle);
  story.slots[1].begin({3}, Hook::serve);
  CHECK(story.look_for(core::seconds(60)).empty());
  CHECK(story.look_for(core::seconds(1)).size() == 1);
}

TEST_CASE("many short calls of one hook are no long one", "[runtime][hooks]") {
  Story story;
  for (int i = 0; i < 2'000; ++i) {
    const std::uint64_t idle = story.slots[0].begin({3}, Hook::serve);
    CHECK(story.look_for(kEvery).empty());
    story.slots[0].end(idle);
  }
}

TEST_CASE("all that are too long are told, a plugin's init by no task", "[runtime][hooks]") {
  Story story;
  story.slots[0].begin(kNoTask, Hook::plugin_init);
  story.slots[2].begin({4}, Hook::on_done);
  const auto told = story.look_for(core::seconds(62));
  REQUIRE(told.size() == 2);
  CHECK(text_of(told[0], kLimit) == "hook plugin init ran for 60.1 s, beyond limits.hook of 60 s");
  CHECK(told[1].call.hook == Hook::on_done);
}

TEST_CASE("time in which nobody looked does not count", "[runtime][hooks]") {
  Story story;
  story.slots[0].begin({3}, Hook::serve);
  CHECK(story.look_for(core::seconds(30)).empty());
  story.now = story.now + core::seconds(3'600);  // the machine slept
  CHECK(story.look_for(core::seconds(29)).empty());
  CHECK(story.look_for(core::seconds(2)).size() == 1);
}

}  // namespace
}  // namespace taskgraph::runtime
