#include "host/config/options.hpp"

#include "host/config/print_config.hpp"
#include "host/config/state_location.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temporary_folder.hpp"

using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

namespace taskgraph::config {
namespace {

Result<Options> parse(std::vector<const char*> arguments, const Environment& environment = {}) {
  return parse_options(arguments, environment);
}

/// The text of the usage error that `arguments` must give.
std::string error_of(std::vector<const char*> arguments, const Environment& environment = {}) {
  const Result<Options> options = parse(std::move(arguments), environment);
  if (options) return "no error";
  CHECK(options.error().code == ExitCode::usage);
  CHECK_THAT(options.error().text, Contains("--help"));
  return options.error().text;
}

TEST_CASE("options: defaults, with their origin") {
  Environment environment;
  environment.hardware_threads = 6;
  const Result<Options> options = parse({"--topology", "job.json"}, environment);
  REQUIRE(options.has_value());
  CHECK(options->topology.value == "job.json");
  CHECK(options->topology.origin.source == Source::command_line);
  CHECK(options->coordinator.value == CoordinatorKind::embedded);
  CHECK_FALSE(options->result.value);
  CHECK(options->plugin_dirs.value.empty());
  CHECK(options->log_level.value == LogLevel::info);
  CHECK(options->log_format.value == LogFormat::text);
  CHECK(options->colour.value);
  CHECK_FALSE(options->chaos.value);
  CHECK(options->hardware_threads == 6);
  CHECK(options->threads.origin.source == Source::built_in);
  CHECK(options->workers.origin.source == Source::built_in);
  CHECK_FALSE(options->local.value);
  CHECK_FALSE(options->validate);
  CHECK_FALSE(options->print_config);
}

TEST_CASE("options: every option, in both spellings") {
  const Result<Options> options =
      parse({"--topology=a=b.json", "--coordinator", "embedded", "--result=r.json", "--plugin-dir", "x",
             "--plugin-dir=y", "--log-level", "error", "--log-format=json", "--chaos", "seed=1,rate=0", "--threads=256",
             "--workers", "64", "--validate", "--print-config"});
  REQUIRE(options.has_value());
  CHECK(options->topology.value == "a=b.json");
  CHECK(options->result.value == std::filesystem::path("r.json"));
  CHECK(options->plugin_dirs.value == std::vector<std::filesystem::path>{"x", "y"});
  CHECK(options->log_level.value == LogLevel::error);
  CHECK(options->log_format.value == LogFormat::json);
  CHECK(options->chaos.value == "seed=1,rate=0");
  CHECK(options->threads.value == 256);
  CHECK(options->workers.value == 64);
  CHECK(options->validate);
  CHECK(options->print_config);
}

TEST_CASE("options: the command line beats the environment, which beats the default") {
  Environment environment{"/a::/b:", "debug", "1", 2};
  Result<Options> options = parse({"--topology", "t"}, environment);
  REQUIRE(options.has_value());
  CHECK(options->plugin_path.value == std::vector<std::filesystem::path>{"/a", "/b"});
  CHECK(options->log_level.value == LogLevel::debug);
  CHECK(describe(options->log_level.origin) == "environment TASKGRAPH_LOG_LEVEL");
  CHECK_FALSE(options->colour.value);

  options = parse({"--topology", "t", "--log-level", "warning"}, environment);
  REQUIRE(options.has_value());
  CHECK(options->log_level.value == LogLevel::warning);
  CHECK(describe(options->log_level.origin) == "command line");

  environment = {"", "", "", 0};  // set, but empty: as if not set
  options = parse({"--topology", "t"}, environment);
  REQUIRE(options.has_value());
  CHECK(options->plugin_path.origin.source == Source::built_in);
  CHECK(options->log_level.value == LogLevel::info);
  CHECK(options->colour.value);
  CHECK(options->hardware_threads == 1);
}

TEST_CASE("options: workers and threads by default, as job and hardware have it") {
  struct Case {
    std::vector<const char*> arguments;
    bool has_backups;
    unsigned hardware, workers, threads;
  };
  for (const Case& one : {Case{{}, false, 8, 1, 8}, Case{{}, true, 8, 2, 4}, Case{{}, true, 2, 2, 2},
                          Case{{"--workers", "5"}, false, 16, 5, 3}, Case{{"--workers", "64"}, true, 16, 64, 2},
                          Case{{"--workers", "3", "--threads", "1"}, true, 16, 3, 1}, Case{{"--local"}, true, 8, 0, 8},
                          Case{{"--local"}, false, 1, 0, 1}, Case{{"--threads", "7", "--local"}, true, 8, 0, 7},
                          Case{{}, false, 0, 1, 2}, Case{{"--local"}, false, 1000, 0, 256}}) {
    std::vector<const char*> arguments{"--topology", "t"};
    arguments.insert(arguments.end(), one.arguments.begin(), one.arguments.end());
    Environment environment;
    environment.hardware_threads = one.hardware;
    Result<Options> options = parse_options(arguments, environment);
    REQUIRE(options.has_value());
    settle(*options, one.has_backups);
    CHECK(options->workers.value == one.workers);
    CHECK(options->threads.value == one.threads);
  }
}

TEST_CASE("options: --local has no workers") {
  CHECK_THAT(error_of({"--topology", "t", "--local", "--workers", "2"}),
             StartsWith("--local and --workers exclude each other"));
  CHECK_THAT(error_of({"--topology", "t", "--workers", "0"}),
             StartsWith("--workers \"0\": expected a whole number from 1 to 64"));
  CHECK_THAT(error_of({"--topology", "t", "--workers", "65"}), StartsWith("--workers \"65\": expected"));
  CHECK_THAT(error_of({"--topology", "t", "--local=yes"}), StartsWith("--local takes no value"));
}

TEST_CASE("options: a misspelt option gets a hint, a prefix is no option") {
  CHECK_THAT(error_of({"--topolgy", "x"}), StartsWith("unknown option \"--topolgy\"; did you mean --topology?"));
  CHECK_THAT(error_of({"--topo", "x"}), StartsWith("unknown option \"--topo\""));
  CHECK_THAT(error_of({"--plugindir=x"}), Contains("did you mean --plugin-dir?"));
  CHECK_THAT(error_of({"--Topology", "x"}), Contains("did you mean --topology?"));
  CHECK_THAT(error_of({"--frobnicate"}), !Contains("did you mean"));
  CHECK_THAT(error_of({"--x\n\x1b[31m"}), StartsWith("unknown option \"--x\\n\\x1b[31m\""));
}

TEST_CASE("options: what is missing, doubled or too much") {
  CHECK_THAT(error_of({}), StartsWith("--topology FILE is missing"));
  CHECK_THAT(error_of({"--topology"}), StartsWith("--topology needs a value: --topology FILE"));
  CHECK_THAT(error_of({"--topology="}), StartsWith("--topology needs a value"));
  CHECK_THAT(error_of({"--topology", ""}), StartsWith("--topology needs a value"));
  CHECK_THAT(error_of({"--result", "--validate", "--topology", "t"}),
             StartsWith("--result needs a value: --result FILE"));
  CHECK_THAT(error_of({"--result", "--topology=t"}), StartsWith("--result needs a value: --result FILE"));
  CHECK(parse({"--topology", "t", "--result=--x"})->result.value == std::filesystem::path("--x"));
  CHECK_THAT(error_of({"--topology", "a", "--topology", "b"}),
             StartsWith("--topology is given twice; which value counts?"));
  CHECK_THAT(error_of({"--validate", "--validate", "--topology", "t"}), StartsWith("--validate is given twice\n"));
  CHECK_THAT(error_of({"--validate=yes", "--topology", "t"}), StartsWith("--validate takes no value"));
  CHECK_THAT(error_of({"--topology", "t", "stray"}), StartsWith("unexpected argument \"stray\""));
  CHECK_THAT(error_of({"job.json"}), StartsWith("unexpected argument \"job.json\"; did you mean --topology job.json?"));
  CHECK_THAT(error_of({"-topology", "t"}), StartsWith("unexpected argument \"-topology\"; did you mean --topology?"));
  CHECK_THAT(error_of({"--", "--validate"}), StartsWith("unexpected argument \"--validate\""));
}

TEST_CASE("options: values out of range name the range") {
  CHECK_THAT(error_of({"--topology", "t", "--threads", "0"}),
             StartsWith("--threads \"0\": expected a whole number from 1 to 256"));
  for (const char* value : {"257", "-1", "1.5", " 4", "4x", "99999999999999999999"}) {
    CHECK_THAT(error_of({"--topology", "t", "--threads", value}), StartsWith("--threads "));
  }
  CHECK_THAT(error_of({"--topology", "t", "--log-level", "warn"}), Contains("(known: debug info warning error)"));
  CHECK_THAT(error_of({"--topology", "t", "--log-format", "jsn"}), Contains("did you mean \"json\"?"));
  CHECK_THAT(error_of({"--topology", "t"}, {{}, "loud", {}, 1}),
             StartsWith("environment variable TASKGRAPH_LOG_LEVEL"));
  CHECK_THAT(error_of({"--topology", "t", "--coordinator", "consul://127.0.0.1:8500"}),
             Contains("not in this version"));
  CHECK_THAT(error_of({"--topology", "t", "--coordinator", "embeded"}), Contains("did you mean \"embedded\"?"));
}

TEST_CASE("options: the limits of --plugin-dir and TASKGRAPH_PLUGIN_PATH") {
  std::vector<const char*> arguments{"--topology", "t"};
  std::string path;
  for (std::size_t i = 0; i < kPluginDirsMax; ++i) {
    arguments.insert(arguments.end(), {"--plugin-dir", "d"});
    path += "d:";
  }
  CHECK(parse(arguments, {path, {}, {}, 1}).has_value());
  CHECK_THAT(error_of(arguments, {path + "d", {}, {}, 1}), StartsWith("TASKGRAPH_PLUGIN_PATH: more than 64"));
  arguments.insert(arguments.end(), {"--plugin-dir", "d"});
  CHECK_THAT(error_of(arguments), StartsWith("--plugin-dir: given more than 64 times"));
}

TEST_CASE("options: help and version are answered whatever else is wrong") {
  Result<Options> options = parse({"--help", "--frobnicate", "stray"});
  REQUIRE(options.has_value());
  CHECK(options->help);
  options = parse({"--version", "--threads", "0"});
  REQUIRE(options.has_value());
  CHECK(options->version);
}

TEST_CASE("options: no list of arguments ends in anything but options or a usage error") {
  const std::vector<const char*> words{
      "--",     "-",    "--=",          "=",     "--topology", "--topology=", "--help=1",  "",   "-h",
      "--no-x", "\xff", "--plugin-dir", "@file", "/x",         "--chaos=",    "--threads", "-1", "---topology"};
  for (const char* a : words) {
    for (const char* b : words) {
      for (const char* c : words) {
        const Result<Options> options = parse({a, b, c});
        const bool good = options ? options->help || !options->topology.value.empty()
                                  : options.error().code == ExitCode::usage && !options.error().text.empty();
        if (!good) FAIL("arguments: " << a << " " << b << " " << c);
      }
    }
  }
  SUCCEED();
}

TEST_CASE("help: all options, the exit codes of the table, the environment; no line is too wide") {
  const std::string text = help_text();
  for (const char* option : {"topology", "coordinator", "result", "plugin-dir", "threads", "workers", "local",
                             "validate", "print-config", "log-level", "log-format", "chaos", "help", "version"}) {
    CHECK_THAT(text, Contains(std::string("  --") + option));
  }
  for (const ExitCodeText& entry : kExitCodes) CHECK_THAT(text, Contains(std::string(entry.meaning)));
  for (const char* variable : {"TASKGRAPH_PLUGIN_PATH", "TASKGRAPH_LOG_LEVEL", "NO_COLOR"})
    CHECK_THAT(text, Contains(variable));
  std::size_t column = 0;
  for (const char c : text) {
    column = c == '\n' ? 0 : column + 1;
    CHECK(column <= 110);
  }
}

TEST_CASE("exit codes: by rising number, each describes itself") {
  int last = -1;
  for (const ExitCodeText& entry : kExitCodes) {
    CHECK(static_cast<int>(entry.code) > last);
    last = static_cast<int>(entry.code);
    CHECK(describe(entry.code).name == entry.name);
  }
  CHECK_THAT(exit_codes_text(), StartsWith("   0  ") && Contains("\n  64  "));
}

TEST_CASE("options: files that they name are looked at before anything is run") {
  const tests::TemporaryFolder folder;
  const std::string file = folder.write("file", "x").string();
  Options options;
  CHECK_FALSE(check_files(options));
  options.plugin_dirs.value = {folder.path()};
  options.result.value = folder.path() / "result.json";
  CHECK_FALSE(check_files(options));
  CHECK_FALSE(std::filesystem::exists(*options.result.value));

  options.plugin_dirs.value = {folder.path(), file};
  REQUIRE(check_files(options));
  CHECK(check_files(options)->code == ExitCode::file_missing);
  CHECK_THAT(check_files(options)->text, Contains("file\": is no folder"));
  options.plugin_dirs.value = {folder.path() / "none"};
  REQUIRE(check_files(options));
  CHECK_THAT(check_files(options)->text, Contains("No such file or directory"));

  options.plugin_dirs.value.clear();
  options.result.value = folder.path() / "none" / "result.json";
  REQUIRE(check_files(options));
  CHECK(check_files(options)->code == ExitCode::cannot_write);
}

TEST_CASE("print-config: names, values and origins in columns") {
  Environment environment;
  environment.no_color = "1";
  const Result<Options> options = parse({"--topology", "job.json", "--threads", "3"}, environment);
  REQUIRE(options.has_value());
  std::vector<ConfigValue> values = config_values(*options, "job");
  values.push_back({"restart.max", "5", "job.json:7:3"});
  const std::string text = print_config(values);
  CHECK_THAT(text, Contains("topology    = job.json     # command line\n"));
  CHECK_THAT(text, Contains("threads     = 3            # command line\n"));
  CHECK_THAT(text, Contains("log-level   = info         # default\n"));
  CHECK_THAT(text, Contains("colour      = never        # environment NO_COLOR\n"));
  CHECK_THAT(text, Contains("restart.max = 5            # job.json:7:3\n"));
}

TEST_CASE("print-config: a long value pushes its own line only; control characters are shown") {
  const std::vector<ConfigValue> values{{"a", std::string(60, 'x'), "default"}, {"b", "\x1b[2J\n", "f:1:1"}};
  const std::string text = print_config(values);
  CHECK(text ==
        "a = " + std::string(60, 'x') + "  # default\n" + "b = \\x1b[2J\\n" + std::string(33, ' ') + "# f:1:1\n");
  CHECK(print_config({}).empty());
}

TEST_CASE("options: --listen takes a loopback address and a port") {
  const auto listen = [](const char* value) { return parse({"--topology", "x", "--listen", value}); };
  CHECK(parse({"--topology", "x"})->listen.value.text() == "127.0.0.1:0");
  CHECK(listen("127.0.0.1:8080")->listen.value.text() == "127.0.0.1:8080");
  CHECK(listen("127.0.0.1:8080")->listen.origin.source == Source::command_line);
  CHECK(listen("localhost:0")->listen.value.text() == "127.0.0.1:0");
  CHECK(listen("[::1]:65535")->listen.value.text() == "[::1]:65535");
  CHECK(listen("[::1]:65535")->listen.value.address == "::1");
  for (const char* value : {"127.0.0.1", "127.0.0.1:", ":", "8080", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:1x",
                            "127.0.0.1:+1", "127.0.0.1: 1"}) {
    CHECK_THAT(error_of({"--topology", "x", "--listen", value}),
               Contains("--listen \"" + std::string(value) + "\": expected ADDR:PORT"));
  }
  for (const char* value : {"0.0.0.0:80", "192.168.1.1:80", "[::]:80", "::1:80", "*:80", ":80", "example.org:80"}) {
    CHECK_THAT(error_of({"--topology", "x", "--listen", value}), Contains("loopback only: 127.0.0.1:80 or [::1]:80"));
  }
}

TEST_CASE("options: where the state of a job lies") {
  Environment environment;
  const auto location = [&](std::vector<const char*> more = {}) {
    std::vector<const char*> arguments{"--topology", "x"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return state_location(*parse(arguments, environment), "job");
  };
  CHECK(location().value.empty());
  environment.home = "/home/me";
  CHECK(location().value == "/home/me/.local/state/taskgraph/job");
  CHECK(location().origin.variable == "HOME");
  environment.state_home = "relative";  // to be ignored, as its specification has it
  CHECK(location().origin.variable == "HOME");
  environment.state_home = "";
  CHECK(location().origin.variable == "HOME");
  environment.state_home = "/state";
  CHECK(location().value == "/state/taskgraph/job");
  CHECK(location().origin.variable == "XDG_STATE_HOME");
  CHECK(location({"--state-dir", "here"}).value == "here");
  CHECK(location({"--state-dir", "here"}).origin.source == Source::command_line);
  environment.state_home = environment.home = "relative";
  CHECK(location().value.empty());
}

TEST_CASE("print-config: listener, token and state") {
  Environment environment;
  environment.home = "/home/me";
  const std::string defaults = print_config(config_values(*parse({"--topology", "x"}, environment), "job"));
  CHECK_THAT(defaults, Contains("listen      = 127.0.0.1:0") && Contains("token-file  =  "));
  CHECK_THAT(defaults, Contains("state-dir   = /home/me/.local/state/taskgraph/job") && Contains("# environment HOME"));
  const std::string given = print_config(config_values(
      *parse({"--topology", "x", "--listen", "[::1]:80", "--token-file", "t", "--state-dir", "s"}), "job"));
  CHECK_THAT(given,
             Contains("listen      = [::1]:80  ") && Contains("token-file  = t  ") && Contains("state-dir   = s "));
}

}  // namespace
}  // namespace taskgraph::config
