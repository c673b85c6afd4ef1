/// The only place that calls the dynamic loader (through Boost.DLL).
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace taskgraph::plugin {

/// What to do about a constructor that does more than it may.
inline constexpr std::string_view kConstructorCure =
    "move that work from global objects into the TaskBuilder's constructor, where a throw refuses the plugin by its "
    "text";

struct Loaded {
  const void* symbol = nullptr;        ///< the entry; nullptr when it is not exported. Lives as long as the process
  std::optional<std::string> refused;  ///< the loader's reason, and the cure where one is known; nothing is loaded then
};

/// Loads the library at `path` (absolute) with all its symbols bound now and none of them given to others, runs its
/// constructors, and looks the entry up. Never unloaded. [main] of the worker, or the probe's own process.
Loaded load_library(const std::filesystem::path& path);

}  // namespace taskgraph::plugin
