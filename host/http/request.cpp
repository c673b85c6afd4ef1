#include "host/http/request.hpp"

namespace taskgraph::http {
namespace {

constexpr char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

}  // namespace

std::string_view name_of(Method method) {
  switch (method) {
    case Method::get:
      return "GET";
    case Method::head:
      return "HEAD";
    case Method::post:
      return "POST";
    case Method::put:
      return "PUT";
    case Method::del:
      return "DELETE";
    case Method::other:
      break;
  }
  return "?";
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

const RequestHead::Field* RequestHead::find(std::string_view name) const {
  for (const Field& field : fields_) {
    if (equal_ignoring_case(view(field.name), name)) return &field;
  }
  return nullptr;
}

std::string_view RequestHead::field(std::string_view name) const {
  const Field* found = find(name);
  return found == nullptr ? std::string_view{} : view(found->value);
}

bool RequestHead::has_field(std::string_view name) const {
  return find(name) != nullptr;
}

}  // namespace taskgraph::http
