#include "host/http/middleware.hpp"

#include <openssl/crypto.h>

#include <algorithm>
#include <utility>

#include "host/core/assert.hpp"

namespace taskgraph::http {
namespace {

constexpr std::uint16_t kHttpPort = 80;

/// Its time depends on the lengths only; the token's length is no secret.
bool equal_in_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

Response unauthorized(std::string_view challenge, std::string_view message) {
  Response response = error_response(401, message);
  response.fields.emplace_back("WWW-Authenticate", challenge);
  return response;
}

Response refuse(const Router::Outcome& outcome) {
  if (const auto* bad = std::get_if<Router::BadId>(&outcome)) {
    return error_response(400, std::string(bad->name) + " in the path is no id: 1 to 128 of A-Z a-z 0-9 . _ -");
  }
  if (const auto* other = std::get_if<Router::MethodNotAllowed>(&outcome)) {
    Response response = error_response(405, "this path allows " + other->allow);
    response.fields.emplace_back("Allow", other->allow);
    return response;
  }
  return error_response(404, "there is no such path");
}

}  // namespace

bool is_token(std::string_view text) {
  if (text.size() < kTokenBytesMin || text.size() > kTokenBytesMax) return false;
  const std::size_t end = text.find_last_not_of('=');  // padding stands at the end only
  if (end == std::string_view::npos) return false;
  const std::string_view characters = text.substr(0, end + 1);
  return std::all_of(characters.begin(), characters.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           std::string_view("-._~+/").find(c) != std::string_view::npos;
  });
}

Middleware::Middleware(const Router& router, std::uint16_t port, std::string token)

    : router_(router), port_may_be_left_out_(port == kHttpPort), port_(std::to_string(port)), token_(std::move(token)) {
  TG_ASSERT(is_token(token_));
}

std::variant<Router::Found, Middleware::Refusal> Middleware::check(const RequestHead& head) const {
  if (!is_own_host(head.host())) {
    return Refusal{error_response(400, "Host is none of 127.0.0.1, [::1] and localhost with this listener's port"),
                   true};
  }
  Router::Outcome outcome = router_.find(head.method(), head.path());
  Router::Found* const found = std::get_if<Router::Found>(&outcome);
  if (found == nullptr || found->route->access != Access::open) {
    if (auto response = check_token(head)) return Refusal{std::move(*response), false};
  }
  if (found == nullptr) return Refusal{refuse(outcome), false};
  return *found;
}

/// A page of another site that had its name resolved to 127.0.0.1 (DNS rebinding) sends that name.
bool Middleware::is_own_host(std::string_view host) const {
  const std::size_t colon = host.find(':', host.starts_with('[') ? std::min(host.find(']'), host.size()) : 0);
  const std::string_view name = host.substr(0, colon);
  if (name != "127.0.0.1" && name != "[::1]" && !equal_ignoring_case(name, "localhost")) return false;
  if (colon == std::string_view::npos) return port_may_be_left_out_;
  return host.substr(colon + 1) == port_;
}

std::optional<Response> Middleware::check_token(const RequestHead& head) const {
  constexpr std::string_view kScheme = "bearer ";
  const std::string_view value = head.field("authorization");
  if (!equal_ignoring_case(value.substr(0, kScheme.size()), kScheme)) {
    return unauthorized("Bearer realm=\"taskgraph\"", "a bearer token is needed");
  }
  std::string_view given = value.substr(kScheme.size());
  given.remove_prefix(std::min(given.find_first_not_of(' '), given.size()));
  if (equal_in_constant_time(given, token_)) return std::nullopt;
  return unauthorized("Bearer realm=\"taskgraph\", error=\"invalid_token\"", "the bearer token is wrong");
}

}  // namespace taskgraph::http
