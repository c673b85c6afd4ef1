/// The fixed table of routes of one listener.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "host/http/request.hpp"
#include "host/http/responder.hpp"

namespace taskgraph::http {

/// Called on the connection's strand, so one connection's requests come in order and those of several in parallel. Must
/// not block and not throw; answers now or later.
using Handler = std::function<void(Request, Responder)>;

enum class Access { token, open };

struct Route {
  Method method = Method::get;  ///< get answers HEAD, too, by the same handler; its body is left out
  /// "/v1/jobs/{job}/tasks/{task}": each segment is literal text or an id of [A-Za-z0-9._-]{1,128}; at most
  /// kPathIdsMax.
  std::string pattern;
  Handler handler;
  Access access = Access::token;
  std::size_t body_bytes_max = SIZE_MAX;  ///< if that is less than the listener's limit
};

inline constexpr std::size_t kIdBytesMax = 128;
/// [A-Za-z0-9._-]{1,128}, but neither "." nor "..": clients and proxies resolve these away.
bool is_id(std::string_view text);

/// Pure, constant after construction: any thread.
class Router {
 public:
  /// A bad pattern, a missing handler, or two routes that one request could mean, are bugs of ours: asserted.
  explicit Router(std::vector<Route> routes);

  struct Found {
    const Route* route;
    std::array<Request::PathId, kPathIdsMax> ids;
  };
  struct NotFound {};
  struct BadId {
    std::string_view name;  ///< of the pattern's id, without braces
  };
  struct MethodNotAllowed {
    std::string allow;  ///< "GET, HEAD, POST"
  };
  using Outcome = std::variant<NotFound, BadId, MethodNotAllowed, Found>;

  /// `path` as it was sent: nothing is decoded, so an escaped byte is never part of an id and matches no literal.
  Outcome find(Method method, std::string_view path) const;

 private:
  struct Segment {
    std::string text;  ///< literal, or the id's name
    bool is_id;
  };
  struct Entry {
    Route route;
    std::vector<Segment> segments;
  };
  struct Match {
    bool matches = false;
    const Segment* bad_id = nullptr;
    std::array<Request::PathId, kPathIdsMax> ids{};
  };

  static std::vector<Segment> segments_of(std::string_view pattern);
  static bool overlap(const Entry& a, const Entry& b);
  static Match match(const Entry& entry, std::string_view path);

  std::vector<Entry> entries_;
};

}  // namespace taskgraph::http
