#include "host/plugin/refusal.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace taskgraph::plugin {

std::string Refusal::message() const {
  return fmt::format("plugin {} refused at step {} of {}: {}", one_line(path, 4'096), static_cast<int>(step), kSteps,
                     reason);
}

std::string one_line(std::string_view text, std::size_t bytes_max) {
  std::string line(text);
  std::replace_if(
      line.begin(), line.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
  const std::size_t begin = line.find_first_not_of(' ');
  if (begin == std::string::npos) return {};
  line = line.substr(begin, line.find_last_not_of(' ') - begin + 1);
  if (line.size() > bytes_max) {
    std::size_t end = bytes_max;
    // Not in the middle of a UTF-8 sequence.
    while (end > 0 && (static_cast<unsigned char>(line[end]) & 0xc0U) == 0x80U) --end;
    line.resize(end);
    line += "...";
  }
  return line;
}

}  // namespace taskgraph::plugin
