/// What is wrong with a file of the user, and where: collected while it is read, so that one run shows all of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace taskgraph::config {

/// Both count from 1; a column is a character (code point), not a byte. Line 0: the file as a whole.
struct Position {
  std::uint32_t line = 0;
  std::uint32_t column = 0;
  friend bool operator==(const Position&, const Position&) = default;
};

enum class Severity { error, warning };

struct Diagnostic {
  Severity severity = Severity::error;
  std::string file;
  Position position;
  std::string pointer;  ///< JSON pointer (RFC 6901), unescaped for printing; "" is the whole document
  std::string message;
};

/// `FILE:LINE:COL: /pointer: message` in one line without control characters; a warning says so before its message.
std::string to_text(const Diagnostic& diagnostic);

/// Appends a member's name or an element's index to a JSON pointer.
std::string pointer_to(std::string_view pointer, std::string_view name);
std::string pointer_to(std::string_view pointer, std::size_t index);

/// A file's name and text, and where a byte of it stands. Immutable after construction; one thread at a time, as the
/// starts of the lines are found by the first question.
class SourceText {
 public:
  SourceText(std::string name, std::string text) : name_(std::move(name)), text_(std::move(text)) {}
  const std::string& name() const { return name_; }
  std::string_view text() const { return text_; }
  Position position(std::size_t offset) const;
  std::uint32_t line(std::size_t offset) const;

 private:
  std::string name_;
  std::string text_;
  mutable std::vector<std::uint32_t> line_starts_;
};

inline constexpr std::size_t kDiagnosticsMax = 20;

/// Collects at most kDiagnosticsMax errors and as many warnings, and counts the rest.
class Diagnostics {
 public:
  /// `source` outlives it.
  explicit Diagnostics(const SourceText& source) : source_(&source) {}
  void error(std::size_t offset, std::string pointer, std::string message);
  void warning(std::size_t offset, std::string pointer, std::string message);
  bool has_errors() const { return !errors_.empty(); }
  /// More errors are only counted: the caller may save the work of wording them.
  bool full() const { return errors_.size() >= kDiagnosticsMax; }
  void omit(std::size_t errors) { omitted_ += errors; }
  std::size_t omitted() const { return omitted_; }
  const SourceText& source() const { return *source_; }
  /// By position in the file.
  std::vector<Diagnostic> take_errors();
  std::vector<Diagnostic> take_warnings();

 private:
  Diagnostic make(Severity severity, std::size_t offset, std::string pointer, std::string message) const;

  const SourceText* source_;
  std::vector<Diagnostic> errors_;
  std::vector<Diagnostic> warnings_;
  std::size_t omitted_ = 0;
};

}  // namespace taskgraph::config
