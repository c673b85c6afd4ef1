/// Finds the file that a topology's `plugin.path` means.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <boost/system/result.hpp>

namespace taskgraph::plugin {

/// Where a relative plugin path is looked up, in this order. Empty members are left out.
struct SearchPlaces {
  std::filesystem::path topology_directory;
  std::vector<std::filesystem::path> plugin_dirs;  ///< `--plugin-dir`, in the order given
  std::string plugin_path;          ///< TASKGRAPH_PLUGIN_PATH: folders with colons between; empty ones do not count
  std::filesystem::path installed;  ///< installed_plugins()
};

/// Nothing there. The host has an exit code for missing files.
struct NotFound {
  std::string message;  ///< names the plugin, every place that was tried and the cure
};

/// The folder of the installed plugins: ../lib/taskgraph/plugins as seen from the folder of this executable (its real
/// place, not that of a symbolic link). Empty when the system does not tell where that is.
std::filesystem::path installed_plugins();

/// Absolute path of the first file that exists (a folder of that name does not count); an absolute `name` is taken as
/// it is, whether it exists or not. Any thread; reads the file system.
boost::system::result<std::filesystem::path, NotFound> find_plugin(std::string_view name, const SearchPlaces& places);

}  // namespace taskgraph::plugin
