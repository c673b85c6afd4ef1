#include "host/config/chaos_option.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/temporary_folder.hpp"

using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

namespace taskgraph::config {
namespace {

using core::EventClass;
using core::FaultKind;
using core::TaskId;
using When = core::ScriptedFault::When;

std::string spec_error(std::string_view spec) {
  const Result<ChaosOption> chaos = parse_chaos_spec(spec);
  if (chaos) return "no error";
  CHECK(chaos.error().code == ExitCode::usage);
  return chaos.error().text;
}

std::string file_error(std::string_view text) {
  const Result<ChaosOption> chaos = parse_chaos_file("c.json", text);
  if (chaos) return "no error";
  CHECK(chaos.error().code == ExitCode::topology_invalid);
  return chaos.error().text;
}

/// How many of the first `events` of task 0 are faults.
std::size_t faults(const core::ChaosPlan& plan, std::uint64_t events) {
  std::size_t count = 0;
  for (std::uint64_t event = 1; event <= events; ++event) {
    count += plan.at_event(TaskId{0}, event, EventClass::message) ? 1 : 0;
  }
  return count;
}

TEST_CASE("chaos spec: keys in any order, max by default 20") {
  Result<ChaosOption> chaos = parse_chaos_spec("seed=7,rate=1");
  REQUIRE(chaos.has_value());
  CHECK(chaos->plan.is_seeded());
  CHECK(chaos->plan.faults_max() == 20);
  CHECK(faults(chaos->plan, 100) == 100);
  chaos = parse_chaos_spec("max=0,rate=0.0,seed=18446744073709551615");
  REQUIRE(chaos.has_value());
  CHECK(chaos->plan.faults_max() == 0);
  CHECK(faults(chaos->plan, 100) == 0);
}

TEST_CASE("chaos spec: the rate is a decimal number, taken exactly") {
  for (const char* rate : {"0", "1", "0.5", ".5", "1.0", "0.123456789012345678"}) {
    CHECK(parse_chaos_spec(std::string("seed=1,rate=") + rate).has_value());
  }
  for (const char* rate :
       {"", ".", "1.", "1.1", "2", "-0.1", "+0.1", "1e-3", "0.5x", "00.5", "0.1234567890123456789", "nan"}) {
    CHECK_THAT(spec_error(std::string("seed=1,rate=") + rate), StartsWith("--chaos: rate "));
  }
}

TEST_CASE("chaos spec: the share of whole workers") {
  CHECK_FALSE(parse_chaos_spec("seed=7,rate=1")->plan.hits_workers());
  CHECK_FALSE(parse_chaos_spec("seed=7,rate=1,workers=0")->plan.hits_workers());
  const Result<ChaosOption> chaos = parse_chaos_spec("seed=7,workers=1,rate=1");
  REQUIRE(chaos.has_value());
  CHECK(chaos->plan.hits_workers());
  CHECK(core::hits_worker(chaos->plan.at_event(TaskId{0}, 1, EventClass::other)->kind));
  CHECK_THAT(spec_error("seed=1,rate=1,workers=1.5"), StartsWith("--chaos: workers \"1.5\": expected a number from 0"));
  CHECK_THAT(spec_error("seed=1,rate=1,workers=2"), Contains("expected seed=N,rate=R,max=M,workers=W"));
  CHECK_THAT(spec_error("seed=1,rate=1,wokers=1"), Contains("did you mean \"workers\"?"));
}

TEST_CASE("chaos: what hits whole workers needs some") {
  CHECK_FALSE(check_chaos_needs_no_workers(*parse_chaos_spec("seed=1,rate=1,workers=0")));
  std::optional<Failure> failure = check_chaos_needs_no_workers(*parse_chaos_spec("seed=1,rate=1,workers=.1"));
  REQUIRE(failure);
  CHECK(failure->code == ExitCode::usage);
  CHECK(failure->text == "--chaos: workers= needs worker processes; leave --local away");
  failure = check_chaos_needs_no_workers(*parse_chaos_file(
      "c.json", "[{\"kill\": 1, \"at_event\": 1},\n {\"sigstop\": \"worker of 1\", \"at_event\": 1}]"));
  REQUIRE(failure);
  CHECK(failure->text == "c.json:2:14: \"worker of\" needs worker processes; leave --local away");
}

TEST_CASE("chaos: its text alone gives the same plan again") {
  const Result<ChaosOption> spec = parse_chaos_text(parse_chaos_spec("seed=1,rate=1,max=7")->text);
  REQUIRE(spec.has_value());
  CHECK(spec->plan.faults_max() == 7);
  const Result<ChaosOption> file =
      parse_chaos_text(parse_chaos_file("c.json", "\n [{\"kill\": 1, \"at_event\": 1}]")->text);
  REQUIRE(file.has_value());
  CHECK(file->plan.script().size() == 1);
}

TEST_CASE("chaos spec: errors name the key and the form") {
  CHECK_THAT(spec_error("seed=1"), StartsWith("--chaos: rate=R is missing"));
  CHECK_THAT(spec_error("rate=1"), StartsWith("--chaos: seed=N is missing"));
  CHECK_THAT(spec_error("sede=1,rate=1"), StartsWith("--chaos: unknown key \"sede\"; did you mean \"seed\"?"));
  CHECK_THAT(spec_error("seed=1,seed=2,rate=1"), StartsWith("--chaos: seed is given twice"));
  CHECK_THAT(spec_error("seed=1,,rate=1"), StartsWith("--chaos: unknown key \"\""));
  CHECK_THAT(spec_error("seed=-1,rate=1"), StartsWith("--chaos: seed \"-1\""));
  CHECK_THAT(spec_error("seed=18446744073709551616,rate=1"), StartsWith("--chaos: seed "));
  CHECK_THAT(spec_error("seed,rate=1"), StartsWith("--chaos: seed \"\""));
  CHECK_THAT(spec_error("seed=1,rate=1,max=4294967296"), StartsWith("--chaos: max "));
  CHECK_THAT(spec_error(""), Contains("expected seed=N,rate=R,max=M"));
}

TEST_CASE("chaos file: every kind of fault") {
  const Result<ChaosOption> chaos = parse_chaos_file("c.json", R"([
    {"kill": 2, "at_epoch": 0}, {"at_event": 1, "kill": 1}, {"throw": 1, "at_epoch": 9007199254740992},
    {"throw": 1, "at_event": 4}, {"delay": 1, "at_event": 2, "ms": 60000}, {"drop": 1, "at_event": 3},
    {"sigkill": "worker of 3", "at_epoch": 5}, {"sigstop": "worker of 99999", "at_event": 6}])");
  REQUIRE(chaos.has_value());
  CHECK_FALSE(chaos->plan.is_seeded());
  const auto script = chaos->plan.script();
  REQUIRE(script.size() == 8);
  CHECK(script[0].fault == core::Fault{FaultKind::kill, {}});
  CHECK(script[1].fault == core::Fault{FaultKind::delay, core::milliseconds(60'000)});
  CHECK(script[2].fault == core::Fault{FaultKind::drop, {}});
  CHECK(script[3].fault == core::Fault{FaultKind::throw_in_hook, {}});
  CHECK(script[3].at == 4);
  CHECK(script[4].when == When::epoch);
  CHECK(script[4].at == std::uint64_t{1} << 53U);
  CHECK(script[5].task == TaskId{2});
  CHECK(script[6].task == TaskId{3});
  CHECK(script[6].fault == core::Fault{FaultKind::kill_worker, {}});
  CHECK(script[6].when == When::epoch);
  CHECK(script[7].task == TaskId{99'999});
  CHECK(script[7].fault == core::Fault{FaultKind::stop_worker, {}});
  CHECK(parse_chaos_file("c.json", "[]").has_value());
}

TEST_CASE("chaos file: errors have file, line and column; several at once") {
  CHECK(file_error("[{\"kil\": 1, \"at_epoch\": 2},\n {\"kill\": -1, \"at_event\": 0}]") ==
        "c.json:1:3: unknown key \"kil\"; did you mean \"kill\"? (known: kill throw delay drop sigkill sigstop "
        "at_epoch at_event ms)\n"
        "c.json:2:11: \"kill\" must be a whole number that is not negative\n"
        "c.json:2:27: \"at_event\" must be from 1 to 9007199254740992 (a task's events count from 1)");
  CHECK_THAT(file_error("[{\"x-\xc3\xa9\": 1, \"kil\": 2}]"), Contains("c.json:1:13: unknown key \"kil\""));
  CHECK_THAT(file_error(R"([{"kill": 1, "kill": 2, "at_event": 1}])"),
             StartsWith("c.json:1:14: key \"kill\" is given twice"));
  CHECK_THAT(file_error(R"([{"kill": 1, "throw": 1, "at_event": 1}])"),
             StartsWith("c.json:1:2: a fault needs exactly one of"));
  CHECK_THAT(file_error(R"([{"at_event": 1}])"), StartsWith("c.json:1:2: a fault needs exactly one of"));
  CHECK_THAT(file_error(R"([{"kill": 1}])"), StartsWith("c.json:1:2: a fault needs either"));
  CHECK_THAT(file_error(R"([{"kill": 1, "at_event": 1, "at_epoch": 1}])"), Contains("a fault needs either"));
  CHECK_THAT(file_error(R"([{"drop": 1, "at_epoch": 7}])"), StartsWith("c.json:1:26: \"drop\" needs \"at_event\""));
  CHECK_THAT(file_error(R"([{"delay": 1, "at_event": 7}])"), Contains("\"delay\" needs \"ms\""));
  CHECK_THAT(file_error(R"([{"drop": 1, "at_event": 7, "ms": 5}])"),
             StartsWith("c.json:1:35: \"ms\" belongs to \"delay\" only"));
  CHECK_THAT(file_error(R"([{"delay": 1, "at_event": 7, "ms": 60001}])"), Contains("\"ms\" must be from 1 to 60000"));
  CHECK_THAT(file_error(R"([{"kill": 100000, "at_event": 7}])"), Contains("\"kill\" must be from 0 to 99999"));
  CHECK_THAT(file_error(R"([{"kill": 1.5, "at_event": 7}])"), Contains("must be a whole number"));
  CHECK_THAT(file_error(R"([{"kill": "1", "at_event": 7}])"), Contains("must be a whole number"));
  CHECK_THAT(file_error(R"([{"kill": 1, "at_event": 9007199254740993}])"), Contains("must be from 1 to"));
  std::string many = "[";
  for (int i = 0; i < 50; ++i) many += "{\"kil\": 1},\n";
  const std::string errors = file_error(many + "{}]");
  CHECK(std::count(errors.begin(), errors.end(), '\n') == 9);
}

TEST_CASE("chaos file: a whole worker is named by a task that runs in it") {
  for (const char* value : {"3", "\"3\"", "\"worker 3\"", "\"worker of\"", "\"worker of \"", "\"worker of 3 \"", "true",
                            "\"worker of -3\"", "[\"worker of 3\"]"}) {
    CHECK_THAT(file_error("[{\"sigkill\": " + std::string(value) + ", \"at_epoch\": 1}]"),
               StartsWith("c.json:1:14: \"sigkill\" must be \"worker of TASK\", as in \"worker of 3\""));
  }
  for (const char* task : {"100000", "99999999999999999999999"}) {
    CHECK_THAT(file_error("[{\"sigstop\": \"worker of " + std::string(task) + "\", \"at_epoch\": 1}]"),
               StartsWith("c.json:1:14: \"sigstop\" must name a task from 0 to 99999"));
  }
  CHECK_THAT(file_error(R"([{"sigkill": "worker of 1", "kill": 1, "at_event": 1}])"), Contains("needs exactly one of"));
  CHECK_THAT(file_error(R"([{"sigkill": "worker of 1"}])"), Contains("needs either"));
  CHECK_THAT(file_error(R"([{"sigkil": "worker of 1", "at_event": 1}])"), Contains("did you mean \"sigkill\"?"));
  CHECK_THAT(file_error(R"([{"kill": "worker of 1", "at_event": 1}])"), Contains("must be a whole number"));
  const Result<ChaosOption> chaos = parse_chaos_file("c.json", R"([{"sigkill": "worker of 5", "at_event": 1}])");
  REQUIRE(chaos.has_value());
  CHECK_FALSE(check_chaos_tasks(*chaos, 6));
  CHECK(check_chaos_tasks(*chaos, 5)->text == "c.json:1:14: there is no task 5; the topology has tasks 0 to 4");
}

TEST_CASE("chaos file: what is no list of faults is refused shortly, however large") {
  for (const char* text : {"", "  ", "{}", "7", "null", "\"x\"", "[7]", "[[]]", "[{}", "[] []", "[{\"kill\": [1]}]",
                           "[{\"kill\": {\"kill\": 1}}]", "[{\"kill\": 1e999}]", "[{\"kill\xff\": 1}]",
                           "\xef\xbb\xbf[]x", "[\"\\ud800\"]"}) {
    const std::string error = file_error(text);
    INFO(text << " gives " << error);
    CHECK(error.starts_with("c.json:1:"));
    CHECK(error.size() < 600);
  }
  CHECK_THAT(file_error(std::string_view("[\0]", 3)), Contains("NUL byte"));
  CHECK(file_error(std::string(kChaosFileBytesMax, '[')).size() < 600);
  CHECK_THAT(file_error(std::string(kChaosFileBytesMax + 1, ' ')), Contains("larger than 1 MiB"));
  CHECK(file_error("[{\"" + std::string(500'000, 'k') + "\": 1}]").size() < 600);
}

TEST_CASE("chaos file: the limit of its entries") {
  const std::string entry = R"({"kill":1,"at_event":1})";
  std::string text = "[" + entry;
  for (std::size_t i = 1; i < kChaosFaultsMax; ++i) text += "," + entry;
  CHECK(parse_chaos_file("c.json", text + "]").has_value());
  CHECK_THAT(file_error(text + "," + entry + "]"), Contains("more than 10000 faults"));
}

TEST_CASE("chaos file: a task that the topology does not have is an error at its place") {
  const Result<ChaosOption> chaos =
      parse_chaos_file("c.json", "[{\"kill\": 4, \"at_event\": 1},\n {\"kill\": 5, \"at_event\": 1}]");
  REQUIRE(chaos.has_value());
  CHECK_FALSE(check_chaos_tasks(*chaos, 6));
  const std::optional<Failure> failure = check_chaos_tasks(*chaos, 5);
  REQUIRE(failure);
  CHECK(failure->code == ExitCode::topology_invalid);
  CHECK(failure->text == "c.json:2:11: there is no task 5; the topology has tasks 0 to 4");
  CHECK_FALSE(check_chaos_tasks(*parse_chaos_spec("seed=1,rate=1"), 1));
}

TEST_CASE("chaos: SPEC or FILE") {
  const tests::TemporaryFolder folder;
  const std::string file = folder.write("a=b.json", R"([{"kill": 1, "at_event": 1}])").string();
  const Result<ChaosOption> chaos = read_chaos(file);  // a = behind a / makes no SPEC
  REQUIRE(chaos.has_value());
  CHECK(chaos->plan.script().size() == 1);
  CHECK(chaos->file == file);
  CHECK(read_chaos("seed=1,rate=0.5")->plan.is_seeded());
  CHECK(read_chaos("seed=x").error().code == ExitCode::usage);
  CHECK(read_chaos((folder.path() / "none").string()).error().code == ExitCode::file_missing);
  CHECK(read_chaos(folder.path().string()).error().code == ExitCode::file_missing);
  CHECK_THAT(read_chaos("sed").error().text, Contains("No such file or directory"));
}

}  // namespace
}  // namespace taskgraph::config
