#include "host/core/view_latch.hpp"

#include "tests/support/catch.hpp"

namespace taskgraph::core {
namespace {

event::ApplyView handed(std::uint64_t version, std::vector<TaskId> changed) {
  return {
      std::make_shared<const Assignment>(ViewVersion{version}, std::vector<HostId>{}, std::vector<TaskAssignment>{}),
      std::make_shared<const std::vector<TaskId>>(std::move(changed))};
}

TEST_CASE("views that wait become one: the newest, with the changes of all", "[core][view]") {
  ViewLatch latch;
  CHECK(latch.is_empty());
  CHECK_FALSE(latch.take().has_value());
  latch.put(handed(4, {{1}, {7}}));
  latch.put(handed(5, {{0}, {7}, {9}}));
  const auto taken = latch.take();
  REQUIRE(taken.has_value());
  CHECK(taken->view->version() == ViewVersion{5});
  CHECK(*taken->changed == std::vector<TaskId>{{0}, {1}, {7}, {9}});
  CHECK(latch.is_empty());
}

TEST_CASE("a replica forgets the views that it was made with, and no later one", "[core][view]") {
  ViewLatch latch;
  latch.put(handed(4, {{1}}));
  latch.forget_up_to(ViewVersion{3});
  CHECK_FALSE(latch.is_empty());
  latch.forget_up_to(ViewVersion{4});
  CHECK(latch.is_empty());
  latch.forget_up_to(ViewVersion{9});
  CHECK(latch.is_empty());
}

}  // namespace
}  // namespace taskgraph::core
