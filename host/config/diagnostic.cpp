#include "host/config/diagnostic.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "host/config/words.hpp"

namespace taskgraph::config {
namespace {

/// `text` as `quoted` shows it, without the quotes.
std::string shown(std::string_view text) {
  std::string out = quote(text);
  out.erase(out.rfind('"'), 1);
  out.erase(0, 1);
  return out;
}

std::vector<Diagnostic> sorted(std::vector<Diagnostic>& diagnostics) {
  std::stable_sort(diagnostics.begin(), diagnostics.end(), [](const Diagnostic& a, const Diagnostic& b) {
    return std::pair(a.position.line, a.position.column) < std::pair(b.position.line, b.position.column);
  });
  return std::move(diagnostics);
}

}  // namespace

std::string to_text(const Diagnostic& diagnostic) {
  std::string out = printable(diagnostic.file);
  if (diagnostic.position.line != 0) {
    out += fmt::format(":{}:{}", diagnostic.position.line, diagnostic.position.column);
  }
  out += ": ";
  if (!diagnostic.pointer.empty()) out += shown(diagnostic.pointer) + ": ";
  if (diagnostic.severity == Severity::warning) out += "warning: ";
  return out + diagnostic.message;
}

std::string pointer_to(std::string_view pointer, std::string_view name) {
  std::string out(pointer);
  out += '/';
  for (const char c : name) {
    if (c == '~') {
      out += "~0";
    } else if (c == '/') {
      out += "~1";
    } else {
      out += c;
    }
  }
  return out;
}

std::string pointer_to(std::string_view pointer, std::size_t index) {
  return std::string(pointer) + "/" + std::to_string(index);
}

std::uint32_t SourceText::line(std::size_t offset) const {
  if (line_starts_.empty()) {
    line_starts_.push_back(0);
    for (std::size_t at = text_.find('\n'); at != std::string::npos; at = text_.find('\n', at + 1)) {
      line_starts_.push_back(static_cast<std::uint32_t>(at + 1));
    }
  }
  const auto after = std::upper_bound(line_starts_.begin(), line_starts_.end(), offset);
  return static_cast<std::uint32_t>(after - line_starts_.begin());
}

Position SourceText::position(std::size_t offset) const {
  offset = std::min(offset, text_.size());
  const std::uint32_t number = line(offset);
  const auto is_character = [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; };
  const auto start = text_.begin() + line_starts_[number - 1];
  const auto before = std::count_if(start, text_.begin() + static_cast<std::ptrdiff_t>(offset), is_character);
  return {number, static_cast<std::uint32_t>(before) + 1};
}

Diagnostic Diagnostics::make(Severity severity, std::size_t offset, std::string pointer, std::string message) const {
  return {severity, source_->name(), source_->position(offset), std::move(pointer), std::move(message)};
}

void Diagnostics::error(std::size_t offset, std::string pointer, std::string message) {
  if (full()) {
    ++omitted_;
    return;
  }
  errors_.push_back(make(Severity::error, offset, std::move(pointer), std::move(message)));
}

void Diagnostics::warning(std::size_t offset, std::string pointer, std::string message) {
  if (warnings_.size() >= kDiagnosticsMax) return;
  warnings_.push_back(make(Severity::warning, offset, std::move(pointer), std::move(message)));
}

std::vector<Diagnostic> Diagnostics::take_errors() {
  return sorted(errors_);
}
std::vector<Diagnostic> Diagnostics::take_warnings() {
  return sorted(warnings_);
}

}  // namespace taskgraph::config
