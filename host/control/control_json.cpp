#include "host/control/control_json.hpp"

#include "host/control/json.hpp"

namespace taskgraph::control {

std::string control_json(std::string_view url, std::string_view token_file) {
  Json json;
  json.begin_object().key("control").text(url).key("token_file").text(token_file);
  return json.end_object().take();
}

}  // namespace taskgraph::control
