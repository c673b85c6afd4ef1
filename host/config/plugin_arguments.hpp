/// `plugin.args` as a plugin gets them: one list of named values (tg_arg of abi.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "host/config/diagnostic.hpp"
#include "host/config/json_document.hpp"

namespace taskgraph::config {

inline constexpr std::size_t kPluginArgumentsMax = 10'000;
inline constexpr std::size_t kPluginArgumentNameBytesMax = 1'024;

/// {"a": {"b": [7]}} is one argument, "a.b.0". null, {} and [] are none; they stand in the JSON text only.
struct PluginArgument {
  enum class Kind { text, integer, number, boolean };
  std::string name;
  Kind kind = Kind::text;
  std::string text;          ///< of a text: itself; else the value as canonical JSON
  std::int64_t integer = 0;  ///< integer; boolean: 0 or 1
  double number = 0;         ///< number and integer
  std::size_t offset = 0;    ///< of the value in the file
};

/// By rising name. Errors: over the limits, or two values of one name ({"a.b": 1, "a": {"b": 2}}).
std::vector<PluginArgument> flatten_arguments(JsonValue args, std::string_view pointer, Diagnostics& out);

}  // namespace taskgraph::config
