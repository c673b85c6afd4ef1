/// From text to JsonDocument: RapidJSON's iterative reader, and what it lets pass that we do not.
#include "host/config/json_library.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <system_error>

#include "host/config/json_document.hpp"
#include "host/config/words.hpp"

namespace taskgraph::config {
namespace {

/// RapidJSON's stream over a text without NUL bytes; a NUL is the end to the library.
class TextStream {
 public:
  using Ch = char;
  explicit TextStream(std::string_view text) : text_(text) {}
  Ch Peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  Ch Take() { return at_ < text_.size() ? text_[at_++] : '\0'; }
  std::size_t Tell() const { return at_; }
  // For in-situ parsing only, which we do not ask for.
  Ch* PutBegin() { return nullptr; }
  void Put(Ch) {}
  void Flush() {}
  std::size_t PutEnd(Ch*) { return 0; }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

bool is_number_character(char c) {
  return (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.' || c == 'e' || c == 'E';
}

std::string at(const Position& position) {
  return "line " + std::to_string(position.line) + ", column " + std::to_string(position.column);
}

}  // namespace

/// Takes RapidJSON's events and appends nodes. The names of its functions are the library's.
class JsonBuilder {
 public:
  JsonBuilder(const TextStream& stream, Diagnostics& out, JsonDocument& document)
      : stream_(stream), out_(out), document_(document), source_(out.source().text()) {}

  bool Null() { return leaf(JsonKind::null, stream_.Tell() - 4, 0); }
  bool Bool(bool value) { return leaf(JsonKind::boolean, stream_.Tell() - (value ? 4 : 5), value ? 1 : 0); }
  bool RawNumber(const char*, rapidjson::SizeType, bool) {
    // The library hands over its own reading of the digits; the text is what counts.
    const std::size_t end = stream_.Tell();
    std::size_t start = end;
    while (start > 0 && is_number_character(source_[start - 1])) --start;
    begin_value();
    add({narrow(start), narrow(start), narrow(end - start), JsonKind::number, false});
    check_number(source_.substr(start, end - start), start);
    return true;
  }
  bool String(const char* data, rapidjson::SizeType size, bool) {
    begin_value();
    add_text({data, size});
    return true;
  }
  bool Key(const char* data, rapidjson::SizeType size, bool) {
    frames_.back().name = narrow(document_.nodes_.size());
    frames_.back().name_is_open = true;
    add_text({data, size});
    return true;
  }
  bool StartObject() { return open(JsonKind::object); }
  bool StartArray() { return open(JsonKind::array); }
  bool EndObject(rapidjson::SizeType size) {
    check_duplicates();
    return close(size);
  }
  bool EndArray(rapidjson::SizeType size) { return close(size); }
  // Never called, as numbers come raw.
  bool Int(int) { return false; }
  bool Uint(unsigned) { return false; }
  bool Int64(std::int64_t) { return false; }
  bool Uint64(std::uint64_t) { return false; }
  bool Double(double) { return false; }

  /// Of the value that is being read.
  std::string pointer() const {
    std::string out;
    for (const Frame& frame : frames_) {
      const bool is_object = document_.nodes_[frame.node].kind == JsonKind::object;
      if (is_object && frame.name != 0 && (frame.name_is_open || &frame != &frames_.back())) {
        out = pointer_to(out, document_.text_of(document_.nodes_[frame.name]));
      } else if (!is_object) {
        out = pointer_to(out, frame.begun == 0 ? 0 : frame.begun - (&frame == &frames_.back() ? 0U : 1U));
      }
    }
    return out;
  }

 private:
  struct Frame {
    std::uint32_t node;
    std::uint32_t name = 0;     ///< node of the name read last; 0: none yet
    std::uint32_t begun = 0;    ///< values begun
    bool name_is_open = false;  ///< its value has not begun
  };

  static std::uint32_t narrow(std::size_t size) { return static_cast<std::uint32_t>(size); }
  void add(JsonDocument::Node node) { document_.nodes_.push_back(node); }

  void begin_value() {
    if (frames_.empty()) return;
    ++frames_.back().begun;
    frames_.back().name_is_open = false;
  }

  bool leaf(JsonKind kind, std::size_t offset, std::uint32_t value) {
    begin_value();
    add({narrow(offset), 0, value, kind, false});
    return true;
  }

  void add_text(std::string_view text) {
    // Inside a string each quote has a backslash before it; the opening one never has.
    const std::size_t end = stream_.Tell() - 1;
    std::size_t start = end - 1;
    while (source_[start] != '"' || (start > 0 && source_[start - 1] == '\\')) --start;
    const bool as_written = end - start - 1 == text.size();
    JsonDocument::Node node{narrow(start), narrow(start + 1), narrow(text.size()), JsonKind::text, !as_written};
    if (!as_written) {
      node.first = narrow(document_.pool_.size());
      document_.pool_ += text;
    }
    add(node);
    if (!as_written) check_surrogates(text, start);
    if (text.size() > kJsonStringBytesMax) {
      out_.error(start, pointer_of_last(),
                 "a string of " + std::to_string(text.size()) + " bytes; at most " +
                     std::to_string(kJsonStringBytesMax) + " are taken; put the data into a file of its own");
    }
  }

