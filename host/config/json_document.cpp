#include "host/config/json_document.hpp"

#include <charconv>
#include <cmath>
#include <system_error>

namespace taskgraph::config {

std::string_view JsonDocument::text_of(const Node& node) const {
  return node.in_pool ? std::string_view(pool_).substr(node.first, node.size) : source_.substr(node.first, node.size);
}

std::uint32_t JsonDocument::after(std::uint32_t node) const {
  const Node& n = nodes_[node];
  return n.kind == JsonKind::array || n.kind == JsonKind::object ? n.first : node + 1;
}

JsonKind JsonValue::kind() const {
  return document_->nodes_[node_].kind;
}
std::size_t JsonValue::offset() const {
  return document_->nodes_[node_].offset;
}
std::string_view JsonValue::text() const {
  return document_->text_of(document_->nodes_[node_]);
}
bool JsonValue::boolean() const {
  return document_->nodes_[node_].size != 0;
}
std::size_t JsonValue::size() const {
  return document_->nodes_[node_].size;
}

double JsonValue::number() const {
  double value = 0;
  const std::string_view literal = text();
  std::from_chars(literal.data(), literal.data() + literal.size(), value);
  return value;
}

std::optional<std::int64_t> JsonValue::integer() const {
  if (!is(JsonKind::number)) return std::nullopt;
  const std::string_view literal = text();
  std::int64_t whole = 0;
  const auto [end, error] = std::from_chars(literal.data(), literal.data() + literal.size(), whole);
  if (error == std::errc{} && end == literal.data() + literal.size()) {
    return whole >= -kJsonIntegerMax && whole <= kJsonIntegerMax ? std::optional(whole) : std::nullopt;
  }
  const double value = number();
  constexpr auto kMax = static_cast<double>(kJsonIntegerMax);
  if (!(value >= -kMax && value <= kMax) || value != std::trunc(value)) return std::nullopt;
  return static_cast<std::int64_t>(value);
}

JsonElements JsonValue::elements() const {
  if (!is(JsonKind::array)) return {document_, node_, node_};
  return {document_, node_ + 1, document_->after(node_)};
}

JsonMembers JsonValue::members() const {
  if (!is(JsonKind::object)) return {document_, node_, node_};
  return {document_, node_ + 1, document_->after(node_)};
}

std::string JsonValue::description() const {
  switch (kind()) {
    case JsonKind::null:
      return "null";
    case JsonKind::boolean:
      return boolean() ? "true" : "false";
    case JsonKind::number:
      return text().size() <= 24 ? std::string(text()) : "a number of " + std::to_string(text().size()) + " digits";
    case JsonKind::text:
      return "a string";
    case JsonKind::array:
      return "a list";
    case JsonKind::object:
      return "an object";
  }
  return {};
}

JsonElements::Iterator& JsonElements::Iterator::operator++() {
  node_ = document_->after(node_);
  return *this;
}

JsonMembers::Iterator& JsonMembers::Iterator::operator++() {
  node_ = document_->after(node_ + 1);
  return *this;
}

JsonMember JsonMembers::Iterator::operator*() const {
  const JsonDocument::Node& name = document_->nodes_[node_];
  return {document_->text_of(name), name.offset, {document_, node_ + 1}};
}

}  // namespace taskgraph::config
