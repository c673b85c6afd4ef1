/// Names as people read them.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>

namespace taskgraph::runtime {

/// 8-4-4-4-12 hexadecimal digits. Any thread.
inline std::string uuid_text(std::uint64_t high, std::uint64_t low) {
  return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", high >> 32, high >> 16 & 0xffff, high & 0xffff, low >> 48,
                     low & 0xffff'ffff'ffff);
}

template <typename Id>
std::string uuid_text(const Id& id) {
  return uuid_text(id.high, id.low);
}

}  // namespace taskgraph::runtime
