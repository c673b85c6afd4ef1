#include "host/runtime/log.hpp"

#include <spdlog/details/console_globals.h>
#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/ansicolor_sink.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <mutex>

#include "host/config/words.hpp"

namespace taskgraph::runtime {
namespace {

/// Room for time, level, colours, braces and newline.
constexpr std::size_t kFrameBytesMax = 128;
constexpr std::string_view kReplacement = "\xef\xbf\xbd";  // U+FFFD
constexpr std::size_t kCutNoteBytesMax = 64;

/// Writes lines as spdlog does, and keeps the status line below them.
class TerminalSink : public spdlog::sinks::ansicolor_sink<spdlog::details::console_mutex> {
  using Base = spdlog::sinks::ansicolor_sink<spdlog::details::console_mutex>;

 public:
  TerminalSink(std::FILE* target, spdlog::color_mode mode) : Base(target, mode), target_(target) {}

  void log(const spdlog::details::log_msg& message) override {
    const std::lock_guard lock(mutex_);
    clear();
    Base::log(message);
    draw();
  }

  void pass_on(std::string_view lines) {
    const std::lock_guard lock(mutex_);
    clear();
    write(lines);
    draw();
  }

  void show(std::string_view line) {
    const std::lock_guard lock(mutex_);
    clear();
    line_ = line;
    draw();
  }

 private:
  void clear() {
    if (!line_.empty()) write("\r\033[K");
  }
  void draw() {
    if (!line_.empty()) write(line_);
  }
  void write(std::string_view bytes) {
    std::fwrite(bytes.data(), 1, bytes.size(), target_);
    std::fflush(target_);
  }

  std::FILE* const target_;
  std::mutex mutex_;  // guards line_, and the order of lines on the terminal; taken before spdlog's own
  std::string line_;
};

struct State {
  LogFormat format = LogFormat::text;
  std::shared_ptr<TerminalSink> sink;
  std::unique_ptr<spdlog::logger> logger;
};

spdlog::level::level_enum spdlog_level(LogLevel level) {
  constexpr std::array kLevels{spdlog::level::debug, spdlog::level::info, spdlog::level::warn, spdlog::level::err};
  return kLevels[static_cast<std::size_t>(level)];
}

State make_state(const LogSettings& settings) {
  constexpr const char* kText = "%Y-%m-%dT%H:%M:%S.%eZ %^%-7l%$ %v";
  constexpr const char* kJson = R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v})";
  std::FILE* target = settings.target != nullptr ? settings.target : stderr;
  const bool may_colour = settings.passed_on || is_terminal(target);
  const bool coloured = settings.colour && settings.format == LogFormat::text && may_colour;
  State state;
  state.format = settings.format;
  state.sink =
      std::make_shared<TerminalSink>(target, coloured ? spdlog::color_mode::always : spdlog::color_mode::never);
  const char* pattern = settings.format == LogFormat::json ? kJson : kText;
  state.sink->set_formatter(std::make_unique<spdlog::pattern_formatter>(pattern, spdlog::pattern_time_type::utc, "\n"));
  state.logger = std::make_unique<spdlog::logger>("taskgraph", state.sink);
  state.logger->set_level(spdlog_level(settings.level));
  // A log that cannot be written must not stop the job, and spdlog's own complaint would go to the same place.
  state.logger->set_error_handler([](const std::string&) {});
  return state;
}

State& state() {
  // Never destroyed: threads of the plugin may log while the process ends.
  static State& instance = *new State(make_state({}));
  return instance;
}

void append_escape(unsigned char byte, LogFormat format, std::string& out) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  if (byte == '\n') {
    out += "\\n";
  } else if (byte == '\t') {
    out += "\\t";
  } else if (byte == '"' || byte == '\\') {
    out += '\\';
    out += static_cast<char>(byte);
  } else {
    out += format == LogFormat::json ? "\\u00" : "\\x";
    out += kDigits[byte >> 4U];
    out += kDigits[byte & 15U];
  }
}

/// Appends `text` so that it stays one line, and JSON where that is asked for, until `out` has `bytes_max`.
void append_message(std::string_view text, LogFormat format, std::size_t bytes_max, std::string& out) {
  const std::size_t limit = bytes_max > kCutNoteBytesMax ? bytes_max - kCutNoteBytesMax : 0;
  std::string piece;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t size = config::utf8_sequence(text.substr(at));
    const auto first = static_cast<unsigned char>(text[at]);
    const bool mark = format == LogFormat::json && (first == '"' || first == '\\');
    const bool c1 = size == 2 && first == 0xc2 && static_cast<unsigned char>(text[at + 1]) < 0xa0;
    piece.clear();
    if (size == 0) {
      piece = kReplacement;
    } else if (mark || first < 0x20 || first == 0x7f) {
      append_escape(first, format, piece);
    } else if (c1) {
      append_escape(static_cast<unsigned char>(text[at + 1]), format, piece);
    } else {
      piece = text.substr(at, size);
    }
    if (out.size() + piece.size() > limit) {
      out += " [... " + std::to_string(text.size() - at) + " bytes cut]";
      return;
    }
    out += piece;
    at += std::max<std::size_t>(size, 1);
  }
}

/// The fields, each as before + name + between + number.
std::string fields_text(const LogFields& fields, std::string_view before, std::string_view between) {
  std::string text;
  const auto add = [&](std::string_view name, std::uint64_t value) {
    text.append(before).append(name).append(between).append(std::to_string(value));
  };
  if (fields.task) add("task", fields.task->value);
  if (fields.epoch) add("epoch", fields.epoch->value);
  if (fields.term) add("term", fields.term->value);
  return text;
}

}  // namespace

std::string text_payload(std::string_view text, const LogFields& fields, std::size_t bytes_max) {
  const std::string tail = fields_text(fields, " ", "=");
  std::string out;
  append_message(text, LogFormat::text, bytes_max - std::min(bytes_max, tail.size()), out);
  return out + tail;
}

std::string json_payload(std::string_view text, const LogFields& fields, std::size_t bytes_max) {
  const std::string tail = "\"" + fields_text(fields, ",\"", "\":");
  std::string out = "\"message\":\"";
  append_message(text, LogFormat::json, bytes_max - std::min(bytes_max, tail.size()), out);
  return out + tail;
}

bool is_terminal(std::FILE* file) {
  const int descriptor = ::fileno(file);
  if (descriptor < 0 || ::isatty(descriptor) == 0) return false;
  const char* kind = std::getenv("TERM");  // NOLINT(concurrency-mt-unsafe): the environment is never changed
  return kind == nullptr || std::string_view(kind) != "dumb";
}

void log_start(const LogSettings& settings) {
  state() = make_state(settings);
}

bool log_enabled(LogLevel level) {
  return state().logger->should_log(spdlog_level(level));
}

void log(LogLevel level, std::string_view text, const LogFields& fields) {
  const State& current = state();
  if (!current.logger->should_log(spdlog_level(level))) return;
  constexpr std::size_t kPayloadBytesMax = kLogLineBytesMax - kFrameBytesMax;
  const std::string payload = current.format == LogFormat::json ? json_payload(text, fields, kPayloadBytesMax)
                                                                : text_payload(text, fields, kPayloadBytesMax);
  current.logger->log(spdlog_level(level), spdlog::string_view_t(payload.data(), payload.size()));
}

void pass_on(std::string_view lines) {
  state().sink->pass_on(lines);
}

void show_status_line(std::string_view line) {
  state().sink->show(line);
}

}  // namespace taskgraph::runtime
