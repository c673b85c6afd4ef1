/// The command line and the environment of taskgraph-host.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "host/config/failure.hpp"
#include "host/config/listen_address.hpp"
#include "host/config/log_settings.hpp"

namespace taskgraph::config {

inline constexpr unsigned kThreadsMax = 256;
inline constexpr unsigned kWorkersMax = 64;
inline constexpr std::size_t kPluginDirsMax = 64;

/// Where an effective value comes from.
enum class Source { built_in, command_line, environment };
struct Origin {
  Source source = Source::built_in;
  std::string_view variable;  ///< of the environment; a literal
};

template <typename T>
struct Setting {
  T value{};
  Origin origin;
};

enum class CoordinatorKind { embedded };
enum class JournalDetail { plain, full };

/// What taskgraph-host was asked for. Plain values; owned by main.
struct Options {
  bool help = false;          ///< then nothing else was checked
  bool version = false;       ///< the same
  bool validate = false;      ///< check everything short of running
  bool print_config = false;  ///< show the effective values; with `validate` both, else nothing is run
  Setting<std::filesystem::path> topology;
  Setting<CoordinatorKind> coordinator{CoordinatorKind::embedded, {}};
  Setting<std::optional<std::filesystem::path>> result;
  Setting<std::vector<std::filesystem::path>> plugin_dirs;  ///< of --plugin-dir, in order
  Setting<std::vector<std::filesystem::path>> plugin_path;  ///< of TASKGRAPH_PLUGIN_PATH, in order, searched after them
  Setting<LogLevel> log_level{LogLevel::info, {}};
  Setting<LogFormat> log_format{LogFormat::text, {}};
  Setting<bool> colour{true, {}};             ///< false: never; true: on a terminal
  Setting<std::optional<std::string>> chaos;  ///< SPEC or FILE as given; chaos_option reads it
  Setting<bool> local{false, {}};             ///< no worker processes: this one runs the tasks
  Setting<unsigned> workers{0, {}};           ///< processes that run the tasks; 0 with `local`, and before settle()
  Setting<unsigned> threads{0, {}};           ///< that run the tasks, in each process that does; 0 before settle()
  unsigned hardware_threads = 1;              ///< of the machine, as far as --threads can use them
  Setting<ListenAddress> listen;              ///< of the control listener
  Setting<std::optional<std::filesystem::path>> token_file;  ///< nothing: a token is made
  Setting<std::optional<std::filesystem::path>> state_dir;   ///< nothing: see state_location
  Setting<std::filesystem::path> state_home;                 ///< of the user; empty: unknown
  Setting<JournalDetail> journal{JournalDetail::plain, {}};
};

/// What parse_options reads beside the command line.
struct Environment {
  std::optional<std::string> plugin_path;   ///< TASKGRAPH_PLUGIN_PATH
  std::optional<std::string> log_level;     ///< TASKGRAPH_LOG_LEVEL
  std::optional<std::string> no_color;      ///< NO_COLOR
  unsigned hardware_threads = 1;            ///< 0: unknown
  std::optional<std::string> state_home{};  ///< XDG_STATE_HOME
  std::optional<std::string> home{};        ///< HOME

  /// Of this process; on the main thread, before there are others.
  static Environment of_process();
};

/// Reads the arguments after the program's name. The command line beats the environment. Pure: no file is touched.
/// Every failure has ExitCode::usage and names the option.
Result<Options> parse_options(std::span<const char* const> arguments, const Environment& environment);

/// Fills in the defaults that depend on the job. Workers: with backups 2, so that a backup is in another process than
/// its primary, else 1. Threads: the hardware's, shared by the workers; two at least in each of them, as a hook that
/// computes for long must not keep its worker's other tasks from each other and from their supervisor.
void settle(Options& options, bool has_backups);

/// Looks at the files that the options name, before hours of computing depend on them: the folder of --result is there
/// and can be written (ExitCode::cannot_write), every --plugin-dir is a folder (ExitCode::file_missing).
std::optional<Failure> check_files(const Options& options);

/// What --help prints: usage, options by group, examples, exit codes, environment.
std::string help_text();

/// `X:Y:/z` without empty parts.
std::vector<std::filesystem::path> split_path(std::string_view text);

std::string_view name(LogLevel level);
std::string_view name(LogFormat format);
std::string_view name(CoordinatorKind kind);
std::string_view name(JournalDetail detail);

}  // namespace taskgraph::config
