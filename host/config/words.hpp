/// Words of a user in our messages: shown so that they cannot harm a terminal, and with a guess at what was meant.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace taskgraph::config {

inline constexpr std::size_t kQuotedBytesMax = 120;

/// `"text"` with control characters and bytes that are no UTF-8 escaped (\n, \x1b), cut at kQuotedBytesMax.
std::string quote(std::string_view text);

/// `text` on one line: control characters and bytes that are no UTF-8 escaped, the rest as it is, nothing cut.
std::string printable(std::string_view text);

/// The candidate that `word` was most likely meant to be: at most a third of its letters (and at least one) inserted,
/// removed, replaced or swapped with the next one; nothing when none is that near. Words over 64 bytes match nothing.
std::optional<std::string_view> nearest(std::string_view word, std::span<const std::string_view> candidates);

/// `; did you mean X?` for the nearest candidate between `before` and `after`, else "".
std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates,
                         std::string_view before = "\"", std::string_view after = "\"");

/// Length in bytes of the well-formed UTF-8 sequence at the start of `text` (RFC 3629); 0 when there is none.
std::size_t utf8_sequence(std::string_view text);

}  // namespace taskgraph::config