  /// The library lets a lone low surrogate (\udc00) pass.
  void check_surrogates(std::string_view text, std::size_t offset) {
    while (!text.empty()) {
      const std::size_t size = utf8_sequence(text);
      if (size == 0) {
        out_.error(offset, pointer_of_last(),
                   "a lone surrogate in this string; \\ud800 to \\udfff come in pairs, the high one first");
        return;
      }
      text.remove_prefix(size);
    }
  }

  void check_number(std::string_view literal, std::size_t offset) {
    const bool is_real = literal.find_first_of(".eE") != std::string_view::npos;
    if (!is_real) {
      std::int64_t value = 0;
      const auto [end, error] = std::from_chars(literal.data(), literal.data() + literal.size(), value);
      if (error == std::errc{} && value >= -kJsonIntegerMax && value <= kJsonIntegerMax) return;
      out_.error(offset, pointer_of_last(),
                 "integer " + quote(literal) + " is beyond 2^53, where doubles have gaps; write it as a string");
      return;
    }
    double value = 0;
    const auto [end, error] = std::from_chars(literal.data(), literal.data() + literal.size(), value);
    if (error != std::errc{}) {
      out_.error(offset, pointer_of_last(),
                 "number " + quote(literal) + " is beyond what a double holds (about 2.3e-308 to 1.7e308)");
    }
  }

  /// Of the value whose node was added last: its element or member has begun, or it is a name.
  std::string pointer_of_last() const {
    std::string out;
    for (const Frame& frame : frames_) {
      if (document_.nodes_[frame.node].kind == JsonKind::object) {
        out = pointer_to(out, document_.text_of(document_.nodes_[frame.name]));
      } else {
        out = pointer_to(out, frame.begun - 1U);
      }
    }
    return out;
  }

  bool open(JsonKind kind) {
    if (frames_.size() >= kJsonDepthMax) {
      out_.error(stream_.Tell(), {}, "nested more than " + std::to_string(kJsonDepthMax) + " deep");
      return false;
    }
    begin_value();
    frames_.push_back({narrow(document_.nodes_.size())});
    add({narrow(stream_.Tell()), 0, 0, kind, false});
    return true;
  }

  bool close(std::size_t size) {
    JsonDocument::Node& node = document_.nodes_[frames_.back().node];
    node.first = narrow(document_.nodes_.size());
    node.size = narrow(size);
    frames_.pop_back();
    return true;
  }

  /// By sorting, so that no choice of names makes it slow.
  void check_duplicates() {
    const std::uint32_t object = frames_.back().node;
    names_.clear();
    for (std::uint32_t i = object + 1; i < document_.nodes_.size(); i = document_.after(i + 1)) names_.push_back(i);
    if (names_.size() < 2) return;
    const auto text = [&](std::uint32_t name) { return document_.text_of(document_.nodes_[name]); };
    std::sort(names_.begin(), names_.end(), [&](std::uint32_t a, std::uint32_t b) {
      const int order = text(a).compare(text(b));
      return order != 0 ? order < 0 : a < b;
    });
    std::size_t first = 0;
    for (std::size_t i = 1; i < names_.size(); ++i) {
      if (text(names_[i]) != text(names_[first])) {
        first = i;
        continue;
      }
      if (out_.full()) {
        out_.omit(1);
        continue;
      }
      const Position place = out_.source().position(document_.nodes_[names_[first]].offset);
      Frame& frame = frames_.back();
      frame.name = names_[i];
      out_.error(document_.nodes_[names_[i]].offset, pointer_of_last(),
                 "name " + quote(text(names_[i])) + " again; it stands at " + at(place) + " already; remove one");
    }
  }

