#include "plugins/pagerank/settings.hpp"

#include <cmath>
#include <stdexcept>
#include <string>
#include <system_error>

namespace taskgraph::pagerank {
namespace {

std::filesystem::path path_argument(const Job& job, const char* name) {
  const std::string text = job.args.text(name);
  if (text.empty() || text.find('\0') != std::string::npos) {
    throw std::invalid_argument("argument \"" + std::string(name) + "\" is no path: it is empty or holds a NUL");
  }
  return (std::filesystem::path(job.directory) / text).lexically_normal();
}

[[noreturn]] void refuse(const char* name, const std::string& value, const std::string& expected) {
  throw std::invalid_argument("argument \"" + std::string(name) + "\" is " + value + "; expected " + expected);
}

}  // namespace

Settings read_settings(const Job& job) {
  job.args.allow_only({"input", "output", "damping", "tolerance", "iterations_max"});
  Settings settings;
  settings.input = path_argument(job, "input");
  settings.output = path_argument(job, "output");
  settings.damping = job.args.number("damping", settings.damping);
  settings.tolerance = job.args.number("tolerance", settings.tolerance);
  const std::int64_t iterations_max =
      job.args.integer("iterations_max", static_cast<std::int64_t>(settings.iterations_max));

  if (!(settings.damping >= 0.0 && settings.damping < 1.0)) {
    refuse("damping", std::to_string(settings.damping), "0 or more, and less than 1");
  }
  if (!(settings.tolerance >= 0.0 && std::isfinite(settings.tolerance))) {
    refuse("tolerance", std::to_string(settings.tolerance), "0 or more");
  }
  if (iterations_max < 1 || iterations_max > kIterationsMax) {
    refuse("iterations_max", std::to_string(iterations_max), "1 to " + std::to_string(kIterationsMax));
  }
  settings.iterations_max = static_cast<std::uint64_t>(iterations_max);

  std::error_code ignored;
  if (settings.output.filename().empty() || std::filesystem::is_directory(settings.output, ignored)) {
    refuse("output", settings.output.string(), "the name of a file, not of a folder");
  }
  const std::filesystem::path folder = settings.output.parent_path();
  if (!std::filesystem::is_directory(folder, ignored)) {
    throw std::invalid_argument("argument \"output\": there is no folder " + folder.string() + "; make it first");
  }
  return settings;
}

}  // namespace taskgraph::pagerank
