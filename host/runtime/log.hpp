/// The log of this process: one line per message on stderr, as text or as JSON. Below it, on a terminal, stands the
/// status line of runtime/progress, which a message never runs into.
///
/// log_start is called on the main thread before there are others (and by tests); all else from any thread. A line is
/// written at once, by the thread that logs it: a reader of our stderr that stops reading stops us.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

#include "host/config/log_settings.hpp"
#include "host/core/ids.hpp"

namespace taskgraph::runtime {

using config::LogFormat;
using config::LogLevel;

/// Of one line, newline included. A longer message is cut, and says so.
inline constexpr std::size_t kLogLineBytesMax = std::size_t{16} * 1024;

struct LogSettings {
  LogLevel level = LogLevel::info;
  LogFormat format = LogFormat::text;
  bool colour = true;           ///< false: never (NO_COLOR); true: where `target` is a terminal and the format is text
  std::FILE* target = nullptr;  ///< nullptr: stderr; outlives the settings
  bool passed_on = false;       ///< `target` is read by a process that shows the lines; then it has chosen `colour`
};

/// What a message is about; in JSON keys of their own.
struct LogFields {
  std::optional<core::TaskId> task;
  std::optional<core::Epoch> epoch;
  std::optional<core::Term> term;
};

/// Replaces the settings. Before the first call: text at info to stderr.
void log_start(const LogSettings& settings);

/// True when a message of that level is written: ask before composing an expensive one.
bool log_enabled(LogLevel level);

/// `text` may be any bytes; what is no UTF-8 becomes U+FFFD, and control characters are escaped.
void log(LogLevel level, std::string_view text, const LogFields& fields = {});

/// Lines as another process has logged them, each with its end.
void pass_on(std::string_view lines);

/// Shows `line` (printable, narrower than the terminal) below the log in place of the status line before; "" removes
/// it. For terminals only.
void show_status_line(std::string_view line);

/// True when `file` is a terminal that understands a cursor.
bool is_terminal(std::FILE* file);

/// What stands behind time and level; split from the writing for tests. At most `bytes_max` (at least 256) long.
std::string text_payload(std::string_view text, const LogFields& fields, std::size_t bytes_max);
/// `"message":"...","task":3` without braces.
std::string json_payload(std::string_view text, const LogFields& fields, std::size_t bytes_max);

}  // namespace taskgraph::runtime
