#include "host/plugin/search.hpp"

#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "host/plugin/refusal.hpp"

namespace taskgraph::plugin {
namespace {

namespace fs = std::filesystem;
using Found = boost::system::result<fs::path, NotFound>;

struct Place {
  fs::path folder;
  std::string_view origin;
};

std::vector<Place> all_places(const SearchPlaces& places) {
  std::vector<Place> all;
  const auto add = [&all](const fs::path& folder, std::string_view origin) {
    if (!folder.empty()) all.push_back({folder, origin});
  };
  add(places.topology_directory, "beside the topology file");
  for (const fs::path& folder : places.plugin_dirs) add(folder, "--plugin-dir");
  for (std::string_view rest = places.plugin_path; !rest.empty();) {
    const std::size_t colon = rest.find(':');
    add(fs::path(rest.substr(0, colon)), "TASKGRAPH_PLUGIN_PATH");
    rest.remove_prefix(colon == std::string_view::npos ? rest.size() : colon + 1);
  }
  add(places.installed, "installed");
  return all;
}

}  // namespace

fs::path installed_plugins() {
  std::error_code failed;
  const fs::path executable = fs::read_symlink("/proc/self/exe", failed);
  if (failed) return {};
  return (executable.parent_path() / ".." / "lib" / "taskgraph" / "plugins").lexically_normal();
}

Found find_plugin(std::string_view name, const SearchPlaces& places) {
  const fs::path wanted(name);
  if (wanted.is_absolute()) return Found(boost::system::in_place_value, wanted);
  std::string tried;
  for (const Place& place : all_places(places)) {
    std::error_code failed;
    fs::path candidate = fs::absolute(place.folder / wanted, failed).lexically_normal();
    if (failed) continue;
    const fs::file_status status = fs::status(candidate, failed);
    if (fs::exists(status) && !fs::is_directory(status))
      return Found(boost::system::in_place_value, std::move(candidate));
    const bool hidden = !fs::status_known(status);
    tried += fmt::format("\n  {} ({}{})", one_line(candidate.string(), 4'096), place.origin,
                         fs::is_directory(status) ? ", a folder"
                         : hidden                 ? ", " + failed.message()
                                                  : "");
  }
  return NotFound{
      fmt::format("plugin \"{}\" not found; tried:{}\nbuild it, correct plugin.path in the topology file, or name its "
                  "folder by --plugin-dir or TASKGRAPH_PLUGIN_PATH",
                  one_line(name), tried.empty() ? " nothing" : tried)};
}

}  // namespace taskgraph::plugin
