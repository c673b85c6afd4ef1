/// What the user chooses of the log; read from the command line and the environment, used by runtime/log
/// and, for lines that cross processes, by wire/control.
#pragma once

namespace taskgraph::config {

enum class LogLevel { debug, info, warning, error };
enum class LogFormat { text, json };

}  // namespace taskgraph::config
