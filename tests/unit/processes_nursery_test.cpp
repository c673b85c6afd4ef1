/// The nursery with real workers, which are this very binary (tests/support/catch_main.hpp).
#include "host/processes/nursery.hpp"

#include <condition_variable>
#include <cstdio>
#include <filesystem>
#include <mutex>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "host/config/topology_file.hpp"
#include "host/coordinator/embedded.hpp"
#include "host/dataplane/secret.hpp"
#include "host/plugin/probe.hpp"
#include "host/process/descendants.hpp"
#include "host/processes/chaos_memory.hpp"
#include "host/processes/worker_main.hpp"
#include "host/runtime/log.hpp"
#include "host/runtime/outside_actor.hpp"
#include "host/runtime/random_uuid.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/catch_main.hpp"
#include "tests/support/temporary_folder.hpp"

namespace taskgraph::processes {
namespace {

std::optional<int> worker_or_probe(int argc, char** argv) {
  const std::string_view option = argc > 1 ? argv[1] : "";
  if (option == plugin::kProbeOption) plugin::probe_main(argc, argv);
  return option == kWorkerOption ? std::optional(worker_main()) : std::nullopt;
}
[[maybe_unused]] const auto registered = (tests::other_main = &worker_or_probe);

template <typename Condition>
bool wait_for(Condition condition) {
  const core::Time end = runtime::now() + core::seconds(30);
  while (!condition()) {
    if (runtime::now() > end) return false;
    std::this_thread::yield();
  }
  return true;
}

/// Three tasks of the plugin `misbehave` in two workers; the log goes to a file.
class Story {
 public:
  explicit Story(const std::string& misbehaves)
      : topology_(std::get<config::TopologyFile>(config::parse_topology("job.json", text(misbehaves), "/"))),
        nursery_(executor_, topology_.spec, setup(), 2, chaos_.descriptor(), journal_),
        outside_(executor_, id_, topology_.spec, nursery_),
        host_(executor_, topology_.spec, coordinator_, id_, topology_.digest, nursery_, journal_,
              {[](const runtime::JobOutcome&) {}, [this](const runtime::JobOutcome& outcome) { ended(outcome); }}) {
    runtime::log_start({.level = runtime::LogLevel::debug, .colour = false, .target = log_});
    process::become_subreaper();
    nursery_.set_host(host_, outside_);
    host_.open();
    nursery_.begin();
  }
  ~Story() {
    executor_.stop();
    nursery_.close();
    coordinator_.close();
    runtime::log_start({});
    std::fclose(log_);
  }
  Story(const Story&) = delete;
  Story& operator=(const Story&) = delete;

  Nursery& nursery() { return nursery_; }
  runtime::HostActor& host() { return host_; }
  void abandon() {
    executor_.stop();
    nursery_.abandon();
  }
  std::filesystem::path marks() const { return folder_.path(); }
  bool has_ended() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(30), [&] { return outcome_.has_value(); });
  }
  std::string log() const { return folder_.read("log"); }

 private:
  std::string text(const std::string& misbehaves) const {
    return R"({"version": 1, "job": "test", "plugin": {"path": ")" TASKGRAPH_TEST_PLUGINS
           R"(/misbehave.so", "args": {"epochs": 1000000000, "marks": ")" +
           folder_.path().string() + "\"" + misbehaves +
           R"(}}, "tasks": {"count": 3}, "links": {"peers": {"shape": "full"}}, "failure": {"stall": "300ms"}})";
  }
  wire::Setup setup() const {
    wire::Setup setup;
    setup.job = runtime::random_uuid<core::JobId>();
    setup.secret = dataplane::bytes_of(dataplane::random_secret());
    setup.topology_name = "job.json";
    setup.topology = topology_.canonical;
    setup.topology_directory = "/";
    setup.plugin_file = TASKGRAPH_TEST_PLUGINS "/misbehave.so";
    setup.log_level = runtime::LogLevel::debug;
    setup.colour = false;
    return setup;
  }
  void ended(const runtime::JobOutcome& outcome) {
    const std::lock_guard lock(mutex_);
    outcome_ = outcome;
    changed_.notify_all();
  }

  const tests::TemporaryFolder folder_;
  std::FILE* const log_ = std::fopen((folder_.path() / "log").c_str(), "w");
  const config::TopologyFile topology_;
  const ChaosMemory chaos_{1};
  coordinator::Embedded coordinator_;
  runtime::Executor executor_{1};
  const core::HostId id_ = runtime::random_uuid<core::HostId>();
  journal::Journal journal_{
      {.folder = {}, .host = id_, .job_name = "job", .digest = {}, .tasks = 3, .full = false, .warn = {}}};
  Nursery nursery_;
  runtime::OutsideActor outside_;
  runtime::HostActor host_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<runtime::JobOutcome> outcome_;
};

TEST_CASE("workers of a host that may act no more confirm it, and their tasks exit", "[processes][nursery]") {
  Story story("");
  REQUIRE(wait_for([&] { return story.host().epoch() >= core::Epoch{3}; }));
  story.nursery().post(core::event::StopAll{core::ExitReason::replaced});
  REQUIRE(story.has_ended());
  CHECK(story.log().find("killed") == std::string::npos);
}

TEST_CASE("a worker that does not confirm in failure.stall that it acts no more is killed", "[processes][nursery]") {
  Story story(R"(, "task": 1, "hook": "enter_epoch", "what": "hang", "at_epoch": 2)");
  REQUIRE(wait_for([&] { return std::filesystem::exists(story.marks() / "0"); }));
  story.nursery().post(core::event::StopAll{core::ExitReason::replaced});
  REQUIRE(story.has_ended());
  CHECK_THAT(story.log(), Catch::Contains("did not confirm within failure.stall that it acts no more, and was killed"));
}

TEST_CASE("workers that are abandoned end at once, whatever they do, and what they have started, too",
          "[processes][nursery]") {
  Story story(R"(, "task": 1, "hook": "enter_epoch", "what": "fork", "at_epoch": 2)");
  REQUIRE(wait_for([&] { return story.log().find("misbehave: has forked") != std::string::npos; }));
  CHECK(process::children().size() >= 2);  // of other tests there may be some, too
  story.abandon();
  CHECK(process::children().empty());
}

TEST_CASE("a worker sees at once what its supervisor does to the lease that both have mapped", "[processes][lease]") {
  const process::SharedMemory memory = process::SharedMemory::make("test", kLeasePageBytes);
  auto* const lease = new (memory.address()) core::Lease(core::Lease::open_ended());
  const process::SharedMemory mapped =
      process::SharedMemory::map(memory.read_only(), kLeasePageBytes, process::SharedMemory::Access::read);
  const auto& of_worker = *static_cast<const core::Lease*>(mapped.address());
  CHECK(of_worker.holds(core::Time{1}));
  lease->clear();
  CHECK_FALSE(of_worker.holds(core::Time{1}));
  lease->extend(core::Time{0}, core::seconds(1));
  CHECK(of_worker.holds(core::Time{1}));
}

}  // namespace
}  // namespace taskgraph::processes
