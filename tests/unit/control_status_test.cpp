#include "host/control/status_json.hpp"

#include "host/config/result_file.hpp"
#include "host/control/control_json.hpp"
#include "tests/support/catch.hpp"

using Catch::Matchers::Contains;

namespace taskgraph::control {
namespace {

using runtime::JobStatus;
using State = JobStatus::State;

const JobIdentity kIdentity{"job", "d1ge57"};
const core::LifeId kLifeA{1, 2};
const core::LifeId kLifeB{3, 4};

core::TaskAssignment task(std::uint64_t term, core::Seat primary, std::vector<core::Seat> backups = {}) {
  core::TaskAssignment task;
  task.term = {term};
  task.primary = primary;
  task.backups = std::move(backups);
  return task;
}

JobStatus running(std::vector<core::TaskAssignment> tasks) {
  JobStatus status;
  status.state = State::running;
  status.job = {5, 6};
  status.host = {7, 8};
  status.controller = {7, 8};
  status.view = std::make_shared<core::Assignment>(core::ViewVersion{9}, std::vector<core::HostId>{}, std::move(tasks));
  status.lives = {{kLifeA, 0, 100, {1'000'000}}, {kLifeB, 1, 101, {2'000'000}}};
  status.facts.epoch = {3};
  status.facts.pulls = 12;
  status.facts.failures = 2;
  status.frames_dropped = 1;
  return status;
}

/// Two tasks: one with a primary and a backup, one whose primary is in a life that is gone.
JobStatus one_of_each() {
  return running({task(1, {kLifeA, {1}}, {{kLifeB, {2}}}), task(4, {{99, 99}, {3}})});
}

bool is_json(const std::string& text) {
  return !config::check_result_json(text).has_value();
}

TEST_CASE("status: who is what, in which worker and life", "[control]") {
  const std::string text = status_json(kIdentity, one_of_each(), "", {5'000'000});
  CHECK(is_json(text));
  CHECK_THAT(text, Contains(R"("job":{"name":"job","id":"00000000-0000-0005-0000-000000000006","digest":"d1ge57",)"
                            R"("state":"running"})"));
  CHECK_THAT(text, Contains(R"("epoch":3,"view":9,"host":"00000000-0000-0007-0000-000000000008",)"
                            R"("controller":"00000000-0000-0007-0000-000000000008")"));
  CHECK_THAT(text, Contains(R"({"task":0,"term":1,"primary":{"role":"primary","worker":0,)"
                            R"("life":"00000000-0000-0001-0000-000000000002","replica":1},"backups":[{"role":"backup",)"
                            R"("worker":1,"life":"00000000-0000-0003-0000-000000000004","replica":2}]})"));
  CHECK_THAT(text, Contains(R"({"task":1,"term":4,"primary":{"role":"primary","worker":null,)"));
  CHECK_THAT(text, Contains(R"({"worker":1,"pid":101,"life":"00000000-0000-0003-0000-000000000004","up_since":"20)"));
  CHECK_THAT(text, Contains(R"("primaries":1,"backups":0})") && Contains(R"("primaries":0,"backups":1})"));
  CHECK_THAT(text, Contains(R"("failovers":[],"counters":{"pulls":12,"failures":2,"frames_dropped":1})"));
  CHECK_THAT(text, Contains(R"("versions":{"taskgraph":)") && Contains(R"("plugin_abi":"1.0","wire":1}})"));
  CHECK(text.ends_with("}\n"));
}

TEST_CASE("status: failovers come from elsewhere, as they are", "[control]") {
  const std::string text = status_json(kIdentity, one_of_each(), R"([{"task": 1}])", {});
  CHECK(is_json(text));
  CHECK_THAT(text, Contains(R"("failovers":[{"task": 1}],)"));
}

TEST_CASE("status: before the first view nothing has a name", "[control]") {
  const std::string text = status_json(kIdentity, {}, "", {});
  CHECK(is_json(text));
  CHECK_THAT(text, Contains(R"("id":null)") && Contains(R"("state":"starting"})") && Contains(R"("view":0)") &&
                       Contains(R"("controller":null,"tasks":[],"lives":[])"));
}

TEST_CASE("status: a reason of any bytes", "[control]") {
  JobStatus status = one_of_each();
  status.state = State::failed;
  status.reason = "task 1 said \"no\"\n\xff\xc3\xa9";
  const std::string text = status_json(kIdentity, status, "", {});
  CHECK(is_json(text));
  CHECK_THAT(text, Contains(R"("state":"failed","reason":"task 1 said \"no\"\n)"
                            "\xef\xbf\xbd\xc3\xa9\""));
}

TEST_CASE("status: a job is ready when every task has a primary in a life that lives", "[control]") {
  CHECK_THAT(why_not_ready({}), Contains("is starting"));
  CHECK(why_not_ready(one_of_each()) == "1 of 2 tasks have a primary");
  CHECK(why_not_ready(running({task(1, {kLifeA, {1}}), task(1, {})})) == "1 of 2 tasks have a primary");
  JobStatus all = running({task(1, {kLifeA, {1}}), task(2, {kLifeB, {1}})});
  CHECK(why_not_ready(all).empty());
  all.state = State::stopping;
  CHECK(why_not_ready(all).empty());
  for (const State state : {State::done, State::failed, State::stopped, State::documents_lost, State::refused}) {
    all.state = state;
    CHECK(why_not_ready(all) == "the job has ended");
  }
}

TEST_CASE("control.json", "[control]") {
  CHECK(control_json("http://127.0.0.1:1", "/a \"b\"/token") ==
        "{\"control\":\"http://127.0.0.1:1\",\"token_file\":\"/a \\\"b\\\"/token\"}\n");
}

}  // namespace
}  // namespace taskgraph::control
