#include "host/http/response.hpp"

#include <algorithm>
#include <charconv>

#include "host/core/assert.hpp"

namespace taskgraph::http {
namespace {

void append_number(std::string& out, std::size_t number) {
  char digits[20];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, number).ptr);
}

/// What could end a line would let a value write fields of its own.
bool is_field_text(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  TG_ASSERT(is_field_text(name) && is_field_text(value));
  out.append(name).append(": ").append(value).append("\r\n");
}

std::string json_string(std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string quoted = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte >= 0x7f) {
      quoted.append("\\u00").append({kHex[byte >> 4], kHex[byte & 15]});
    } else {
      if (c == '"' || c == '\\') quoted += '\\';
      quoted += c;
    }
  }
  return quoted + '"';
}

}  // namespace

Response json_response(std::uint16_t status, std::string text) {
  return {status, "application/json", core::Bytes(text), {}};
}

Response error_response(std::uint16_t status, std::string_view message) {
  return json_response(status, "{\"error\": " + json_string(message) + "}\n");
}

std::string_view reason_phrase(std::uint16_t status) {
  switch (status) {
    case 200:
      return "OK";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 206:
      return "Partial Content";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 416:
      return "Range Not Satisfiable";
    case 417:
      return "Expectation Failed";
    case 422:
      return "Unprocessable Content";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "";  // RFC 9112, 4: it may be empty
  }
}

void append_head(std::string& out, const Response& response, bool close) {
  TG_ASSERT(response.status >= 200 && response.status < 600);
  out += "HTTP/1.1 ";
  append_number(out, response.status);
  out += ' ';
  out.append(reason_phrase(response.status)).append("\r\n");
  if (!response.content_type.empty()) append_field(out, "Content-Type", response.content_type);
  for (const auto& [name, value] : response.fields) append_field(out, name, value);
  if (response.status != 204) {
    out += "Content-Length: ";
    append_number(out, response.body.size());
    out += "\r\n";
  }
  if (close) out += "Connection: close\r\n";
  out += "\r\n";
}

}  // namespace taskgraph::http
