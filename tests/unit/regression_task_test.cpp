#include "plugins/regression/task.hpp"

#include <cstdint>
#include <string>

#include "tests/support/catch.hpp"
#include "tests/support/plugin_driver.hpp"

namespace taskgraph::regression {
namespace {

using tests::DrivenArgs;
using tests::DrivenJob;
using tests::PluginDriver;
using tests::tree_links;

DrivenJob tree(std::uint64_t count, std::uint64_t arity, DrivenArgs args) {
  return {.task_count = count, .links = tree_links(count, arity), .args = std::move(args)};
}

PluginDriver::Entry entry() {
  return PluginDriver::entry<RegressionBuilder>();
}

/// By definition, and not the plugin's way: every id times every epoch.
std::string expected(std::uint64_t tasks, std::uint64_t epochs_last) {
  std::string text = "{\"sums\":[0";
  for (std::uint64_t epoch = 1; epoch <= epochs_last; ++epoch) {
    std::uint64_t sum = 0;
    for (std::uint64_t id = 0; id < tasks; ++id) sum += id * epoch;
    text += "," + std::to_string(sum);
  }
  return text + "]}";
}

/// The events of a run without faults.
std::uint64_t check_run(PluginDriver& driver, std::uint64_t tasks, std::uint64_t epochs_last) {
  REQUIRE(driver.run());
  CHECK(driver.failures().empty());
  CHECK(driver.finished()->status == TG_JOB_DONE);
  CHECK(driver.finished()->result == expected(tasks, epochs_last));
  CHECK(driver.epoch() == epochs_last);
  return driver.events();
}

std::string refusal(DrivenArgs args, std::uint64_t tasks = 15) {
  try {
    PluginDriver driver(entry(), tree(tasks, 2, std::move(args)), 1);
  } catch (const std::invalid_argument& e) {
    return e.what();
  }
  return "";
}

}  // namespace

TEST_CASE("regression: the sums of any tree are right without faults") {
  for (const auto& [tasks, arity] : {std::pair{1, 2}, {2, 1}, {7, 1}, {15, 2}, {40, 3}, {50, 49}}) {
    for (const char* payload : {"scalar", "wide"}) {
      const auto count = static_cast<std::uint64_t>(tasks);
      PluginDriver driver(
          entry(),
          tree(count, static_cast<std::uint64_t>(arity), DrivenArgs().integer("epochs", 6).text("payload", payload)),
          3);
      INFO(tasks << " tasks, arity " << arity << ", " << payload);
      check_run(driver, count, 6);
    }
  }
}

TEST_CASE("regression: ten epochs unless said otherwise") {
  PluginDriver driver(entry(), tree(15, 2, {}), 1);
  check_run(driver, 15, 10);
  CHECK(driver.finished()->result == "{\"sums\":[0,105,210,315,420,525,630,735,840,945,1050]}");
}

TEST_CASE("regression: the root pauses before it advances") {
  PluginDriver driver(entry(), tree(3, 2, DrivenArgs().integer("epochs", 4).integer("pause_ms", 250)), 1);
  check_run(driver, 3, 4);
  CHECK(driver.now_ns() == 4 * 250'000'000LL);
}

TEST_CASE("regression: a kill of any task at any event changes nothing") {
  const DrivenJob job = tree(7, 2, DrivenArgs().integer("epochs", 3));
  PluginDriver calm(entry(), job, 11);
  const std::uint64_t events = check_run(calm, 7, 3);
  REQUIRE(events > 100);
  std::uint64_t kills = 0;
  for (std::uint64_t event = 0; event < events; ++event) {
    for (std::uint64_t task = 0; task < 7; ++task) {
      PluginDriver driver(entry(), job, 11);
      driver.kill_at(event, task);
      INFO("task " << task << " killed at event " << event);
      check_run(driver, 7, 3);
      kills += driver.kills();
    }
  }
  CHECK(kills > events * 6);
}

TEST_CASE("regression: many kills in a row change nothing") {
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    std::mt19937_64 random(seed);
    const std::uint64_t tasks = 1 + random() % 15;
    const std::uint64_t arity = 1 + random() % 3;
    PluginDriver driver(
        entry(),
        tree(tasks, arity, DrivenArgs().integer("epochs", 5).text("payload", seed % 2 == 0 ? "scalar" : "wide")), seed);
    for (int i = 0; i < 20; ++i) driver.kill_at(random() % (40 * tasks), random() % 4 == 0 ? 0 : random() % tasks);
    INFO("seed " << seed);
    check_run(driver, tasks, 5);
  }
}

