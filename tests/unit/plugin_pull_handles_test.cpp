#include "host/plugin/pull_handles.hpp"

#include <atomic>
#include <bit>
#include <cstdint>
#include <set>
#include <thread>
#include <vector>

#include "tests/support/catch.hpp"

namespace taskgraph::plugin {
namespace {

TEST_CASE("a pull is taken once", "[plugin][pull_handles]") {
  tg_pull* const handle = open_pull({nullptr, 7, 3});
  REQUIRE(handle != nullptr);
  const auto taken = take_pull(handle);
  REQUIRE(taken.has_value());
  CHECK(taken->serve == 7);
  CHECK(taken->replica_serial == 3);
  CHECK_FALSE(take_pull(handle).has_value());
}

TEST_CASE("an old handle never takes the pull that has its slot now", "[plugin][pull_handles]") {
  std::set<tg_pull*> old;
  for (std::uint64_t serve = 0; serve < 1'000; ++serve) {
    tg_pull* const handle = open_pull({nullptr, serve, 1});
    CHECK(old.insert(handle).second);
    for (tg_pull* const before : {*old.begin(), *old.rbegin()}) {
      if (before != handle) CHECK_FALSE(take_pull(before).has_value());
    }
    const auto taken = take_pull(handle);
    REQUIRE(taken.has_value());
    CHECK(taken->serve == serve);
  }
}

TEST_CASE("what was never a handle takes nothing", "[plugin][pull_handles]") {
  CHECK_FALSE(take_pull(nullptr).has_value());
  for (const std::uint64_t bits :
       {std::uint64_t{1}, std::uint64_t{0xffffffff}, ~std::uint64_t{0}, std::uint64_t{2} << 32}) {
    CHECK_FALSE(take_pull(std::bit_cast<tg_pull*>(bits)).has_value());
  }
}

TEST_CASE("of many threads that answer the same pulls, one takes each", "[plugin][pull_handles]") {
  constexpr std::uint64_t kPulls = 20'000;  // more than a chunk of slots
  std::vector<tg_pull*> handles;
  for (std::uint64_t serve = 0; serve < kPulls; ++serve) handles.push_back(open_pull({nullptr, serve, 1}));
  std::atomic<std::uint64_t> taken{0};
  std::atomic<std::uint64_t> sum{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (tg_pull* const handle : handles) {
        const auto pull = take_pull(handle);
        if (!pull.has_value()) continue;
        ++taken;
        sum += pull->serve;
        // Slots go round between the threads meanwhile.
        if (!take_pull(open_pull({nullptr, 0, 2})).has_value()) sum += kPulls * kPulls;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(taken == kPulls);
  CHECK(sum == kPulls * (kPulls - 1) / 2);
}

}  // namespace
}  // namespace taskgraph::plugin
