#include "host/config/topology_section.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "host/config/quantities.hpp"
#include "host/config/words.hpp"

namespace taskgraph::config {
namespace {

constexpr std::size_t kNameBytesMax = 64;

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/// "/limits/hook" is "limits.hook" to people.
std::string dotted(std::string_view pointer) {
  std::string out(pointer.substr(pointer.empty() ? 0 : 1));
  std::replace(out.begin(), out.end(), '/', '.');
  return out;
}

std::string range(std::uint64_t min, std::uint64_t max) {
  return min == max ? std::to_string(min) : fmt::format("a whole number from {} to {}", min, max);
}

}  // namespace

void TopologyReading::note(std::string_view pointer, std::string value, std::optional<JsonValue> written) {
  const SourceText& source = out.source();
  std::string origin = written ? source.name() + ":" + std::to_string(source.line(written->offset())) : "default";
  values.push_back({dotted(pointer), std::move(value), std::move(origin)});
}

std::string shown(JsonValue value) {
  return value.is(JsonKind::text) ? quote(value.text()) : value.description();
}

std::string joined(std::span<const std::string_view> words) {
  std::string out;
  for (const std::string_view word : words) {
    if (!out.empty()) out += ' ';
    out += word;
  }
  return out;
}

bool is_name(std::string_view text) {
  if (text.empty() || text.size() > kNameBytesMax || !is_letter_or_digit(text.front())) return false;
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return is_letter_or_digit(c) || c == '.' || c == '_' || c == '-'; });
}

Section::Section(TopologyReading& reading, std::optional<JsonValue> value, std::string pointer)
    : reading_(reading), value_(value), pointer_(std::move(pointer)) {
  if (value_ && !value_->is(JsonKind::object)) {
    reading_.out.error(value_->offset(), pointer_, "expected an object {...}, not " + shown(*value_));
    value_.reset();
  }
}

std::optional<JsonValue> Section::find(std::string_view name) const {
  if (!value_) return std::nullopt;
  for (const JsonMember& member : value_->members()) {
    if (member.name == name) return member.value;
  }
  return std::nullopt;
}

std::optional<JsonValue> Section::member(std::string_view name) {
  known_.push_back(name);
  return find(name);
}

std::optional<JsonValue> Section::required(std::string_view name, std::string_view example) {
  const auto value = member(name);
  if (!value && value_) {
    std::string misspelt;
    const std::array<std::string_view, 1> wanted{name};
    for (const JsonMember& other : value_->members()) {
      if (nearest(other.name, wanted)) misspelt = fmt::format(" (is {} meant to be it?)", quote(other.name));
    }
    reading_.out.error(value_->offset(), pointer_,
                       fmt::format("\"{0}\" is missing{1}; write \"{0}\": {2}", name, misspelt, example));
  }
  return value;
}

std::size_t Section::offset_of(std::string_view name) const {
  const auto value = find(name);
  if (value) return value->offset();
  return value_ ? value_->offset() : 0;
}

void Section::error(JsonValue value, std::string_view name, std::string message) {
  reading_.out.error(value.offset(), pointer_to_member(name), std::move(message));
}

std::optional<std::uint64_t> Section::number(std::string_view name, std::uint64_t min, std::uint64_t max,
                                             std::optional<std::uint64_t> default_value, std::string_view why) {
  const auto value = default_value ? member(name) : required(name, std::to_string(min));
  if (!value) {
    if (default_value) reading_.note(pointer_to_member(name), std::to_string(*default_value), std::nullopt);
    return default_value;
  }
  const auto integer = value->integer();
  if (!integer || *integer < 0 || static_cast<std::uint64_t>(*integer) < min ||
      static_cast<std::uint64_t>(*integer) > max) {
    error(*value, name, "expected " + range(min, max) + std::string(why) + ", not " + shown(*value));
    return std::nullopt;
  }
  reading_.note(pointer_to_member(name), std::to_string(*integer), value);
  return static_cast<std::uint64_t>(*integer);
}

std::optional<std::uint64_t> Section::size(std::string_view name, std::uint64_t min, std::uint64_t max,
                                           std::uint64_t default_value) {
  const auto value = member(name);
  if (!value) {
    reading_.note(pointer_to_member(name), size_to_text(default_value), std::nullopt);
    return default_value;
  }
  std::optional<std::uint64_t> bytes;
  if (value->is(JsonKind::text)) {
    bytes = parse_size(value->text());
  } else if (const auto integer = value->integer(); integer && *integer >= 0) {
    bytes = static_cast<std::uint64_t>(*integer);
  }
  if (!bytes || *bytes < min || *bytes > max) {
    error(*value, name,
          "expected a size from " + size_to_text(min) + " to " + size_to_text(max) +
              " as a number of bytes or such as \"64KiB\", not " + shown(*value));
    return std::nullopt;
  }
  reading_.note(pointer_to_member(name), size_to_text(*bytes), value);
  return bytes;
}

std::optional<core::Duration> Section::duration(std::string_view name, core::Duration min, core::Duration max,
                                                core::Duration default_value) {
  const auto value = member(name);
  if (!value) {
    reading_.note(pointer_to_member(name), to_text(default_value), std::nullopt);
    return default_value;
  }
  const auto duration = value->is(JsonKind::text) ? parse_duration(value->text()) : std::nullopt;
  if (!duration || *duration < min || *duration > max) {
    error(*value, name,
          "expected a duration from " + to_text(min) + " to " + to_text(max) + " such as \"500ms\" or \"1.5s\", not " +
              shown(*value));
    return std::nullopt;
  }
  reading_.note(pointer_to_member(name), to_text(*duration), value);
  return duration;
}

std::optional<std::size_t> Section::word(std::string_view name, std::string_view what,
                                         std::span<const std::string_view> words,
                                         std::optional<std::size_t> default_index) {
  const auto value = default_index ? member(name) : required(name, quote(words.front()));
  if (!value) {
    if (default_index) reading_.note(pointer_to_member(name), std::string(words[*default_index]), std::nullopt);
    return default_index;
  }
  const std::string list = fmt::format(" ({}s: {})", what, joined(words));
  if (!value->is(JsonKind::text)) {
    error(*value, name, "expected a " + std::string(what) + " in double quotes, not " + shown(*value) + list);
    return std::nullopt;
  }
  const auto found = std::find(words.begin(), words.end(), value->text());
  if (found == words.end()) {
    error(*value, name,
          "unknown " + std::string(what) + " " + quote(value->text()) + did_you_mean(value->text(), words) + list);
    return std::nullopt;
  }
  reading_.note(pointer_to_member(name), std::string(*found), value);
  return static_cast<std::size_t>(found - words.begin());
}

void Section::finish() {
  if (!value_) return;
  for (const JsonMember& member : value_->members()) {
    if (member.name.starts_with("x-")) continue;
    if (std::find(known_.begin(), known_.end(), member.name) != known_.end()) continue;
    if (reading_.out.full()) {
      reading_.out.omit(1);
      continue;
    }
    reading_.out.error(
        member.name_offset, pointer_to_member(member.name),
        "unknown key " + quote(member.name) + did_you_mean(member.name, known_) + " (keys: " + joined(known_) + ")");
  }
}

}  // namespace taskgraph::config
