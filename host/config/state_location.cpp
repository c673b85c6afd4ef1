#include "host/config/state_location.hpp"

namespace taskgraph::config {

Setting<std::filesystem::path> state_location(const Options& options, std::string_view job) {
  if (options.state_dir.value.has_value()) return {*options.state_dir.value, options.state_dir.origin};
  if (options.state_home.value.empty()) return {};
  return {options.state_home.value / "taskgraph" / job, options.state_home.origin};
}

Setting<std::filesystem::path> state_home(const Environment& environment) {
  const auto absolute = [](const std::optional<std::string>& text) {
    return text.has_value() && text->starts_with('/');
  };
  if (absolute(environment.state_home)) {
    return {*environment.state_home, {Source::environment, "XDG_STATE_HOME"}};
  }
  if (absolute(environment.home)) {
    return {std::filesystem::path(*environment.home) / ".local" / "state", {Source::environment, "HOME"}};
  }
  return {};
}

}  // namespace taskgraph::config
