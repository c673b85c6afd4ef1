/// The exit codes of taskgraph-host: one table for the code, `--help` and the man page.
#pragma once

#include <array>
#include <string>
#include <string_view>

namespace taskgraph::config {

/// Values are part of the command line's contract: only ever appended to.
enum class ExitCode : int {
  done = 0,
  job_failed = 1,
  stopped = 3,
  usage = 64,
  topology_invalid = 65,
  file_missing = 66,
  coordinator_unreachable = 69,
  own_bug = 70,
  cannot_listen = 71,
  cannot_write = 73,
  documents_lost = 76,
  refused = 77,
  plugin_refused = 78,
};

struct ExitCodeText {
  ExitCode code;
  std::string_view name;     ///< one word, for scripts and logs
  std::string_view meaning;  ///< one line, for people
};

/// By rising number.
inline constexpr std::array<ExitCodeText, 13> kExitCodes{{
    {ExitCode::done, "done", "the job is done (or what was asked for has been shown)"},
    {ExitCode::job_failed, "job-failed", "the job failed: a task gave up, or the plugin said so"},
    {ExitCode::stopped, "stopped", "stopped by a signal before the job's end"},
    {ExitCode::usage, "usage", "the command line or the environment is wrong"},
    {ExitCode::topology_invalid, "topology-invalid", "the topology file (or the file of --chaos) is invalid"},
    {ExitCode::file_missing, "file-missing", "a file or folder that was named does not exist or cannot be read"},
    {ExitCode::coordinator_unreachable, "coordinator-unreachable", "the coordinator cannot be reached"},
    {ExitCode::own_bug, "own-bug", "taskgraph-host itself is broken: please report it"},
    {ExitCode::cannot_listen, "cannot-listen", "the address of --listen cannot be had"},
    {ExitCode::cannot_write, "cannot-write", "a result or state file cannot be written"},
    {ExitCode::documents_lost, "documents-lost",
     "the job's documents are missing from the coordinator or older than before"},
    {ExitCode::refused, "refused", "a running job refused this host: its topology differs"},
    {ExitCode::plugin_refused, "plugin-refused", "the plugin was refused, or its init failed"},
}};

/// Any thread.
constexpr const ExitCodeText& describe(ExitCode code) {
  for (const ExitCodeText& text : kExitCodes) {
    if (text.code == code) return text;
  }
  return describe(ExitCode::own_bug);
}

/// The table as the lines of `--help`: two blanks, the number, the meaning.
std::string exit_codes_text();

}  // namespace taskgraph::config
