// Pulls from outside at a whole job in this process.
#include <taskgraph/export.hpp>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "host/plugin/bridge.hpp"
#include "host/runtime/executor.hpp"
#include "host/runtime/local_job.hpp"
#include "host/runtime/random_uuid.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/replica_story.hpp"
#include "tests/support/waited.hpp"

namespace taskgraph::runtime {
namespace {

using core::OutsideAnswer;
using tests::Waited;

struct Notes {
  Waited<std::string> served;
  std::atomic<int> fails_left{0};
};
Notes* notes = nullptr;

class Desk final : public Task {
 public:
  using Task::Task;
  void enter_epoch(Epoch) override { kept_.clear(); }
  void serve(Pull pull) override {
    notes->served.put(std::string(pull.method()) + (pull.is_from_outside() ? " from outside" : ""));
    if (pull.method() == "echo") return pull.reply(pull.body());
    if (pull.method() == "term") return pull.reply(std::to_string(host().term()));
    if (pull.method() == "advance") {
      (void)host().advance_epoch(host().epoch());
      across_ = std::move(pull);
      (void)host().after(std::chrono::milliseconds(5), [this] { across(); });
      return;
    }
    if (pull.method() == "fail" && notes->fails_left.fetch_sub(1) > 0) throw std::runtime_error("as it was told");
    if (pull.method() == "fail") return pull.reply(std::to_string(host().term()));
    if (pull.method() == "keep") return kept_.push_back(std::move(pull));
    if (pull.method() == "finish") {
      (void)host().finish_job(taskgraph::JobStatus::done);
      return kept_.push_back(std::move(pull));
    }
    pull.refuse(Code::no_such_method, "no " + std::string(pull.method()));
  }

 private:
  void across() {
    if (host().epoch() > 0) return across_.reply("in epoch " + std::to_string(host().epoch()));
    (void)host().after(std::chrono::milliseconds(5), [this] { across(); });
  }
  std::vector<Pull> kept_;
  Pull across_;
};

tg_status create_task(std::uint64_t, tg_host* host, tg_task* out, tg_error* error) noexcept {
  return detail::guarded(error, [&] { *out = {new Desk(Host(host)), &detail::kHooks}; });
}

constexpr const char* kReadOnly[] = {"term", "echo", nullptr};
constexpr tg_plugin kPlugin{.magic = TG_PLUGIN_MAGIC,
                            .abi_major = TG_ABI_MAJOR,
                            .abi_minor = TG_ABI_MINOR,
                            .struct_size = sizeof(tg_plugin),
                            .name = "desk",
                            .version = "0",
                            .read_only_methods = kReadOnly,
                            .init = nullptr,
                            .create_task = &create_task,
                            .deinit = nullptr,
                            .extension = nullptr};

struct World {
  explicit World(std::uint8_t backups) : spec(*new core::JobSpec(tests::small_job(2))) {  // as long as the process
    detail::api = &plugin::host_api();
    notes = &seen;
    spec.backups.assign(2, backups);
    spec.restart.backoff = core::milliseconds(1);
    job = std::make_unique<LocalJob>(
        LocalJobSettings{spec, kPlugin, "digest", {}, journal, 2},
        HostActor::Listener{[](JobOutcome) {}, [this](JobOutcome outcome) { ended.put(outcome.kind); }});
    job->start();
  }
  ~World() {
    job.reset();
    notes = nullptr;
  }
  void ask(std::uint32_t task, std::string method, std::string_view body = "",
           core::Duration deadline = core::seconds(60)) {
    job->outside_pulls().pull({{task}, std::move(method), core::Bytes(body), now() + deadline},
                              [this](OutsideAnswer answer) { answers.put(text_of(answer)); });
  }
  static std::string text_of(const OutsideAnswer& answer) {
    const char* const kinds[] = {"answered", "no primary", "deadline", "busy", "closed"};
    std::string text = kinds[static_cast<int>(answer.kind)];
    if (answer.outcome == core::Outcome::error) text += " error " + std::to_string(answer.code);
    return text + (answer.body.size() == 0 ? "" : " ") + std::string(answer.body.view());
  }

