/// STATE/control.json: where a job's control listener is, for programs that know its state folder.
#pragma once

#include <string>
#include <string_view>

namespace taskgraph::control {

/// {"control": "http://...", "token_file": "/absolute"}
std::string control_json(std::string_view url, std::string_view token_file);

}  // namespace taskgraph::control
