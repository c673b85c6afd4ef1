/// Durations and sizes as people write them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "host/core/ids.hpp"

namespace taskgraph::config {

/// "100ms", "1.5s", "2m": a decimal number without sign or blanks and one of ns us ms s m h. Nothing when it is none,
/// is finer than a nanosecond or longer than 292 years.
std::optional<core::Duration> parse_duration(std::string_view text);
/// The shortest of the forms above: "1.5s", "100ms", "2m".
std::string to_text(core::Duration duration);

/// "64KiB": a decimal integer and one of B KiB MiB GiB. Nothing when it is none or beyond 2^63.
std::optional<std::uint64_t> parse_size(std::string_view text);
/// "64KiB", "1GiB"; in bytes without a unit where no unit divides it.
std::string size_to_text(std::uint64_t bytes);

}  // namespace taskgraph::config
