/// An answer, before it is bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "host/core/bytes.hpp"

namespace taskgraph::http {

struct Response {
  std::uint16_t status = 200;
  std::string content_type;  ///< empty: no Content-Type
  core::Bytes body;
  /// Beyond Content-Type, Content-Length and Connection, which the server writes. Names and values of printable ASCII.
  std::vector<std::pair<std::string, std::string>> fields;
};

/// {"error": "..."} with that status. `message` is shown to whoever asked: no secrets, no file names.
Response error_response(std::uint16_t status, std::string_view message);
/// A JSON text.
Response json_response(std::uint16_t status, std::string text);

std::string_view reason_phrase(std::uint16_t status);
/// Appends status line and fields, up to the empty line. `close`: the connection ends after this answer.
void append_head(std::string& out, const Response& response, bool close);

}  // namespace taskgraph::http
