#include "host/wire/text_cut.hpp"

#include "host/core/assert.hpp"

namespace taskgraph::wire {

std::string cut_text(std::string_view text, std::size_t bytes_max) {
  constexpr std::size_t kNoteBytesMax = 40;
  constexpr std::size_t kCharacterBytesMax = 4;
  TG_ASSERT(bytes_max >= 64);
  if (text.size() <= bytes_max) return std::string(text);
  std::size_t kept = bytes_max - kNoteBytesMax;
  const auto continues = [&](std::size_t at) { return (static_cast<unsigned char>(text[at]) & 0xc0U) == 0x80U; };
  // What is no UTF-8 at all is cut wherever.
  for (std::size_t back = 0; back < kCharacterBytesMax - 1 && continues(kept); ++back) --kept;
  std::string cut(text.substr(0, kept));
  cut += " [... " + std::to_string(text.size() - kept) + " bytes cut]";
  return cut;
}

}  // namespace taskgraph::wire
