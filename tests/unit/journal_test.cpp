#include "host/journal/journal.hpp"

#include <string>
#include <vector>

#include "host/journal/json_line.hpp"
#include "host/journal/life_journal.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/replica_story.hpp"
#include "tests/support/temporary_folder.hpp"

namespace taskgraph::journal {
namespace {

using core::TaskId;
using core::Term;
using core::Time;
using tests::life;
using tests::ReplicaStory;

/// Each line behind its time, host and job, which differ from run to run or are the same in all.
std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    const std::string line = text.substr(at, end - at);
    const std::size_t kind = line.find("\"kind\"");
    lines.push_back(line.substr(kind));
    at = end + 1;
  }
  return lines;
}

struct World {
  tests::TemporaryFolder folder;
  std::vector<std::string> warnings;
  Journal journal{{.folder = folder.path(),
                   .host = {1, 2},
                   .job_name = "total",
                   .digest = "abc",
                   .tasks = 1,
                   .full = true,
                   .warn = [this](const std::string& why) { warnings.push_back(why); }}};

  std::string text() {
    journal.close();
    return folder.read(Journal::kFileName);
  }
};

core::Assignment view(std::uint64_t term, char to) {
  core::TaskAssignment task;
  task.term = Term{term};
  task.primary = {life(to), {static_cast<std::uint32_t>(term)}};
  return {core::ViewVersion{term}, {}, {task}};
}

TEST_CASE("a line says when, which host and which job", "[journal]") {
  World world;
  world.journal.worker_started({0, life('a'), 77}, Time{5});
  world.journal.job_opened({3, 4}, true, Time{6});
  const std::string text = world.text();
  CHECK(text.starts_with("{\"v\":1,\"time\":\"2"));
  CHECK(text.find("Z\",\"ns\":5,\"host\":\"00000000-0000-0001-0000-000000000002\",\"job\":null,\"kind\":\"worker\"") !=
        std::string::npos);
  CHECK(text.find("\"ns\":6,\"host\":\"00000000-0000-0001-0000-000000000002\","
                  "\"job\":\"00000000-0000-0003-0000-000000000004\",\"kind\":\"job\",\"what\":\"started\","
                  "\"name\":\"total\",\"digest\":\"abc\",\"version\":\"") != std::string::npos);
  CHECK(config::wall_time_text(1'700'000'000'000'123'456) == "2023-11-14T22:13:20.000123Z");
}

