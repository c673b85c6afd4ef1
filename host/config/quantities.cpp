#include "host/config/quantities.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <system_error>

namespace taskgraph::config {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t factor;
};
constexpr std::array<Unit, 6> kTimes{{{"h", 3'600'000'000'000},
                                      {"m", 60'000'000'000},
                                      {"s", 1'000'000'000},
                                      {"ms", 1'000'000},
                                      {"us", 1'000},
                                      {"ns", 1}}};
constexpr std::array<Unit, 4> kSizes{
    {{"GiB", std::int64_t{1} << 30}, {"MiB", std::int64_t{1} << 20}, {"KiB", 1'024}, {"B", 1}}};

std::optional<std::int64_t> digits(std::string_view text) {
  if (text.empty() || text.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} ? std::optional(value) : std::nullopt;
}

template <std::size_t N>
std::optional<std::int64_t> factor_of(const std::array<Unit, N>& units, std::string_view name) {
  const auto unit = std::find_if(units.begin(), units.end(), [&](const Unit& u) { return u.name == name; });
  return unit == units.end() ? std::nullopt : std::optional(unit->factor);
}

std::optional<std::int64_t> times(std::int64_t count, std::int64_t factor) {
  return count > INT64_MAX / factor ? std::nullopt : std::optional(count * factor);
}

/// `fraction` digits behind the point, of a unit of `factor`; exact or nothing.
std::optional<std::int64_t> fraction_of(std::string_view fraction, std::int64_t factor) {
  const std::size_t last = fraction.find_last_not_of('0');
  fraction = fraction.substr(0, last == std::string_view::npos ? 0 : last + 1);
  std::int64_t value = 0;
  for (const char c : fraction) {
    if (factor % 10 != 0) return std::nullopt;
    factor /= 10;
    value += (c - '0') * factor;
  }
  return value;
}

}  // namespace

std::optional<core::Duration> parse_duration(std::string_view text) {
  const std::size_t split = std::min(text.find_first_not_of("0123456789."), text.size());
  const auto factor = factor_of(kTimes, text.substr(split));
  if (!factor) return std::nullopt;
  const std::string_view number = text.substr(0, split);
  const std::size_t point = number.find('.');
  const auto whole = digits(number.substr(0, point));
  if (!whole) return std::nullopt;
  const auto whole_ns = times(*whole, *factor);
  if (!whole_ns) return std::nullopt;
  if (point == std::string_view::npos) return core::Duration{*whole_ns};
  const std::string_view fraction = number.substr(point + 1);
  if (fraction.empty() || fraction.find('.') != std::string_view::npos) return std::nullopt;
  const auto fraction_ns = fraction_of(fraction, *factor);
  if (!fraction_ns || *fraction_ns > INT64_MAX - *whole_ns) return std::nullopt;
  return core::Duration{*whole_ns + *fraction_ns};
}

std::string to_text(core::Duration duration) {
  if (duration.ns == 0) return "0s";
  for (const Unit& unit : kTimes) {
    if (duration.ns % unit.factor == 0) return std::to_string(duration.ns / unit.factor) + std::string(unit.name);
    const bool is_decimal = unit.factor % 10'000 == 0 && unit.name != "h" && unit.name != "m";
    if (is_decimal && duration.ns > unit.factor && duration.ns % (unit.factor / 1'000) == 0) {
      std::string fraction = std::to_string(1'000 + duration.ns % unit.factor / (unit.factor / 1'000)).substr(1);
      fraction.erase(fraction.find_last_not_of('0') + 1);
      return std::to_string(duration.ns / unit.factor) + "." + fraction + std::string(unit.name);
    }
  }
  return std::to_string(duration.ns) + "ns";
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  const std::size_t split = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto factor = factor_of(kSizes, text.substr(split));
  const auto count = digits(text.substr(0, split));
  if (!factor || !count) return std::nullopt;
  const auto bytes = times(*count, *factor);
  return bytes ? std::optional(static_cast<std::uint64_t>(*bytes)) : std::nullopt;
}

std::string size_to_text(std::uint64_t bytes) {
  for (const Unit& unit : kSizes) {
    const auto factor = static_cast<std::uint64_t>(unit.factor);
    if (factor > 1 && bytes != 0 && bytes % factor == 0) {
      return std::to_string(bytes / factor) + std::string(unit.name);
    }
  }
  return std::to_string(bytes);
}

}  // namespace taskgraph::config
