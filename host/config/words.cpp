#include "host/config/words.hpp"

#include <algorithm>
#include <array>

namespace taskgraph::config {
namespace {

constexpr std::size_t kWordBytesMax = 64;

void append_escaped(char c, std::string& out) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(c);
  if (c == '\n') {
    out += "\\n";
  } else if (c == '\t') {
    out += "\\t";
  } else if (c == '"' || c == '\\') {
    out += '\\';
    out += c;
  } else {
    out += "\\x";
    out += kDigits[byte >> 4U];
    out += kDigits[byte & 15U];
  }
}

/// C0, DEL and C1: what a terminal takes for commands.
bool is_control(std::string_view sequence) {
  const auto first = static_cast<unsigned char>(sequence[0]);
  if (sequence.size() == 1) return first < 0x20 || first == 0x7f;
  return sequence.size() == 2 && first == 0xc2 && static_cast<unsigned char>(sequence[1]) < 0xa0;
}

/// Appends `text` up to `bytes_max` of it, and returns how much that was.
std::size_t append_printable(std::string_view text, std::size_t bytes_max, bool in_quotes, std::string& out) {
  std::size_t at = 0;
  while (at < text.size() && at < bytes_max) {
    const std::size_t size = utf8_sequence(text.substr(at));
    const std::string_view sequence = text.substr(at, std::max<std::size_t>(size, 1));
    const bool mark = in_quotes && (sequence == "\"" || sequence == "\\");
    if (size == 0 || mark || is_control(sequence)) {
      for (const char c : sequence) append_escaped(c, out);
    } else {
      out += sequence;
    }
    at += sequence.size();
  }
  return at;
}

/// Optimal string alignment distance (Damerau 1964, restricted): three rows of the usual table.
std::size_t distance(std::string_view a, std::string_view b) {
  using Row = std::array<std::size_t, kWordBytesMax + 1>;
  std::array<Row, 3> rows{};
  for (std::size_t j = 0; j <= b.size(); ++j) rows[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    Row& row = rows[i % 3];
    const Row& above = rows[(i - 1) % 3];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, replaced});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], rows[(i - 2) % 3][j - 2] + 1);
    }
  }
  return rows[a.size() % 3][b.size()];
}

}  // namespace

std::size_t utf8_sequence(std::string_view text) {
  if (text.empty()) return 0;
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  std::size_t size = 0;
  unsigned char low = 0x80;
  unsigned char high = 0xbf;
  if (first >= 0xc2 && first <= 0xdf) {
    size = 2;
  } else if (first >= 0xe0 && first <= 0xef) {
    size = 3;
    if (first == 0xe0) low = 0xa0;   // no overlong forms
    if (first == 0xed) high = 0x9f;  // no surrogates
  } else if (first >= 0xf0 && first <= 0xf4) {
    size = 4;
    if (first == 0xf0) low = 0x90;
    if (first == 0xf4) high = 0x8f;  // nothing beyond U+10FFFF
  }
  if (size == 0 || text.size() < size || byte(1) < low || byte(1) > high) return 0;
  for (std::size_t i = 2; i < size; ++i) {
    if (byte(i) < 0x80 || byte(i) > 0xbf) return 0;
  }
  return size;
}

std::string quote(std::string_view text) {
  std::string out = "\"";
  const std::size_t shown = append_printable(text, kQuotedBytesMax, true, out);
  out += '"';
  if (shown < text.size()) out += "... (" + std::to_string(text.size()) + " bytes)";
  return out;
}

std::string printable(std::string_view text) {
  std::string out;
  append_printable(text, text.size(), false, out);
  return out;
}

std::optional<std::string_view> nearest(std::string_view word, std::span<const std::string_view> candidates) {
  if (word.empty() || word.size() > kWordBytesMax) return std::nullopt;
  const std::size_t furthest = std::max<std::size_t>(1, word.size() / 3);
  std::optional<std::string_view> best;
  std::size_t best_distance = furthest + 1;
  for (const std::string_view candidate : candidates) {
    if (candidate.size() > kWordBytesMax) continue;
    const std::size_t d = distance(word, candidate);
    // A word of which nothing is left is no misspelling.
    if (d < best_distance && d < candidate.size()) {
      best = candidate;
      best_distance = d;
    }
  }
  return best;
}

std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates, std::string_view before,
                         std::string_view after) {
  const std::optional<std::string_view> guess = nearest(word, candidates);
  if (!guess) return {};
  return std::string("; did you mean ").append(before).append(*guess).append(after).append("?");
}

}  // namespace taskgraph::config