TEST_CASE("regression: unknown methods and ranges are refused, whatever they hold") {
  PluginDriver driver(entry(), tree(3, 2, DrivenArgs().integer("epochs", 1).integer("pause_ms", 1'000)), 1);
  const auto range = [](std::uint64_t first, std::uint64_t count) {
    return std::string(Buffer(std::vector<std::uint64_t>{first, count}).bytes());
  };
  const auto unknown = driver.ask(1, "summ", "");
  const auto none = driver.ask(1, "sums", "");
  const auto late = driver.ask(1, "sums", range(1, 2));
  const auto huge = driver.ask(1, "sums", range(1, UINT64_MAX));
  const auto fits = driver.ask(2, "sums", range(0, 2));
  check_run(driver, 3, 1);
  CHECK(driver.answers().at(unknown).code == TG_CODE_NO_SUCH_METHOD);
  CHECK(driver.answers().at(none).body == "expected one range within epochs 0 to 1");
  CHECK(driver.answers().at(late).code == TG_CODE_FAILED);
  CHECK(driver.answers().at(huge).code == TG_CODE_FAILED);
  CHECK(values_of<double>(driver.answers().at(fits).body) == std::vector<double>{0, 2});
}

TEST_CASE("regression: tasks without the links of a tree say what is missing") {
  PluginDriver driver(entry(), {.task_count = 2}, 1);
  CHECK_FALSE(driver.run(20));
  REQUIRE_FALSE(driver.failures().empty());
  CHECK(driver.failures()[0].find("the links \"parents\" and \"children\"") != std::string::npos);
}

TEST_CASE("regression: arguments that cannot be are refused with what would be right") {
  CHECK(refusal(DrivenArgs().integer("epochs", -1)) == "argument \"epochs\" is -1; expected 0 or more");
  CHECK(refusal(DrivenArgs().text("epochs", "ten")).find("expected a whole number") != std::string::npos);
  CHECK(refusal(DrivenArgs().integer("pause_ms", -1)) == "argument \"pause_ms\" is -1; expected 0 to 3600000");
  CHECK(refusal(DrivenArgs().integer("pause_ms", 3'600'001)).find("expected 0 to 3600000") != std::string::npos);
  CHECK(refusal(DrivenArgs().text("payload", "deep")) ==
        "argument \"payload\" is \"deep\"; expected \"scalar\" or \"wide\"");
  CHECK(refusal(DrivenArgs().integer("epoch", 1)) == "unknown argument \"epoch\" (known: epochs pause_ms payload)");
}

TEST_CASE("regression: epochs are limited by the size of their sums in print") {
  for (const std::uint64_t tasks : std::vector<std::uint64_t>{1, 2, 15, 100'000}) {
    const Epoch fit = epochs_that_fit(tasks);
    std::vector<double> sums;
    for (Epoch epoch = 0; epoch <= fit; ++epoch) sums.push_back(static_cast<double>(tasks * (tasks - 1) / 2 * epoch));
    CHECK(print_result(sums).size() <= kResultBytesMax);
    sums.push_back(static_cast<double>(tasks * (tasks - 1) / 2 * (fit + 1)));
    CHECK(print_result(sums).size() > kResultBytesMax);
  }
  const auto fit = static_cast<std::int64_t>(epochs_that_fit(15));
  CHECK(fit > 30'000);
  CHECK(refusal(DrivenArgs().integer("epochs", fit)).empty());
  CHECK(refusal(DrivenArgs().integer("epochs", fit + 1)) ==
        "argument \"epochs\" is " + std::to_string(fit + 1) +
            "; the sums of 15 tasks fit into a job's result (256 KiB) up to " + std::to_string(fit) +
            " epochs: ask for fewer");
}

TEST_CASE("regression: a sum whose values differ is never passed on") {
  CHECK(agreed_value({3, 3, 3}) == 3);
  CHECK_THROWS_AS(agreed_value({3, 3, 4}), std::runtime_error);
}

}  // namespace taskgraph::regression
