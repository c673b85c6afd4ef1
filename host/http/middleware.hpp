/// What every request passes before its handler: the one place, so that no route can forget it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "host/http/request.hpp"
#include "host/http/response.hpp"
#include "host/http/router.hpp"

namespace taskgraph::http {

/// A bearer token's syntax (RFC 6750, 2.1), and long enough not to be guessed.
inline constexpr std::size_t kTokenBytesMin = 16;
inline constexpr std::size_t kTokenBytesMax = 512;
bool is_token(std::string_view text);

/// Pure, constant after construction: any thread. The router must outlive it.
class Middleware {
 public:
  /// `port`: of the listener. `token`: is_token(), or it is a bug of ours; there is no listener without one.
  Middleware(const Router& router, std::uint16_t port, std::string token);

  struct Refusal {
    Response response;
    bool close;  ///< the connection ends, for what comes here is not meant for us
  };
  /// In this order: Host is ours (400), the token is right unless the route is open (401), the route exists (404), its
  /// ids are ids (400), it has this method (405). Nobody without the token learns which routes there are.
  std::variant<Router::Found, Refusal> check(const RequestHead& head) const;

 private:
  bool is_own_host(std::string_view host) const;
  std::optional<Response> check_token(const RequestHead& head) const;

  const Router& router_;
  const bool port_may_be_left_out_;
  const std::string port_;
  const std::string token_;
};

}  // namespace taskgraph::http
