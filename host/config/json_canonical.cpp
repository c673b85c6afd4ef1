#include "host/config/json_canonical.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <stdexcept>

#include "host/config/words.hpp"

namespace taskgraph::config {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";

void write_text(std::string_view text, std::string& out) {
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (byte < 0x20) {
      out += "\\u00";
      out += kHexDigits[byte >> 4U];
      out += kHexDigits[byte & 15U];
    } else {
      out += c;
    }
  }
  out += '"';
}

void write_number(JsonValue value, std::string& out) {
  std::array<char, 40> digits{};
  std::to_chars_result written{};
  if (const auto integer = value.integer()) {
    written = std::to_chars(digits.begin(), digits.end(), *integer);
  } else {
    // A large number without fraction must not look like an integer, or it would be refused when read again.
    const double number = value.number();
    const bool is_large = std::abs(number) > static_cast<double>(kJsonIntegerMax);
    written = is_large ? std::to_chars(digits.begin(), digits.end(), number, std::chars_format::scientific)
                       : std::to_chars(digits.begin(), digits.end(), number);
  }
  out.append(digits.begin(), written.ptr);
}

std::vector<JsonMember> sorted_members(JsonValue object) {
  std::vector<JsonMember> members;
  members.reserve(object.size());
  for (const JsonMember& member : object.members()) members.push_back(member);
  std::sort(members.begin(), members.end(), [](const JsonMember& a, const JsonMember& b) { return a.name < b.name; });
  return members;
}

/// Where in a topology file a value stands, as far as it decides about `x-` names.
enum class Place { root, plugin, elsewhere, kept };

Place place_of_member(Place place, std::string_view name) {
  if (place == Place::kept || (place == Place::plugin && name == "args")) return Place::kept;
  return place == Place::root && name == "plugin" ? Place::plugin : Place::elsewhere;
}

// Recursion: at most kJsonDepthMax deep, as the document is.
void write(JsonValue value, Place place, std::string& out) {
  switch (value.kind()) {
    case JsonKind::null:
      out += "null";
      return;
    case JsonKind::boolean:
      out += value.boolean() ? "true" : "false";
      return;
    case JsonKind::number:
      write_number(value, out);
      return;
    case JsonKind::text:
      write_text(value.text(), out);
      return;
    case JsonKind::array: {
      out += '[';
      for (const JsonValue element : value.elements()) {
        if (out.back() != '[') out += ',';
        write(element, place == Place::kept ? place : Place::elsewhere, out);
      }
      out += ']';
      return;
    }
    case JsonKind::object: {
      out += '{';
      for (const JsonMember& member : sorted_members(value)) {
        if (place != Place::kept && member.name.starts_with("x-")) continue;
        if (out.back() != '{') out += ',';
        write_text(member.name, out);
        out += ':';
        write(member.value, place_of_member(place, member.name), out);
      }
      out += '}';
      return;
    }
  }
}

class Comparison {
 public:
  explicit Comparison(std::size_t differences_max) : max_(differences_max) {}

  void compare(JsonValue ours, JsonValue theirs, const std::string& pointer) {
    if (found_.size() >= max_) return;
    if (ours.is(JsonKind::object) && theirs.is(JsonKind::object)) return compare_objects(ours, theirs, pointer);
    if (ours.is(JsonKind::array) && theirs.is(JsonKind::array)) return compare_arrays(ours, theirs, pointer);
    if (ours.kind() != theirs.kind() || canonical_json(ours) != canonical_json(theirs)) add(pointer, &ours, &theirs);
  }
  std::vector<Difference> take() { return std::move(found_); }

 private:
  static std::string shown(const JsonValue* value) {
    if (value == nullptr) return "absent";
    std::string text = canonical_json(*value);
    if (text.size() <= kQuotedBytesMax) return text;
    return value->is(JsonKind::text) ? quote(value->text())
                                     : value->description() + " of " + std::to_string(text.size()) + " bytes";
  }
  void add(const std::string& pointer, const JsonValue* ours, const JsonValue* theirs) {
    if (found_.size() < max_) found_.push_back({pointer, shown(ours), shown(theirs)});
  }

  void compare_objects(JsonValue ours, JsonValue theirs, const std::string& pointer) {
    const auto a = sorted_members(ours);
    const auto b = sorted_members(theirs);
    for (std::size_t i = 0, j = 0; (i < a.size() || j < b.size()) && found_.size() < max_;) {
      if (j == b.size() || (i < a.size() && a[i].name < b[j].name)) {
        add(pointer_to(pointer, a[i].name), &a[i].value, nullptr);
        ++i;
      } else if (i == a.size() || b[j].name < a[i].name) {
        add(pointer_to(pointer, b[j].name), nullptr, &b[j].value);
        ++j;
      } else {
        compare(a[i].value, b[j].value, pointer_to(pointer, a[i].name));
        ++i;
        ++j;
      }
    }
  }

  void compare_arrays(JsonValue ours, JsonValue theirs, const std::string& pointer) {
    const JsonElements a = ours.elements();
    const JsonElements b = theirs.elements();
    auto i = a.begin();
    auto j = b.begin();
    for (std::size_t index = 0; (i != a.end() || j != b.end()) && found_.size() < max_; ++index) {
      const bool has_ours = i != a.end();
      const bool has_theirs = j != b.end();
      if (has_ours && has_theirs) {
        compare(*i, *j, pointer_to(pointer, index));
      } else {
        const JsonValue only = has_ours ? *i : *j;
        add(pointer_to(pointer, index), has_ours ? &only : nullptr, has_ours ? nullptr : &only);
      }
      if (has_ours) ++i;
      if (has_theirs) ++j;
    }
  }

  std::size_t max_;
  std::vector<Difference> found_;
};

}  // namespace

std::string canonical_json(JsonValue value) {
  std::string out;
  write(value, Place::kept, out);
  return out;
}

std::string canonical_topology(JsonValue root) {
  std::string out;
  write(root, Place::root, out);
  return out;
}

std::vector<Difference> differences(std::string_view ours, std::string_view theirs, std::size_t differences_max) {
  if (ours == theirs || differences_max == 0) return {};
  const SourceText our_source("ours", std::string(ours));
  const SourceText their_source("theirs", std::string(theirs));
  Diagnostics our_errors(our_source);
  Diagnostics their_errors(their_source);
  const auto our_document = JsonDocument::parse(our_errors);
  const auto their_document = JsonDocument::parse(their_errors);
  if (!our_document || !their_document) {
    return {{"", our_document ? "a document" : "no JSON", their_document ? "a document" : "no JSON"}};
  }
  Comparison comparison(differences_max);
  comparison.compare(our_document->root(), their_document->root(), {});
  return comparison.take();
}

std::string sha256_hex(std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1) {
    throw std::runtime_error("OpenSSL gives no SHA-256");
  }
  std::string out;
  for (unsigned i = 0; i < size; ++i) {
    out += kHexDigits[digest[i] >> 4U];
    out += kHexDigits[digest[i] & 15U];
  }
  return out;
}

}  // namespace taskgraph::config
