#include "host/core/restart.hpp"

#include "tests/support/catch.hpp"

namespace taskgraph::core {
namespace {

constexpr TaskId kTask{3};

Time at(std::int64_t ms) {
  return Time{} + milliseconds(ms);
}

TEST_CASE("failures that are not the plugin's restart at once and never give up", "[core][restart]") {
  const RestartLimits limits;
  RestartPolicy policy(limits);
  CHECK(policy.restart_at(kTask) == Time{});
  for (int i = 0; i < 100; ++i) {
    CHECK_FALSE(policy.failed(kTask, Blame::injected, "chaos", at(i)));
    CHECK_FALSE(policy.failed(kTask, Blame::outside, "SIGKILL", at(i)));
  }
  CHECK(policy.restart_at(kTask) == Time{});
}

TEST_CASE("the wait before a restart doubles up to restart.backoff_max", "[core][restart]") {
  RestartLimits limits;
  limits.max = 10;
  RestartPolicy policy(limits);
  std::int64_t now = 1000;
  for (const std::int64_t wait_ms : {100, 200, 400, 800, 1600, 3200, 5000, 5000}) {
    CHECK_FALSE(policy.failed(kTask, Blame::plugin, "x", at(now)));
    CHECK(policy.restart_at(kTask) == at(now + wait_ms));
    now += wait_ms;
  }
  CHECK(policy.restart_at(TaskId{4}) == Time{});  // the others are not held back
}

TEST_CASE("restart.backoff_max below the first backoff caps that, too", "[core][restart]") {
  RestartLimits limits;
  limits.backoff_max = milliseconds(50);
  RestartPolicy policy(limits);
  policy.failed(kTask, Blame::plugin, "x", at(0));
  CHECK(policy.restart_at(kTask) == at(50));
}

TEST_CASE("one failure more than restart.max within the window gives up, and says whose fault it is",
          "[core][restart]") {
  RestartLimits limits;
  limits.max = 2;
  RestartPolicy policy(limits);
  CHECK_FALSE(policy.failed(kTask, Blame::plugin, "first", at(0)));
  CHECK_FALSE(policy.failed(kTask, Blame::plugin, "second", at(1)));
  CHECK_FALSE(policy.failed(TaskId{4}, Blame::plugin, "another task's", at(2)));
  CHECK_FALSE(policy.failed(kTask, Blame::injected, "does not count", at(2)));
  const auto why = policy.failed(kTask, Blame::plugin, "threw \"bad row 17\"", at(60'000));
  REQUIRE(why);
  CHECK(*why ==
        "task 3 gave up: 3 failures in 60 s (limit restart.max=2); last: threw \"bad row 17\"; the plugin is to "
        "blame, not the host");
}

TEST_CASE("failures older than restart.window are forgotten, and the wait is short again", "[core][restart]") {
  RestartLimits limits;
  limits.max = 2;
  RestartPolicy policy(limits);
  policy.failed(kTask, Blame::plugin, "x", at(0));
  policy.failed(kTask, Blame::plugin, "x", at(1));
  CHECK_FALSE(policy.failed(kTask, Blame::plugin, "x", at(60'001)));  // the first one is out of the window
  CHECK(policy.restart_at(kTask) == at(60'201));
  CHECK_FALSE(policy.failed(kTask, Blame::plugin, "x", at(200'000)));
  CHECK(policy.restart_at(kTask) == at(200'100));
}

TEST_CASE("an injected fault or a kill from outside restarts at once, also during a backoff", "[core][restart]") {
  for (const Blame blame : {Blame::injected, Blame::outside}) {
    const RestartLimits limits;
    RestartPolicy policy(limits);
    policy.failed(kTask, Blame::plugin, "x", at(0));
    CHECK(policy.restart_at(kTask) == at(100));
    policy.failed(kTask, blame, "killed", at(10));
    CHECK(policy.restart_at(kTask) <= at(10));
    policy.failed(kTask, Blame::plugin, "y", at(20));  // the count of its own failures stays
    CHECK(policy.restart_at(kTask) == at(220));
  }
}

TEST_CASE("restart.max 0: the first failure is the last", "[core][restart]") {
  RestartLimits limits;
  limits.max = 0;
  RestartPolicy policy(limits);
  CHECK(policy.failed(kTask, Blame::plugin, "x", at(0)));
}

}  // namespace
}  // namespace taskgraph::core
