/// One text for all JSON texts that mean the same, and where two of them differ.
///
/// Canonical: no blanks, no comments; members sorted by the bytes of their names; strings as UTF-8 with only `"`, `\`
/// and control characters escaped; numbers without a fraction up to 2^53 as integers (1.0, 1e0 and 1 are `1`; -0 is
/// `0`), others as the shortest decimal that reads back as the same double. Strings stay as they are: "1.5s" is not
/// "1500ms".
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "host/config/json_document.hpp"

namespace taskgraph::config {

/// Appends the value of the document as it is.
std::string canonical_json(JsonValue value);

/// Of a topology file: without the members whose names begin with `x-`, but for those within /plugin/args. Defaults are
/// not filled in.
std::string canonical_topology(JsonValue root);

struct Difference {
  std::string pointer;
  std::string ours;  ///< canonical text, cut like a quotation; "absent" when there is no such value
  std::string theirs;
};

/// The first differences of two canonical texts, at most `differences_max`, by pointer; none when they mean the same. A
/// text that is no JSON differs as a whole.
std::vector<Difference> differences(std::string_view ours, std::string_view theirs, std::size_t differences_max);

/// Lower-case hex, 64 digits.
std::string sha256_hex(std::string_view bytes);

}  // namespace taskgraph::config
