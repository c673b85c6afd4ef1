/// Names that nobody else makes.
#pragma once

#include <cstdint>
#include <random>

#include "host/core/ids.hpp"

namespace taskgraph::runtime {

/// Version 4 (RFC 9562): 122 bits of the system's generator. Any thread; throws std::system_error without one.
template <typename Id>
Id random_uuid() {
  std::random_device device;
  const auto word = [&] { return std::uint64_t{device()} << 32 | device(); };
  return Id{(word() & ~std::uint64_t{0xf000}) | 0x4000, (word() & ~(std::uint64_t{3} << 62)) | std::uint64_t{2} << 62};
}

}  // namespace taskgraph::runtime
