#include "host/config/value_texts.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <ctime>

#include "host/config/words.hpp"

namespace taskgraph::config {

std::string uuid_text(std::uint64_t high, std::uint64_t low) {
  return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", high >> 32, high >> 16 & 0xffff, high & 0xffff, low >> 48,
                     low & 0xffff'ffff'ffff);
}

std::string wall_time_text(std::int64_t unix_ns) {
  const std::time_t seconds = unix_ns / 1'000'000'000;
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:06}Z", fmt::gmtime(seconds), unix_ns % 1'000'000'000 / 1'000);
}

std::string valid_utf8(std::string_view bytes, std::size_t bytes_max) {
  std::string valid;
  for (std::size_t at = 0; at < bytes.size() && valid.size() < bytes_max;) {
    const std::size_t size = utf8_sequence(bytes.substr(at));
    valid += size == 0 ? std::string_view("\xef\xbf\xbd") : bytes.substr(at, size);
    at += std::max<std::size_t>(size, 1);
  }
  return valid;
}

}  // namespace taskgraph::config
