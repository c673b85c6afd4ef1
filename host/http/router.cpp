#include "host/http/router.hpp"

#include <algorithm>
#include <utility>

#include "host/core/assert.hpp"

namespace taskgraph::http {
namespace {

/// Up to the next "/", which it takes along.
std::string_view next_segment(std::string_view& rest) {
  const std::size_t end = std::min(rest.find('/'), rest.size());
  const std::string_view segment = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return segment;
}

bool answers(Method route, Method request) {
  return route == request || (route == Method::get && request == Method::head);
}

}  // namespace

bool is_id(std::string_view text) {
  if (text.empty() || text.size() > kIdBytesMax || text == "." || text == "..") return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  });
}

Router::Router(std::vector<Route> routes) {
  for (Route& route : routes) {
    TG_ASSERT(route.handler != nullptr && route.method != Method::other && route.method != Method::head);
    Entry entry{std::move(route), {}};
    entry.segments = segments_of(entry.route.pattern);
    for (const Entry& other : entries_) TG_ASSERT(other.route.method != entry.route.method || !overlap(other, entry));
    entries_.push_back(std::move(entry));
  }
}

std::vector<Router::Segment> Router::segments_of(std::string_view pattern) {
  TG_ASSERT(pattern.starts_with('/') && (pattern.size() == 1 || !pattern.ends_with('/')));
  std::vector<Segment> segments;
  std::size_t ids = 0;
  std::string_view rest = pattern.substr(1);
  while (!rest.empty()) {
    const std::string_view text = next_segment(rest);
    const bool id = text.starts_with('{') && text.ends_with('}');
    const std::string_view name = id ? text.substr(1, text.size() - 2) : text;
    TG_ASSERT(is_id(name));  // so that no literal needs an escape
    ids += id ? 1 : 0;
    segments.push_back({std::string(name), id});
  }
  TG_ASSERT(ids <= kPathIdsMax);
  return segments;
}

/// Some path matches both.
bool Router::overlap(const Entry& a, const Entry& b) {
  return std::equal(a.segments.begin(), a.segments.end(), b.segments.begin(), b.segments.end(),
                    [](const Segment& x, const Segment& y) { return x.is_id || y.is_id || x.text == y.text; });
}

Router::Match Router::match(const Entry& entry, std::string_view path) {
  Match match;
  if (!path.starts_with('/')) return match;
  std::string_view rest = path.substr(1);
  std::size_t ids = 0;
  bool more = !rest.empty();
  for (const Segment& segment : entry.segments) {
    if (!more) return match;
    more = rest.find('/') != std::string_view::npos;
    const std::string_view text = next_segment(rest);
    if (!segment.is_id) {
      if (text != segment.text) return match;
      continue;
    }
    if (!is_id(text)) {
      if (match.bad_id == nullptr) match.bad_id = &segment;
      continue;
    }
    match.ids[ids++] = {static_cast<std::uint16_t>(text.data() - path.data()), static_cast<std::uint16_t>(text.size())};
  }
  match.matches = !more;
  return match;
}

Router::Outcome Router::find(Method method, std::string_view path) const {
  if (path.size() > UINT16_MAX) return NotFound{};
  const Segment* bad_id = nullptr;
  std::string allow;
  for (const Entry& entry : entries_) {
    const Match found = match(entry, path);
    if (!found.matches) continue;
    if (found.bad_id != nullptr) {
      bad_id = found.bad_id;
      continue;
    }
    if (answers(entry.route.method, method)) return Found{&entry.route, found.ids};
    allow.append(allow.empty() ? "" : ", ").append(name_of(entry.route.method));
    if (entry.route.method == Method::get) allow += ", HEAD";
  }
  if (!allow.empty()) return MethodNotAllowed{std::move(allow)};
  if (bad_id != nullptr) return BadId{bad_id->text};
  return NotFound{};
}

}  // namespace taskgraph::http
