/// Reading one object of the topology file: members by name, each checked and noted with its origin, and an error with
/// a suggestion for whatever is left over. Private to the readers of the file's parts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "host/config/diagnostic.hpp"
#include "host/config/json_document.hpp"
#include "host/config/print_config.hpp"
#include "host/core/ids.hpp"

namespace taskgraph::config {

/// What the readers of one file share.
struct TopologyReading {
  Diagnostics& out;
  std::vector<ConfigValue> values;

  /// Notes an effective value; `written` nothing: a default.
  void note(std::string_view pointer, std::string value, std::optional<JsonValue> written);
};

/// A value as messages show it.
std::string shown(JsonValue value);
/// "a b c"
std::string joined(std::span<const std::string_view> words);
/// `[A-Za-z0-9][A-Za-z0-9._-]{0,63}`, and the words for it.
bool is_name(std::string_view text);
inline constexpr std::string_view kNameRule = "1 to 64 of A-Z a-z 0-9 . _ - and a letter or digit in front";

class Section {
 public:
  /// A `value` that is no object is an error; then, and without one, all members are absent.
  Section(TopologyReading& reading, std::optional<JsonValue> value, std::string pointer);

  /// Registers the name and gives its value, if there is one.
  std::optional<JsonValue> member(std::string_view name);
  /// The same; absence is an error, unless the section is no object anyway. `example` is what to write.
  std::optional<JsonValue> required(std::string_view name, std::string_view example);

  /// The readers below note the effective value. Nothing: an error has been reported. `why` follows the range in it.
  std::optional<std::uint64_t> number(std::string_view name, std::uint64_t min, std::uint64_t max,
                                      std::optional<std::uint64_t> default_value, std::string_view why = {});
  std::optional<std::uint64_t> size(std::string_view name, std::uint64_t min, std::uint64_t max,
                                    std::uint64_t default_value);
  std::optional<core::Duration> duration(std::string_view name, core::Duration min, core::Duration max,
                                         core::Duration default_value);
  /// Index of the word; `what` is what the words are ("role").
  std::optional<std::size_t> word(std::string_view name, std::string_view what, std::span<const std::string_view> words,
                                  std::optional<std::size_t> default_index);

  /// Reports members that were not asked for, but for x-*.
  void finish();

  std::string pointer_to_member(std::string_view name) const { return pointer_to(pointer_, name); }
  const std::string& pointer() const { return pointer_; }
  /// Of the member's value, else of the section.
  std::size_t offset_of(std::string_view name) const;
  TopologyReading& reading() { return reading_; }
  void error(JsonValue value, std::string_view name, std::string message);

 private:
  std::optional<JsonValue> find(std::string_view name) const;

  TopologyReading& reading_;
  std::optional<JsonValue> value_;
  std::string pointer_;
  std::vector<std::string_view> known_;  ///< literals, or names of the shapes' list
};

}  // namespace taskgraph::config
