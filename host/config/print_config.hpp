/// What --print-config shows: every effective value, and who set it.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "host/config/options.hpp"

namespace taskgraph::config {

/// One line of it. `origin`: "default", "command line", "environment X" or "FILE:LINE".
struct ConfigValue {
  std::string name;
  std::string value;
  std::string origin;
};

/// The values of the command line and the environment, in the order of --help.
std::vector<ConfigValue> config_values(const Options& options, std::string_view job);

/// `name = value  # origin`, one line each, aligned as far as values are short. Control characters are escaped.
std::string print_config(std::span<const ConfigValue> values);

std::string describe(const Origin& origin);

}  // namespace taskgraph::config
