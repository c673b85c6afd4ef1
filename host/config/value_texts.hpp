/// Values as people and other programs read them, the same in the log, the journal and the status. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace taskgraph::config {

/// 8-4-4-4-12 hexadecimal digits.
std::string uuid_text(std::uint64_t high, std::uint64_t low);
template <typename Id>
std::string uuid_text(const Id& id) {
  return uuid_text(id.high, id.low);
}

/// RFC 3339, UTC, with microseconds.
std::string wall_time_text(std::int64_t unix_ns);

/// `bytes` with U+FFFD for each byte that is no UTF-8, cut before a character that would begin beyond `bytes_max`.
std::string valid_utf8(std::string_view bytes, std::size_t bytes_max = SIZE_MAX);

}  // namespace taskgraph::config
