// Pulls from outside at a job in worker processes, without the HTTP in front of them.
#include <sys/wait.h>

#include <csignal>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "host/config/topology_file.hpp"
#include "host/dataplane/secret.hpp"
#include "host/processes/process_job.hpp"
#include "host/runtime/random_uuid.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/waited.hpp"

namespace taskgraph::processes {
namespace {

using core::OutsideAnswer;
using tests::Waited;

constexpr std::size_t kMiB = std::size_t{1} << 20U;

config::TopologyFile echo_topology() {
  auto parsed = config::parse_topology("echo.json", R"({"version": 1, "job": "echo", "plugin": {"path": "echo.so"},
      "tasks": {"count": 2, "backups": 1}, "links": {"peers": {"shape": "full"}},
      "limits": {"message_bytes": "64MiB"}})",
                                       "/");
  return std::get<config::TopologyFile>(std::move(parsed));
}

/// Two echo tasks with a backup each, in two workers.
struct World {
  World() : topology(echo_topology()) {
    wire::Setup setup;
    setup.secret = dataplane::bytes_of(dataplane::random_secret());
    setup.topology_name = "echo.json";
    setup.topology = topology.canonical;
    setup.topology_directory = "/";
    setup.plugin_file = TASKGRAPH_ECHO_PLUGIN;
    setup.log_level = config::LogLevel::error;
    job = std::make_unique<ProcessJob>(
        ProcessJobSettings{topology, std::move(setup), {}, journal, 2},
        runtime::HostActor::Listener{[](runtime::JobOutcome) {},
                                     [this](runtime::JobOutcome outcome) { ended.put(outcome.kind); }});
    job->start();
  }
  void ask(std::uint32_t task, std::string method, std::string_view body = "",
           core::Duration deadline = core::seconds(60)) {
    job->outside_pulls().pull({{task}, std::move(method), core::Bytes(body), runtime::now() + deadline},
                              [this](OutsideAnswer answer) { answers.put(std::move(answer)); });
  }
  /// Of an answer that must be a value.
  std::string value() {
    const OutsideAnswer answer = answers.take();
    CHECK(answer.kind == OutsideAnswer::Kind::answered);
    CHECK(answer.outcome == core::Outcome::value);
    return std::string(answer.body.view());
  }
  /// {"task":0,"term":1,...}
  static long number_in(const std::string& text, const std::string& name) {
    const auto at = text.find("\"" + name + "\":");
    REQUIRE(at != std::string::npos);
    return std::stol(text.substr(at + name.size() + 3));
  }

  const config::TopologyFile topology;
  Waited<OutsideAnswer> answers;
  Waited<runtime::JobOutcome::Kind> ended;
  journal::Journal journal{{.folder = {},
                            .host = runtime::random_uuid<core::HostId>(),
                            .job_name = "echo",
                            .digest = {},
                            .tasks = 2,
                            .full = false,
                            .warn = {}}};
  std::unique_ptr<ProcessJob> job;
};

/// Returns when none of its threads runs any more.
void stop(pid_t pid) {
  siginfo_t info{};
  REQUIRE(::kill(pid, SIGSTOP) == 0);
  REQUIRE(::waitid(P_PID, static_cast<id_t>(pid), &info, WSTOPPED | WNOWAIT) == 0);
}

TEST_CASE("somebody outside pulls from tasks in whichever worker", "[processes][outside]") {
  World world;
  std::vector<long> pids;
  for (const std::uint32_t task : {0U, 1U}) {
    world.ask(task, "whoami");
    const std::string text = world.value();
    CHECK(World::number_in(text, "task") == task);
    pids.push_back(World::number_in(text, "pid"));
    world.ask(task, "echo", "hello");
    CHECK(world.value() == "hello");
  }
  CHECK(pids[0] != pids[1]);  // each worker has a primary
  world.ask(0, "nothing");
  CHECK(world.answers.take().code == 2);
  CHECK(world.job->is_read_only("whoami"));
  CHECK_FALSE(world.job->is_read_only("echo"));
}

TEST_CASE("bodies up to the job's limit go both ways, and others pass them", "[processes][outside]") {
  World world;
  world.ask(0, "whoami");
  world.value();
  std::string large(64 * kMiB, '\0');
  for (std::size_t i = 0; i < large.size(); ++i) large[i] = static_cast<char>(i * 31 + i / 977);
  world.ask(0, "echo", large);
  world.ask(0, "echo", "small");
  CHECK(world.value() == "small");
  CHECK(world.value() == large);
  world.ask(0, "echo", large + "x");
  CHECK(world.answers.take().code == core::code::kTooLarge);
  world.ask(0, "bytes", std::to_string(64 * kMiB + 1));
  CHECK(world.answers.take().code == core::code::kAnswerTooLarge);
}

TEST_CASE("pulls that a killed worker had go to the new primary by themselves", "[processes][outside]") {
  World world;
  for (long term = 1; term <= 3; ++term) {
    world.ask(0, "whoami");
    const std::string before = world.value();
    CHECK(World::number_in(before, "term") == term);
    const auto pid = static_cast<pid_t>(World::number_in(before, "pid"));
    stop(pid);  // it takes what comes now with it
    for (int i = 0; i < 5; ++i) world.ask(0, "whoami");
    world.ask(0, "echo", std::string(2 * kMiB, 'z'));
    REQUIRE(::kill(pid, SIGKILL) == 0);
    for (int i = 0; i < 5; ++i) CHECK(World::number_in(world.value(), "term") == term + 1);
    CHECK(world.value() == std::string(2 * kMiB, 'z'));
    CHECK(world.answers.left() == 0);
  }
}

TEST_CASE("a thousand pulls at once are answered, each once", "[processes][outside]") {
  World world;
  for (std::uint32_t i = 0; i < 1'000; ++i) world.ask(i % 2, "echo", std::to_string(i));
  std::vector<int> times(1'000);
  for (int i = 0; i < 1'000; ++i) ++times.at(std::stoul(world.value()));
  CHECK(times == std::vector<int>(1'000, 1));
  CHECK(world.answers.left() == 0);
}

TEST_CASE("a job in workers that is drained closes what is open", "[processes][outside]") {
  World world;
  world.ask(0, "whoami");
  const auto pid = static_cast<pid_t>(World::number_in(world.value(), "pid"));
  stop(pid);
  world.ask(0, "echo");
  world.job->drain();
  CHECK(world.answers.take().kind == OutsideAnswer::Kind::closed);
  REQUIRE(::kill(pid, SIGCONT) == 0);
  CHECK(world.ended.take() == runtime::JobOutcome::Kind::stopped);
}

}  // namespace
}  // namespace taskgraph::processes
