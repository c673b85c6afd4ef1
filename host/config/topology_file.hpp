/// The topology file: what a job is. Its format is described in topologies/README.md, field by field.
///
/// Reading it checks everything that can be known without the plugin: JSON, names, ranges, links and their inverses.
/// Pure but for load_topology_file; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <variant>
#include <vector>

#include "host/config/diagnostic.hpp"
#include "host/config/failure.hpp"
#include "host/config/json_document.hpp"
#include "host/config/plugin_arguments.hpp"
#include "host/config/print_config.hpp"
#include "host/core/job.hpp"

namespace taskgraph::config {

inline constexpr std::size_t kTopologyFileBytesMax = kJsonBytesMax;

struct TopologyFile {
  core::JobSpec spec;  ///< its links stand by rising name, so that their indices do not depend on the order in the file
  std::string plugin_path;           ///< as written
  std::string args_json;             ///< plugin.args, canonical; "{}" without any
  std::vector<PluginArgument> args;  ///< the same, flattened, by rising name
  std::filesystem::path directory;   ///< of the file, absolute
  core::Duration start_timeout;      ///< placement.start_timeout
  std::string canonical;             ///< json_canonical.hpp
  std::string digest;                ///< SHA-256 of `canonical`, hex: identifies the job's definition
  std::vector<ConfigValue> values;   ///< every effective value and its origin, for --print-config
  std::vector<Diagnostic> warnings;  ///< by position
};

/// Why there is no TopologyFile.
struct TopologyErrors {
  enum class Kind {
    missing,     ///< there is no such file
    unreadable,  ///< it cannot be read, or is no regular file
    invalid,     ///< its content is wrong
  };
  Kind kind = Kind::invalid;
  std::vector<Diagnostic> diagnostics;  ///< at least one, at most kDiagnosticsMax, by position
  std::size_t omitted = 0;              ///< further errors

  /// One line each, and how many more there are.
  std::string text() const;
  /// ExitCode::file_missing or ExitCode::topology_invalid.
  Failure failure() const;
};

using TopologyResult = std::variant<TopologyFile, TopologyErrors>;

/// Reads a regular file of at most kTopologyFileBytesMax; never waits for a pipe or device.
TopologyResult load_topology_file(const std::filesystem::path& file);

/// The same for a text. `name` is what messages call it.
TopologyResult parse_topology(std::string name, std::string text, std::filesystem::path directory);

}  // namespace taskgraph::config