  core::JobSpec& spec;
  Notes seen;
  Waited<std::string> answers;
  Waited<JobOutcome::Kind> ended;
  journal::Journal journal{{.folder = {},
                            .host = random_uuid<core::HostId>(),
                            .job_name = "job",
                            .digest = {},
                            .tasks = 2,
                            .full = false,
                            .warn = {}}};
  std::unique_ptr<LocalJob> job;
};

TEST_CASE("somebody outside pulls from every task of a job in one process", "[job][outside]") {
  World world(1);
  world.ask(0, "echo", "a");
  CHECK(world.answers.take() == "answered a");
  CHECK(world.seen.served.take() == "echo from outside");
  world.ask(1, "echo", "b");
  CHECK(world.answers.take() == "answered b");
  world.ask(1, "what");
  CHECK(world.answers.take() == "answered error 2 no what");
  world.ask(1, "echo", std::string(core::kMethodBytesMax, 'x'));
  CHECK(world.answers.take() == "answered " + std::string(core::kMethodBytesMax, 'x'));
  world.ask(1, std::string(core::kMethodBytesMax + 1, 'm'));
  CHECK(world.answers.take().substr(0, 16) == "answered error 4");
  CHECK(world.answers.left() == 0);
}

TEST_CASE("a pull from outside is answered in a later epoch than it came in", "[job][outside]") {
  World world(0);
  world.ask(0, "advance");
  CHECK(world.answers.take() == "answered in epoch 1");
}

TEST_CASE("a pull that its task fails by goes to the next term, and on until one answers", "[job][outside]") {
  for (const std::uint8_t backups : {std::uint8_t{0}, std::uint8_t{1}}) {
    World world(backups);
    world.seen.fails_left = 3;
    world.ask(0, "fail");
    CHECK(world.answers.take() == "answered 4");
    for (int i = 0; i < 4; ++i) CHECK(world.seen.served.take() == "fail from outside");
    CHECK(world.seen.served.left() == 0);
  }
}

TEST_CASE("a pull that is never answered ends at its deadline, others go on", "[job][outside]") {
  World world(0);
  world.ask(0, "keep", "", core::milliseconds(50));
  CHECK(world.answers.take() == "deadline");
  world.ask(0, "term");
  CHECK(world.answers.take() == "answered 1");
}

TEST_CASE("the end of the job closes what is open", "[job][outside]") {
  World world(1);
  world.ask(0, "keep");
  world.ask(1, "keep");
  world.seen.served.take();
  world.seen.served.take();
  world.ask(0, "finish");
  for (int i = 0; i < 3; ++i) CHECK(world.answers.take() == "closed");
  CHECK(world.ended.take() == JobOutcome::Kind::done);
  world.ask(0, "echo");
  CHECK(world.answers.take() == "closed");
}

TEST_CASE("a job that is drained, or destroyed, closes what is open", "[job][outside]") {
  Waited<std::string> answers;
  {
    World world(0);
    world.ask(0, "keep");
    world.seen.served.take();
    world.job->drain();
    CHECK(world.answers.take() == "closed");
    CHECK(world.ended.take() == JobOutcome::Kind::stopped);
  }
  {
    World world(0);
    world.job->outside_pulls().pull({{1}, "keep", {}, now() + core::seconds(60)},
                                    [&answers](OutsideAnswer answer) { answers.put(World::text_of(answer)); });
    world.seen.served.take();
    CHECK(answers.left() == 0);
  }
  CHECK(answers.left() == 1);
  CHECK(answers.take() == "closed");
}

TEST_CASE("a job knows the methods that its plugin calls read-only", "[job][outside]") {
  const World world(0);
  CHECK(world.job->is_read_only("term"));
  CHECK(world.job->is_read_only("echo"));
  CHECK_FALSE(world.job->is_read_only("keep"));
  CHECK_FALSE(world.job->is_read_only(""));
}

}  // namespace
}  // namespace taskgraph::runtime
