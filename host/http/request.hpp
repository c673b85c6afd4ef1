/// One HTTP request as the handlers get it.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "host/core/bytes.hpp"

namespace taskgraph::http {

enum class Method : std::uint8_t { get, head, post, put, del, other };

/// "GET"; what is `other` has no name here.
std::string_view name_of(Method method);
/// Names of fields and of some values differ in no letter's case.
bool equal_ignoring_case(std::string_view a, std::string_view b);

/// Request line and fields, checked by parse_head(): views into its own copy of the text, valid while it lives.
class RequestHead {
 public:
  Method method() const { return method_; }
  /// Begins with "/"; as it was sent: nothing is decoded or normalised.
  std::string_view path() const { return view(path_); }
  /// What follows "?", or nothing.
  std::string_view query() const { return view(query_); }
  /// The value of Host.
  std::string_view host() const { return view(host_); }
  /// The first field of that name, without the spaces around it; nothing when there is none. Fields that mean
  /// something here occur once; of others only the first is found.
  std::string_view field(std::string_view name) const;
  bool has_field(std::string_view name) const;

  /// Bytes of body that are announced; 0 when it is chunked.
  std::uint64_t content_length() const { return content_length_; }
  bool chunked() const { return chunked_; }
  bool has_body() const { return chunked_ || content_length_ > 0; }
  /// The client waits for 100 (Continue) before it sends the body.
  bool expects_continue() const { return expects_continue_; }
  /// Another request may follow on this connection.
  bool keep_alive() const { return keep_alive_; }

 private:
  friend class HeadParser;
  /// Of text_. Offsets, since moving a string may move its bytes.
  struct Part {
    std::uint32_t begin = 0;
    std::uint32_t size = 0;
  };
  struct Field {
    Part name;
    Part value;
  };

  std::string_view view(Part part) const { return std::string_view(text_).substr(part.begin, part.size); }
  const Field* find(std::string_view name) const;

  std::string text_;
  std::vector<Field> fields_;
  Part path_;
  Part query_;
  Part host_;
  std::uint64_t content_length_ = 0;
  Method method_ = Method::other;
  bool chunked_ = false;
  bool expects_continue_ = false;
  bool keep_alive_ = true;
};

/// Ids that a route found in the path; in the order of its pattern.
inline constexpr std::size_t kPathIdsMax = 4;

struct Request {
  RequestHead head;
  core::Bytes body;
  /// Set by the router: the path's segments that stand for `{...}`, as offsets into head.path().
  struct PathId {
    std::uint16_t begin = 0;
    std::uint16_t size = 0;
  };
  std::array<PathId, kPathIdsMax> path_ids{};

  /// The `index`-th id of the route's pattern, from 0.
  std::string_view id(std::size_t index) const {
    return head.path().substr(path_ids.at(index).begin, path_ids.at(index).size);
  }
};

/// Why a request is refused. Its sender is told, then the connection is closed: what follows cannot be trusted.
struct Rejection {
  std::uint16_t status = 400;
  const char* reason = "";  ///< static text
};

}  // namespace taskgraph::http
