#include "host/config/options.hpp"

#include <algorithm>
#include <array>
#include <boost/program_options/errors.hpp>
#include <boost/program_options/options_description.hpp>
#include <boost/program_options/parsers.hpp>
#include <boost/program_options/value_semantic.hpp>
#include <charconv>
#include <cstdlib>
#include <set>
#include <sstream>
#include <thread>

#include "host/config/result_file.hpp"
#include "host/config/state_location.hpp"
#include "host/config/words.hpp"

namespace taskgraph::config {
namespace {

namespace po = boost::program_options;

/// One row of the table from which the parser, `--help` and the hints are made.
struct OptionRow {
  std::string_view group;
  std::string_view name;
  std::string_view argument;  ///< "" for a switch
  std::string_view help;
};

constexpr std::string_view kJob = "The job";
constexpr std::string_view kChecks = "Checks: nothing is run";
constexpr std::string_view kControl = "Control: status and pulls over HTTP";
constexpr std::string_view kMessages = "Messages";
constexpr std::string_view kFaults = "Faults on purpose";
constexpr std::string_view kOther = "Other";

constexpr std::array<OptionRow, 18> kRows{{
    {kJob, "topology", "FILE", "the job: its plugin, tasks and links (required)"},
    {kJob, "coordinator", "WHERE", "embedded (default): one machine, inside this process"},
    {kJob, "result", "FILE", "write the job's result there as JSON at its end; an existing file is replaced"},
    {kJob, "plugin-dir", "DIR", "look for the plugin there too, before TASKGRAPH_PLUGIN_PATH; may be repeated"},
    {kJob, "workers", "N",
     "worker processes that run the tasks, 1 to 64; default: 2 for a job with backups, else 1; this process watches "
     "them"},
    {kJob, "local", "", "no worker processes: this one runs the tasks, for a debugger; excludes --workers"},
    {kJob, "threads", "N",
     "threads that run the tasks, in each worker, 1 to 256; default: the hardware's, shared by the workers, 2 at "
     "least"},
    {kControl, "listen", "ADDR:PORT",
     "127.0.0.1 or [::1], and a port; default 127.0.0.1:0: the kernel chooses the port"},
    {kControl, "token-file", "FILE",
     "the bearer token that clients show, in a file that nobody else can read; default: a random one, in DIR/token"},
    {kControl, "state-dir", "DIR",
     "token, control.json and lock of the job; default: taskgraph/JOB in XDG_STATE_HOME or ~/.local/state"},
    {kChecks, "validate", "", "check everything short of running: options, topology, files, plugin"},
    {kChecks, "print-config", "", "print every effective value with its origin; with --validate, check too"},
    {kMessages, "log-level", "LEVEL", "debug, info (default), warning or error"},
    {kMessages, "log-format", "FORMAT", "text (default), or json: one object per line"},
    {kMessages, "journal", "DETAIL", "plain (default), or full: each pull of each worker, for tests; slow"},
    {kFaults, "chaos", "SPEC|FILE",
     "seed=N,rate=R,max=M,workers=W: each event of a task is a fault with probability R, decided by N; quiet after M "
     "faults (default 20); the share W of them (default 0) kills or stops the whole worker. Or a JSON file: "
     "[{\"kill\": TASK, \"at_epoch\": E}, {\"sigkill\": \"worker of TASK\", \"at_event\": N}, ...]"},
    {kOther, "help", "", "show this text"},
    {kOther, "version", "", "show the versions of this host and of its plugin ABI"},
}};

constexpr std::array<std::string_view, 6> kGroups{kJob, kControl, kChecks, kMessages, kFaults, kOther};
constexpr std::array<std::string_view, 4> kLogLevels{"debug", "info", "warning", "error"};
constexpr std::array<std::string_view, 2> kLogFormats{"text", "json"};
constexpr std::array<std::string_view, 2> kJournalDetails{"plain", "full"};

Failure usage(std::string text) {
  return {ExitCode::usage, std::move(text) + "\ntaskgraph-host --help lists the options"};
}

std::string as_option(std::string_view option) {
  return std::string("--").append(option);
}

std::array<std::string_view, kRows.size()> option_names() {
  std::array<std::string_view, kRows.size()> names;
  std::transform(kRows.begin(), kRows.end(), names.begin(), [](const OptionRow& row) { return row.name; });
  return names;
}

/// `group` empty: all of them.
po::options_description describe_options(std::string_view group) {
  constexpr unsigned kColumns = 100;
  po::options_description described(std::string(group), kColumns, kColumns / 2);
  for (const OptionRow& row : kRows) {
    if (!group.empty() && row.group != group) continue;
    const std::string key(row.name);
    const std::string help(row.help);
    if (row.argument.empty()) {
      described.add_options()(key.c_str(), help.c_str());
    } else {
      described.add_options()(key.c_str(), po::value<std::string>()->value_name(std::string(row.argument)),
                              help.c_str());
    }
  }
  return described;
}

std::string_view without_dashes(std::string_view argument) {
  argument.remove_prefix(std::min(argument.find_first_not_of('-'), argument.size()));
  return argument.substr(0, argument.find('='));
}

/// "unexpected argument", with what the user may have meant.
Failure unexpected(std::string_view argument) {
  std::string text = "unexpected argument " + quote(argument);
  if (!argument.starts_with('-') && argument.ends_with(".json")) {
    text += "; did you mean --topology " + std::string(argument) + "?";
  } else {
    const auto names = option_names();
    text += did_you_mean(without_dashes(argument), names, "--", "");
  }
  return usage(std::move(text));
}

Failure unknown(std::string_view argument) {
  const auto names = option_names();
  const std::string_view word = without_dashes(argument);
  return usage("unknown option " + quote(as_option(word)) + did_you_mean(word, names, "--", ""));
}

template <typename T, std::size_t N>
std::optional<Failure> choose(std::string_view where, std::string_view value,
                              const std::array<std::string_view, N>& words, T& out) {
  const auto found = std::find(words.begin(), words.end(), value);
  if (found != words.end()) {
    out = static_cast<T>(found - words.begin());
    return std::nullopt;
  }
  std::string text(where);
  text.append(": unknown value ").append(quote(value)).append(did_you_mean(value, words)).append(" (known:");
  for (const std::string_view word : words) text.append(" ").append(word);
  return usage(std::move(text.append(")")));
}

std::optional<Failure> read_coordinator(std::string_view value) {
  if (value == "embedded") return std::nullopt;
  if (value.starts_with("consul://")) {
    return usage("--coordinator " + quote(value) +
                 ": Consul is not in this version; use --coordinator embedded, or leave it out");
  }
  constexpr std::array<std::string_view, 1> kKnown{"embedded"};
  return usage("--coordinator: unknown coordinator " + quote(value) + did_you_mean(value, kKnown) +
               " (known: embedded)");
}

std::optional<Failure> read_count(const char* option, std::string_view value, unsigned max, unsigned& out) {
  unsigned number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  const bool whole = error == std::errc() && end == value.data() + value.size();
  if (!whole || number < 1 || number > max) {
    return usage(std::string(option) + " " + quote(value) + ": expected a whole number from 1 to " +
                 std::to_string(max));
  }
  out = number;
  return std::nullopt;
}

constexpr Origin kFromCommandLine{Source::command_line, {}};

/// Stores one option with its value.
std::optional<Failure> store(std::string_view option, const std::string& value, Options& options) {
  if (value.find('\0') != std::string::npos) return usage(as_option(option) + ": the value has a NUL byte");
  if (option == "topology") {
    options.topology = {value, kFromCommandLine};
  } else if (option == "coordinator") {
    options.coordinator.origin = kFromCommandLine;
    return read_coordinator(value);
  } else if (option == "result") {
    options.result = {value, kFromCommandLine};
  } else if (option == "plugin-dir") {
    options.plugin_dirs.origin = kFromCommandLine;
    options.plugin_dirs.value.emplace_back(value);
    if (options.plugin_dirs.value.size() > kPluginDirsMax) {
      return usage("--plugin-dir: given more than " + std::to_string(kPluginDirsMax) + " times");
    }
  } else if (option == "log-level") {
    options.log_level.origin = kFromCommandLine;
    return choose("--log-level", value, kLogLevels, options.log_level.value);
  } else if (option == "log-format") {
    options.log_format.origin = kFromCommandLine;
    return choose("--log-format", value, kLogFormats, options.log_format.value);
  } else if (option == "journal") {
    options.journal.origin = kFromCommandLine;
    return choose("--journal", value, kJournalDetails, options.journal.value);
  } else if (option == "chaos") {
    options.chaos = {value, kFromCommandLine};
  } else if (option == "listen") {
    auto address = read_listen_address(value);
    if (!address) return usage(address.error().text);
    options.listen = {*std::move(address), kFromCommandLine};
  } else if (option == "token-file") {
    options.token_file = {value, kFromCommandLine};
  } else if (option == "state-dir") {
    options.state_dir = {value, kFromCommandLine};
  } else if (option == "threads") {
    options.threads.origin = kFromCommandLine;
    return read_count("--threads", value, kThreadsMax, options.threads.value);
  } else if (option == "workers") {
    options.workers.origin = kFromCommandLine;
    return read_count("--workers", value, kWorkersMax, options.workers.value);
  } else if (option == "local") {
    options.local = {true, kFromCommandLine};
  } else {
    options.validate = options.validate || option == "validate";
    options.print_config = options.print_config || option == "print-config";
    options.help = options.help || option == "help";
    options.version = options.version || option == "version";
  }
  return std::nullopt;
}

std::optional<Failure> store_environment(const Environment& environment, Options& options) {
  options.hardware_threads = std::clamp(environment.hardware_threads, 1U, kThreadsMax);
  options.state_home = state_home(environment);
  if (environment.plugin_path && !environment.plugin_path->empty()) {
    options.plugin_path = {split_path(*environment.plugin_path), {Source::environment, "TASKGRAPH_PLUGIN_PATH"}};
    if (options.plugin_path.value.size() > kPluginDirsMax) {
      return usage("TASKGRAPH_PLUGIN_PATH: more than " + std::to_string(kPluginDirsMax) + " folders");
    }
  }
  if (environment.no_color && !environment.no_color->empty()) {
    options.colour = {false, {Source::environment, "NO_COLOR"}};
  }
  if (environment.log_level && !environment.log_level->empty()) {
    options.log_level.origin = {Source::environment, "TASKGRAPH_LOG_LEVEL"};
    return choose("environment variable TASKGRAPH_LOG_LEVEL", *environment.log_level, kLogLevels,
                  options.log_level.value);
  }
  return std::nullopt;
}

Failure needs_value(std::string_view option) {
  std::string text = as_option(option) + " needs a value";
  for (const OptionRow& row : kRows) {
    if (row.name == option) text += ": " + as_option(option) + " " + std::string(row.argument);
  }
  return usage(std::move(text));
}

/// What Program_options calls a syntax error.
Failure explain(const po::invalid_command_line_syntax& error) {
  const std::string option = as_option(without_dashes(error.get_option_name()));
  switch (error.kind()) {
    case po::invalid_syntax::missing_parameter:
    case po::invalid_syntax::empty_adjacent_parameter:
      break;
    case po::invalid_syntax::extra_parameter:
      return usage(option + " takes no value");
    default:
      return usage(option + ": " + error.what());
  }
  return needs_value(without_dashes(option));
}

Result<std::vector<po::option>> parse_arguments(std::span<const char* const> arguments) {
  namespace style = po::command_line_style;
  // Without allow_guessing: a prefix that works today is another option's name tomorrow.
  constexpr int kStyle = style::allow_long | style::long_allow_adjacent | style::long_allow_next;
  const po::options_description described = describe_options({});
  const std::vector<std::string> words(arguments.begin(), arguments.end());
  try {
    return po::command_line_parser(words).options(described).style(kStyle).allow_unregistered().run().options;
  } catch (const po::invalid_command_line_syntax& error) {
    return explain(error);
  } catch (const po::error& error) {
    return usage(error.what());
  }
}

Failure given_twice(std::string_view option, bool is_switch) {
  return usage(as_option(option) + (is_switch ? " is given twice" : " is given twice; which value counts?"));
}

bool takes_value(std::string_view option) {
  return std::any_of(kRows.begin(), kRows.end(),
                     [&](const OptionRow& r) { return r.name == option && !r.argument.empty(); });
}

}  // namespace

Environment Environment::of_process() {
  const auto get = [](const char* variable) -> std::optional<std::string> {
    const char* value = std::getenv(variable);  // NOLINT(concurrency-mt-unsafe): before there are other threads
    if (value == nullptr) return std::nullopt;
    return value;
  };
  return {get("TASKGRAPH_PLUGIN_PATH"),        get("TASKGRAPH_LOG_LEVEL"), get("NO_COLOR"),
          std::thread::hardware_concurrency(), get("XDG_STATE_HOME"),      get("HOME")};
}

Result<Options> parse_options(std::span<const char* const> arguments, const Environment& environment) {
  const Result<std::vector<po::option>> parsed = parse_arguments(arguments);
  if (!parsed) return parsed.error();
  Options options;
  // Help and version are answered whatever else is wrong.
  for (const po::option& option : *parsed) {
    options.help = options.help || (option.string_key == "help" && !option.unregistered);
    options.version = options.version || (option.string_key == "version" && !option.unregistered);
  }
  if (options.help || options.version) return options;

  if (std::optional<Failure> failure = store_environment(environment, options)) return *failure;
  std::set<std::string> seen;
  for (const po::option& option : *parsed) {
    if (option.position_key >= 0) return unexpected(option.value.empty() ? "" : option.value.front());
    if (option.unregistered) return unknown(option.string_key);
    const bool with_value = takes_value(option.string_key);
    const bool again = !seen.insert(option.string_key).second;
    if (again && option.string_key != "plugin-dir") return given_twice(option.string_key, !with_value);
    const std::string value = option.value.empty() ? std::string() : option.value.front();
    // Program_options would take the next option for the value; --result=--x still says it.
    const bool took_an_option = option.original_tokens.size() > 1 && value.starts_with("--");
    if (with_value && (value.empty() || took_an_option)) return needs_value(option.string_key);
    if (std::optional<Failure> failure = store(option.string_key, value, options)) return *failure;
  }
  if (options.local.value && options.workers.value != 0) {
    return usage("--local and --workers exclude each other: with --local this process runs the tasks");
  }
  if (options.topology.value.empty()) {
    return usage("--topology FILE is missing: taskgraph-host --topology topologies/regression.json");
  }
  return options;
}

void settle(Options& options, bool has_backups) {
  if (!options.local.value && options.workers.value == 0) options.workers.value = has_backups ? 2 : 1;
  if (options.threads.value != 0) return;
  constexpr unsigned kThreadsOfWorkerMin = 2;
  options.threads.value = options.local.value
                              ? options.hardware_threads
                              : std::max(kThreadsOfWorkerMin, options.hardware_threads / options.workers.value);
}

std::optional<Failure> check_files(const Options& options) {
  for (const std::filesystem::path& folder : options.plugin_dirs.value) {
    std::error_code error;
    if (!std::filesystem::is_directory(folder, error)) {
      const std::string why = error ? error.message() : "is no folder";
      return Failure{ExitCode::file_missing, "--plugin-dir " + quote(folder.native()) + ": " + why};
    }
  }
  if (options.result.value) return check_result_target(*options.result.value);
  return std::nullopt;
}

std::string help_text() {
  std::ostringstream out;
  out << "Usage: taskgraph-host --topology FILE [options]\n\n"
         "Runs the tasks of one job: loads their plugin, watches them, restarts and replaces them.\n\n";
  for (const std::string_view group : kGroups) out << describe_options(group) << "\n";
  out << "Examples:\n"
         "  taskgraph-host --topology topologies/regression.json\n"
         "  taskgraph-host --topology job.json --validate\n"
         "  taskgraph-host --topology job.json --result result.json --chaos seed=7,rate=0.001\n\n"
         "Signals:\n"
         "  SIGTERM or SIGINT: tasks get `exit` and time to save (failure.drain); a second one stops at once\n\n"
         "Exit codes:\n"
      << exit_codes_text()
      << "\nEnvironment:\n"
         "  TASKGRAPH_PLUGIN_PATH  folders to look for plugins in, separated by colons\n"
         "  TASKGRAPH_LOG_LEVEL    as --log-level, which beats it\n"
         "  NO_COLOR               no colours when it is set and not empty\n"
         "  XDG_STATE_HOME, HOME   where the state of jobs lies, see --state-dir\n";
  return out.str();
}

std::vector<std::filesystem::path> split_path(std::string_view text) {
  std::vector<std::filesystem::path> parts;
  while (!text.empty()) {
    const std::size_t size = std::min(text.find(':'), text.size());
    if (size != 0) parts.emplace_back(text.substr(0, size));
    text.remove_prefix(std::min(size + 1, text.size()));
  }
  return parts;
}

std::string_view name(LogLevel level) {
  return kLogLevels[static_cast<std::size_t>(level)];
}
std::string_view name(LogFormat format) {
  return kLogFormats[static_cast<std::size_t>(format)];
}
std::string_view name(JournalDetail detail) {
  return kJournalDetails[static_cast<std::size_t>(detail)];
}
std::string_view name(CoordinatorKind kind) {
  switch (kind) {
    case CoordinatorKind::embedded:
      return "embedded";
  }
  return "unknown";
}

}  // namespace taskgraph::config
