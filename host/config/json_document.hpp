/// A JSON text as a tree whose every value knows where it stands in the file.
///
/// Comments (`//` and `/* */`) are allowed, and nothing else beyond RFC 8259. Refused although the grammar allows them:
/// duplicate names, nesting beyond kJsonDepthMax, strings beyond kJsonStringBytesMax, integers beyond 2^53 and numbers
/// that no double holds, a byte order mark. No input makes the reader recurse, abort or take more memory than 24 times
/// the size of the text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/config/diagnostic.hpp"

namespace taskgraph::config {

inline constexpr std::size_t kJsonDepthMax = 64;
inline constexpr std::size_t kJsonStringBytesMax = std::size_t{64} * 1024;
inline constexpr std::size_t kJsonBytesMax = std::size_t{16} * 1024 * 1024;
/// The largest integer with neighbours that a double tells apart: 2^53.
inline constexpr std::int64_t kJsonIntegerMax = std::int64_t{1} << 53;

enum class JsonKind : std::uint8_t { null, boolean, number, text, array, object };

class JsonDocument;
class JsonMembers;
class JsonElements;

/// One value of a document that outlives it. Cheap to copy.
class JsonValue {
 public:
  JsonKind kind() const;
  bool is(JsonKind kind_wanted) const { return kind() == kind_wanted; }
  /// Of its first byte in the file.
  std::size_t offset() const;
  /// Of a text: unescaped. Of a number: as written.
  std::string_view text() const;
  bool boolean() const;
  double number() const;
  /// Of a number without a fraction, at most kJsonIntegerMax from 0, however it is written (1.0 and 1e0 are 1).
  std::optional<std::int64_t> integer() const;
  /// Members or elements.
  std::size_t size() const;
  JsonElements elements() const;
  JsonMembers members() const;
  /// `"a string"`, `a number` ... for messages.
  std::string description() const;

 private:
  friend class JsonDocument;
  friend class JsonElements;
  friend class JsonMembers;
  JsonValue(const JsonDocument* document, std::uint32_t node) : document_(document), node_(node) {}
  const JsonDocument* document_;
  std::uint32_t node_;
};

struct JsonMember {
  std::string_view name;
  std::size_t name_offset;
  JsonValue value;
};

class JsonDocument {
 public:
  /// Reads the source of `out`, which outlives the document. Nothing when the text is no JSON; what is well-formed but
  /// refused (see above) is in `out`, too, but yields a document, so that more can be found in it.
  static std::optional<JsonDocument> parse(Diagnostics& out);
  JsonDocument(JsonDocument&&) = default;
  JsonDocument& operator=(JsonDocument&&) = default;

  JsonValue root() const { return {this, 0}; }

 private:
  friend class JsonBuilder;
  friend class JsonValue;
  friend class JsonElements;
  friend class JsonMembers;

  /// In the order of the text; a name stands right before its value.
  struct Node {
    std::uint32_t offset;  ///< in the source
    std::uint32_t first;   ///< text: where it begins, in source or pool; container: the node after its last descendant
    std::uint32_t size;    ///< text, number: bytes; container: members or elements; boolean: 0 or 1
    JsonKind kind;
    bool in_pool;
  };

  JsonDocument() = default;
  std::string_view text_of(const Node& node) const;
  std::uint32_t after(std::uint32_t node) const;

  std::string_view source_;
  std::vector<Node> nodes_;
  std::string pool_;  ///< texts that had escapes
};

/// The elements of an array (none of anything else), for a range-for.
class JsonElements {
 public:
  class Iterator {
   public:
    JsonValue operator*() const { return {document_, node_}; }
    Iterator& operator++();
    bool operator!=(const Iterator& other) const { return node_ != other.node_; }

   private:
    friend class JsonElements;
    Iterator(const JsonDocument* document, std::uint32_t node) : document_(document), node_(node) {}
    const JsonDocument* document_;
    std::uint32_t node_;
  };
  Iterator begin() const { return {document_, first_}; }
  Iterator end() const { return {document_, last_}; }

 private:
  friend class JsonValue;
  JsonElements(const JsonDocument* document, std::uint32_t first, std::uint32_t last)
      : document_(document), first_(first), last_(last) {}
  const JsonDocument* document_;
  std::uint32_t first_;
  std::uint32_t last_;
};

/// The members of an object (none of anything else), in the order of the text.
class JsonMembers {
 public:
  class Iterator {
   public:
    JsonMember operator*() const;
    Iterator& operator++();
    bool operator!=(const Iterator& other) const { return node_ != other.node_; }

   private:
    friend class JsonMembers;
    Iterator(const JsonDocument* document, std::uint32_t node) : document_(document), node_(node) {}
    const JsonDocument* document_;
    std::uint32_t node_;
  };
  Iterator begin() const { return {document_, first_}; }
  Iterator end() const { return {document_, last_}; }

 private:
  friend class JsonValue;
  JsonMembers(const JsonDocument* document, std::uint32_t first, std::uint32_t last)
      : document_(document), first_(first), last_(last) {}
  const JsonDocument* document_;
  std::uint32_t first_;
  std::uint32_t last_;
};

}  // namespace taskgraph::config
