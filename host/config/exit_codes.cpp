#include "host/config/exit_codes.hpp"

namespace taskgraph::config {

std::string exit_codes_text() {
  std::string text;
  for (const ExitCodeText& entry : kExitCodes) {
    const std::string number = std::to_string(static_cast<int>(entry.code));
    text.append(4 - number.size(), ' ').append(number).append("  ").append(entry.meaning).append("\n");
  }
  return text;
}

}  // namespace taskgraph::config
