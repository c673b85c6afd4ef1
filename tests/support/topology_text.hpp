/// Topology files for tests: a small right one to change, and what a user sees of a wrong one.
#pragma once

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "host/config/topology_file.hpp"

namespace taskgraph::test {

/// A right one of `count` tasks; `more` follows the required members, beginning with a comma, on the second line.
inline std::string topology_text(std::string_view more = {}, int count = 4) {
  return R"({"version": 1, "job": "j", "plugin": {"path": "p.so"}, "tasks": {"count": )" + std::to_string(count) +
         "}\n" + std::string(more) + "}";
}

inline config::TopologyResult parse(std::string text) {
  return config::parse_topology("t.json", std::move(text), "/somewhere");
}

/// The errors as printed; "ok" without any, followed by the warnings.
inline std::string seen(std::string text) {
  const config::TopologyResult result = parse(std::move(text));
  if (const auto* errors = std::get_if<config::TopologyErrors>(&result)) return errors->text();
  std::string out = "ok";
  for (const auto& warning : std::get<config::TopologyFile>(result).warnings) out += "\n" + config::to_text(warning);
  return out;
}

/// The same for a right one with `more` in it.
inline std::string seen_with(std::string_view more, int count = 4) {
  return seen(topology_text(more, count));
}

/// Of a text that must be right; throws with the errors otherwise.
inline config::TopologyFile good(std::string text) {
  config::TopologyResult result = parse(std::move(text));
  if (const auto* errors = std::get_if<config::TopologyErrors>(&result)) throw std::runtime_error(errors->text());
  return std::get<config::TopologyFile>(std::move(result));
}

inline std::filesystem::path source_folder() {
  return TASKGRAPH_SOURCE_DIR;
}

inline std::string file_text(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) throw std::runtime_error("cannot read " + file.string());
  std::ostringstream out;
  out << stream.rdbuf();
  return out.str();
}

}  // namespace taskgraph::test