TEST_CASE("a job from start to end, with a worker that dies", "[journal]") {
  World world;
  Journal& journal = world.journal;
  journal.worker_started({0, life('a'), 77}, Time{1'000});
  journal.worker_ready({0, life('a'), 77}, Time{2'000});
  journal.epoch_entered({0}, Time{3'000});
  journal.view_committed(view(1, 'a'), Time{4'000});
  journal.epoch_entered({0}, Time{4'500});  // told again with a view
  journal.epoch_entered({1}, Time{5'000});
  journal.worker_died({0, life('a'), 77}, {Cause::Kind::signal, 11, "dumped", {}}, Time{6'000}, Time{7'000});
  journal.worker_started({0, life('b'), 78}, Time{8'000});
  journal.view_committed(view(2, 'b'), Time{9'000});
  journal.replica_moment({core::ReplicaMoment::What::promoted, TaskId{0}, {life('b'), {2}}, Term{2}, Time{10'000}});
  CHECK(journal.failovers_json().starts_with("[{\"task\":0,\"term\":2,"));
  journal.job_ended({"done", core::Epoch{1}, 8, ""}, Time{20'000});
  journal.job_ended({"stopped", core::Epoch{1}, 2, ""}, Time{21'000});
  journal.epoch_entered({2}, Time{22'000});
  journal.worker_died({0, life('b'), 78}, {Cause::Kind::exit, 0, {}, {}}, Time{23'000}, Time{23'000});

  const std::string a = "\"life\":\"00000000-0000-0000-0000-000000000001\"";
  const std::string b = "\"life\":\"00000000-0000-0000-0000-000000000002\"";
  const std::vector<std::string> expected{
      "\"kind\":\"worker\",\"what\":\"started\",\"worker\":0," + a + ",\"pid\":77}",
      "\"kind\":\"worker\",\"what\":\"ready\",\"worker\":0," + a + ",\"pid\":77}",
      "\"kind\":\"epoch\",\"epoch\":0}",
      "\"kind\":\"claim\",\"task\":0,\"term\":1,\"view\":1," + a + ",\"replica\":1,\"worker\":0}",
      "\"kind\":\"epoch\",\"epoch\":1}",
      "\"kind\":\"worker\",\"what\":\"died\",\"worker\":0," + a +
          ",\"pid\":77,\"cause\":\"signal 11\",\"died_ns\":6000,\"detail\":\"dumped\"}",
      "\"kind\":\"worker\",\"what\":\"restarted\",\"worker\":0," + b +
          ",\"pid\":78,\"after\":\"00000000-0000-0000-0000-000000000001\"}",
      "\"kind\":\"claim\",\"task\":0,\"term\":2,\"view\":2," + b +
          ",\"replica\":2,\"worker\":0,\"cause\":\"signal 11\"}",
      "\"kind\":\"promotion\",\"task\":0,\"term\":2," + b +
          ",\"replica\":2,\"cause\":\"signal 11\",\"detail\":\"dumped\",\"lost_worker\":0,\"phases_us\":{\"died\":0,"
          "\"detected\":1,\"decided\":3,\"promoted\":4,\"sealed\":null,\"served\":null}}",
      "\"kind\":\"ended\",\"status\":\"done\",\"epoch\":1,\"result_bytes\":8,\"failovers\":1}"};
  CHECK(lines_of(world.text()) == expected);
  CHECK(journal.summary().size() == 2);
}

TEST_CASE("refusals and failures are told with their reason, whatever bytes that has", "[journal]") {
  World world;
  world.journal.worker_refused({2, life('a'), 0}, 78, "bad \"x\"\n\xff", Time{1});
  world.journal.job_ended({"failed", core::Epoch{3}, 2, std::string(5'000, 'r')}, Time{2});
  const auto lines = lines_of(world.text());
  REQUIRE(lines.size() == 2);
  CHECK(lines[0] ==
        "\"kind\":\"worker\",\"what\":\"refused\",\"worker\":2,\"life\":\"00000000-0000-0000-0000-000000000001\","
        "\"exit_code\":78,\"reason\":\"bad \\\"x\\\"\\n\xef\xbf\xbd\"}");
  CHECK(lines[1] == "\"kind\":\"ended\",\"status\":\"failed\",\"epoch\":3,\"result_bytes\":2,\"reason\":\"" +
                        std::string(kTextBytesMax, 'r') + "\",\"failovers\":0}");
}

TEST_CASE("without a folder nothing is written, and all is known", "[journal]") {
  Journal journal({.folder = {},
                   .host = {1, 2},
                   .job_name = "j",
                   .digest = "d",
                   .tasks = 1,
                   .full = true,
                   .warn = [](const std::string&) {}});
  CHECK_FALSE(journal.life_folder().has_value());
  journal.view_committed(view(1, 'a'), Time{1});
  journal.view_committed(view(2, 'b'), Time{2});
  CHECK(journal.failovers_json() != "[]");
  journal.close();
}

TEST_CASE("lives write files of their own only when all is wanted", "[journal]") {
  const tests::TemporaryFolder folder;
  const auto life_folder = [&](bool full) {
    return Journal({.folder = folder.path(),
                    .host = {},
                    .job_name = "",
                    .digest = "",
                    .tasks = 0,
                    .full = full,
                    .warn = {}})
        .life_folder();
  };
  CHECK(life_folder(true) == folder.path());
  CHECK_FALSE(life_folder(false).has_value());
}

// ---------------------------------------------------------------- in every detail

/// A replica with its recorder; lines lose what is the same in all of them.
struct Recorded {
  std::vector<std::string> lines;
  int error = 0;
  std::vector<std::string> warnings;
  LifeJournal journal{[this](std::string_view line) {
                        if (error == 0) lines.emplace_back(line);
                        return error;
                      },
                      {7, 7},
                      life('a'),
                      [this](const std::string& why) { warnings.push_back(why); }};
  core::JobSpec spec = tests::small_job(2);
  core::Lease lease = core::Lease::open_ended();
  core::Replica replica{{{7, 7}, {0}, {life('a'), {1}}}, spec, lease};
  ReplicaRecorder recorder{journal, replica};
  std::vector<core::TaskAssignment> tasks{{Term{1}, {life('a'), {1}}, {}, {}, {2}},
                                          {Term{1}, {life('b'), {1}}, {}, {}, {2}}};
  std::uint64_t version = 0;

  Recorded() { lines.clear(); }

  void give(core::ReplicaEvent event, std::int64_t now) {
    core::ReplicaEffects effects;
    recorder.handling(event, Time{now});
    replica.handle(std::move(event), Time{now}, effects);
    recorder.handled(effects, Time{now});
  }
  void apply(std::int64_t now) {
    const auto view =
        std::make_shared<core::Assignment>(core::ViewVersion{++version}, std::vector<core::HostId>{}, tasks);
    const auto changed = std::make_shared<std::vector<TaskId>>(std::vector{TaskId{1}});
    give(core::event::ApplyView{view, version == 1 ? nullptr : changed}, now);
  }
  void start() {
    give(core::event::EpochLearned{{0}}, 1);
    apply(2);
  }
  /// From task 1.
  core::Frame frame(std::uint64_t sequence, core::FrameBody body, std::uint64_t term = 1) const {
    return {{{7, 7}, {1}, Term{term}, {0}, Term{1}, replica.epoch(), sequence, 0}, std::move(body)};
  }
  std::vector<std::string> take() {
    std::vector<std::string> taken;
    for (std::string& line : lines) {
      const std::string_view start = "{\"v\":1,\"kind\":";
      CHECK(line.starts_with(start));
      taken.push_back(line.substr(start.size(), line.size() - start.size() - 1));
    }
    lines.clear();
    return taken;
  }
};

using Lines = std::vector<std::string>;

TEST_CASE("a full journal has roles, epochs, pulls with their outcome, and the end", "[journal][life]") {
  Recorded life;
  life.start();
  CHECK(life.take() == Lines{R"("replica","ns":2,"task":0,"replica":1,"role":"primary","term":1)",
                             R"("epoch","ns":2,"task":0,"replica":1,"epoch":0)"});
  life.give(core::event::StartPull{{0}, 9, {1}, "get", core::Bytes("b"), core::seconds(30)}, 3);
  CHECK(life.take() == Lines{R"("pull","ns":3,"task":0,"replica":1,"pull":9,"to":1,"method":"get","epoch":0)",
                             R"("act","ns":3,"task":0,"replica":1,"term":1,"first_ns":3,"last_ns":3,"count":1)"});
  life.give(core::event::CancelPull{9}, 4);
  CHECK(life.take() == Lines{R"("pulled","ns":4,"task":0,"replica":1,"pull":9,"outcome":"cancelled")"});
  life.give(core::event::AdvanceEpoch{{0}}, 5);
  CHECK(life.take().empty());  // it acts again: told with the next epoch
  life.give(core::event::EpochLearned{{1}}, 6);
  CHECK(life.take() == Lines{R"("act","ns":6,"task":0,"replica":1,"term":1,"first_ns":3,"last_ns":5,"count":2)",
                             R"("epoch","ns":6,"task":0,"replica":1,"epoch":1)"});
  life.give(core::event::Fail{core::Blame::plugin, "x"}, 7);
  CHECK(life.take() == Lines{R"("replica","ns":7,"task":0,"replica":1,"role":"ended","how":"failed")"});
  life.journal.all_stopped(Time{8});
  CHECK(life.take() == Lines{R"("stopped","ns":8)"});
}

TEST_CASE("a full journal has the first and the last accept of each term of a peer", "[journal][life]") {
  Recorded life;
  life.start();
  life.take();
  life.give(core::event::FrameArrived{life.frame(1, core::Flag{{Term{1}, 0}, {0}, {}})}, 10);
  CHECK(life.take() ==
        Lines{R"("accept","ns":10,"task":0,"replica":1,"peer":1,"term":1,"first_ns":10,"last_ns":10,"count":1)"});
  life.give(core::event::FrameArrived{life.frame(2, core::Flag{{Term{1}, 1}, {0}, {}})}, 11);
  life.give(core::event::FrameArrived{life.frame(1, core::Flag{{Term{2}, 0}, {0}, {}}, 2)}, 12);  // not known yet
  CHECK(life.take().empty());
  life.tasks[1].primary = {tests::life('c'), {2}};
  life.tasks[1].term = Term{2};
  life.apply(13);
  life.take();
  life.give(core::event::FrameArrived{life.frame(3, core::Flag{{Term{1}, 2}, {0}, {}}, 1)}, 14);  // an old term
  CHECK(life.take().empty());
  life.give(core::event::FrameArrived{life.frame(1, core::Flag{{Term{2}, 0}, {0}, {}}, 2)}, 15);
  CHECK(life.take() ==
        Lines{R"("accept","ns":15,"task":0,"replica":1,"peer":1,"term":1,"first_ns":10,"last_ns":11,"count":2)",
              R"("accept","ns":15,"task":0,"replica":1,"peer":1,"term":2,"first_ns":15,"last_ns":15,"count":1)"});
}

TEST_CASE("a full journal ends at its first gap, and says so", "[journal][life]") {
  Recorded life;
  life.error = ENOSPC;
  life.start();
  CHECK(life.warnings == Lines{"No space left on device"});
  life.error = 0;
  life.give(core::event::EpochLearned{{1}}, 3);
  CHECK(life.lines.empty());  // with room again, too: what is missing may be what matters
}

}  // namespace
}  // namespace taskgraph::journal