  const TextStream& stream_;
  Diagnostics& out_;
  JsonDocument& document_;
  std::string_view source_;
  std::vector<Frame> frames_;         ///< at most kJsonDepthMax
  std::vector<std::uint32_t> names_;  ///< of the object that ends
};

namespace {

std::string_view meaning(rapidjson::ParseErrorCode code) {
  switch (code) {
    case rapidjson::kParseErrorDocumentEmpty:
      return "no JSON here: the file is empty";
    case rapidjson::kParseErrorDocumentRootNotSingular:
      return "more text after the end of the document; a file holds one";
    case rapidjson::kParseErrorObjectMissName:
      return "expected a name in double quotes";
    case rapidjson::kParseErrorObjectMissColon:
      return "expected a colon after the name";
    case rapidjson::kParseErrorObjectMissCommaOrCurlyBracket:
      return "expected a comma or } here";
    case rapidjson::kParseErrorArrayMissCommaOrSquareBracket:
      return "expected a comma or ] here";
    case rapidjson::kParseErrorStringUnicodeEscapeInvalidHex:
      return "\\u needs four hexadecimal digits";
    case rapidjson::kParseErrorStringUnicodeSurrogateInvalid:
      return "a lone surrogate; \\ud800 to \\udfff come in pairs, the high one first";
    case rapidjson::kParseErrorStringEscapeInvalid:
      return "no valid escape in a string; write \\n, \\t, \\\" or \\u and four hexadecimal digits";
    case rapidjson::kParseErrorStringMissQuotationMark:
      return "the file ends inside a string; a double quote is missing";
    case rapidjson::kParseErrorStringInvalidEncoding:
      return "not UTF-8";
    case rapidjson::kParseErrorNumberTooBig:
      return "this number is beyond what a double holds";
    case rapidjson::kParseErrorNumberMissFraction:
      return "expected a digit after the decimal point";
    case rapidjson::kParseErrorNumberMissExponent:
      return "expected a digit in the exponent";
    case rapidjson::kParseErrorUnspecificSyntaxError:
      return "a comment that does not end, or a lone /";
    default:
      return "expected a value: a string, a number, true, false, null, [ or {";
  }
}

/// What the library's code means at this place of the text.
std::string explain(rapidjson::ParseErrorCode code, std::string_view text, std::size_t offset) {
  const bool at_end = offset >= text.size();
  const bool wants_more = code == rapidjson::kParseErrorValueInvalid || code == rapidjson::kParseErrorObjectMissName;
  if (at_end && code != rapidjson::kParseErrorDocumentEmpty && code != rapidjson::kParseErrorUnspecificSyntaxError &&
      code != rapidjson::kParseErrorStringMissQuotationMark) {
    return "the file ends too early: " + std::string(meaning(code));
  }
  if (wants_more && !at_end && (text[offset] == ']' || text[offset] == '}')) {
    const std::size_t before = text.find_last_not_of(" \t\r\n", offset == 0 ? 0 : offset - 1);
    if (before != std::string_view::npos && text[before] == ',') return "a comma before the end; remove it";
  }
  if (code == rapidjson::kParseErrorStringEscapeInvalid && !at_end && text[offset] != '\\') {
    return "a raw line end or control character in a string; close the string or write \\n, \\t or \\u00XX";
  }
  if (code == rapidjson::kParseErrorObjectMissName && !at_end && text[offset] == '\'') {
    return "expected a name in double quotes, not single ones";
  }
  return std::string(meaning(code));
}

/// What must be right of every byte, in comments, too; the first fault is enough.
bool check_bytes(std::string_view text, Diagnostics& out) {
  if (text.size() > kJsonBytesMax) {
    out.error(0, {}, "longer than " + std::to_string(kJsonBytesMax) + " bytes (16 MiB)");
    return false;
  }
  if (text.starts_with("\xef\xbb\xbf")) {
    out.error(0, {}, "begins with a byte order mark; save it as UTF-8 without one");
    return false;
  }
  if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff")) {
    out.error(0, {}, "is UTF-16; save it as UTF-8");
    return false;
  }
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t size = text[i] == '\0' ? 0 : utf8_sequence(text.substr(i));
    if (size == 0) {
      out.error(i, {},
                text[i] == '\0' ? "a NUL byte; the file is no text" : "not UTF-8: byte " + quote(text.substr(i, 1)));
      return false;
    }
    i += size;
  }
  return true;
}

}  // namespace

std::optional<JsonDocument> JsonDocument::parse(Diagnostics& out) {
  constexpr unsigned kFlags = rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag |
                              rapidjson::kParseCommentsFlag | rapidjson::kParseFullPrecisionFlag |
                              rapidjson::kParseNumbersAsStringsFlag;
  const std::string_view text = out.source().text();
  if (!check_bytes(text, out)) return std::nullopt;
  JsonDocument document;
  document.source_ = text;
  TextStream stream(text);
  JsonBuilder builder(stream, out, document);
  try {
    rapidjson::Reader reader;
    const rapidjson::ParseResult parsed = reader.Parse<kFlags>(stream, builder);
    if (!parsed.IsError()) return document;
    if (parsed.Code() != rapidjson::kParseErrorTermination) {
      out.error(parsed.Offset(), builder.pointer(), explain(parsed.Code(), text, parsed.Offset()));
    }
  } catch (const JsonLibraryError& error) {
    out.error(stream.Tell(), {}, std::string("the JSON library gave up here: ") + error.what());
  }
  return std::nullopt;
}

}  // namespace taskgraph::config
