/// Texts for people that may be too long to send.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace taskgraph::wire {

/// `text`, or as much of it as leaves room to say that the rest was cut; never within a UTF-8 character. `bytes_max`:
/// at least 64.
std::string cut_text(std::string_view text, std::size_t bytes_max);

}  // namespace taskgraph::wire
