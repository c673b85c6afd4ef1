#include "host/config/print_config.hpp"

#include <algorithm>

#include "host/config/state_location.hpp"
#include "host/config/words.hpp"

namespace taskgraph::config {
namespace {

/// A longer name or value stands as it is and pushes its own line only.
constexpr std::size_t kNameColumnsMax = 40;
constexpr std::size_t kValueColumnsMax = 40;

std::size_t columns(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; }));
}

void append_padded(std::string_view text, std::size_t width, std::string& out) {
  out += text;
  const std::size_t used = columns(text);
  if (used < width) out.append(width - used, ' ');
}

std::string join(const std::vector<std::filesystem::path>& paths) {
  std::string text;
  for (const std::filesystem::path& path : paths) text.append(text.empty() ? "" : ":").append(path.native());
  return text;
}

}  // namespace

std::string describe(const Origin& origin) {
  switch (origin.source) {
    case Source::built_in:
      return "default";
    case Source::command_line:
      return "command line";
    case Source::environment:
      return "environment " + std::string(origin.variable);
  }
  return "unknown";
}

std::vector<ConfigValue> config_values(const Options& options, std::string_view job) {
  std::vector<ConfigValue> values;
  const auto add = [&](std::string_view name, std::string_view value, const Origin& origin) {
    values.push_back({std::string(name), std::string(value), describe(origin)});
  };
  add("topology", options.topology.value.native(), options.topology.origin);
  add("coordinator", name(options.coordinator.value), options.coordinator.origin);
  add("result", options.result.value ? options.result.value->native() : "", options.result.origin);
  add("plugin-dir", join(options.plugin_dirs.value), options.plugin_dirs.origin);
  add("plugin-path", join(options.plugin_path.value), options.plugin_path.origin);
  add("local", options.local.value ? "yes" : "no", options.local.origin);
  add("workers", std::to_string(options.workers.value), options.workers.origin);
  add("threads", std::to_string(options.threads.value), options.threads.origin);
  add("listen", options.listen.value.text(), options.listen.origin);
  add("token-file", options.token_file.value ? options.token_file.value->native() : "", options.token_file.origin);
  const auto state = state_location(options, job);
  add("state-dir", state.value.native(), state.origin);
  add("log-level", name(options.log_level.value), options.log_level.origin);
  add("log-format", name(options.log_format.value), options.log_format.origin);
  add("journal", name(options.journal.value), options.journal.origin);
  add("colour", options.colour.value ? "on a terminal" : "never", options.colour.origin);
  add("chaos", options.chaos.value.value_or(""), options.chaos.origin);
  return values;
}

std::string print_config(std::span<const ConfigValue> values) {
  std::size_t name_columns = 0;
  std::size_t value_columns = 0;
  for (const ConfigValue& entry : values) {
    name_columns = std::max(name_columns, std::min(columns(entry.name), kNameColumnsMax));
    value_columns = std::max(value_columns, std::min(columns(printable(entry.value)), kValueColumnsMax));
  }
  std::string out;
  for (const ConfigValue& entry : values) {
    append_padded(printable(entry.name), name_columns, out);
    out += " = ";
    append_padded(printable(entry.value), value_columns, out);
    out.append("  # ").append(printable(entry.origin)).append("\n");
  }
  return out;
}

}  // namespace taskgraph::config
