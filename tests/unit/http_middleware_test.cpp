#include "host/http/middleware.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/http_reading.hpp"

namespace taskgraph::http {
namespace {

constexpr std::uint16_t kPort = 4711;
const std::string kToken = "0123456789abcdef~+/-._==";
const std::string kRight = "Authorization: Bearer " + kToken + "\r\n";

Route route(Method method, std::string pattern, Access access) {
  return {method, std::move(pattern), [](const Request&, const Responder&) {}, access, SIZE_MAX};
}

const Router& router() {
  static const Router router({route(Method::get, "/livez", Access::open),
                              route(Method::get, "/v1/status", Access::token),
                              route(Method::get, "/v1/blobs/{blob}", Access::token)});
  return router;
}

struct Checked {
  int status = 0;  ///< 0: it goes to the handler
  bool close = false;
  std::string body;
  std::vector<std::pair<std::string, std::string>> fields;
};

Checked check(const std::string& request, const std::string& host = "localhost:4711", const std::string& fields = "",
              std::uint16_t port = kPort) {
  const Middleware middleware(router(), port, kToken);
  const testing::Reading reading = testing::read({request + " HTTP/1.1\r\nHost: " + host + "\r\n" + fields + "\r\n"});
  REQUIRE(reading.requests.size() == 1);
  const auto outcome = middleware.check(reading.requests[0].head);
  if (const auto* refusal = std::get_if<Middleware::Refusal>(&outcome)) {
    return {refusal->response.status, refusal->close, std::string(refusal->response.body.view()),
            refusal->response.fields};
  }
  return {};
}

TEST_CASE("http middleware: only this listener's own names pass for Host", "[http]") {
  for (const char* host : {"127.0.0.1:4711", "[::1]:4711", "localhost:4711", "LocalHost:4711"}) {
    INFO(host);
    CHECK(check("GET /livez", host).status == 0);
  }
  for (const char* host : {"evil.example:4711", "localhost", "localhost:4712", "localhost:04711", "127.0.0.1", "[::1]",
                           "127.0.0.2:4711", "localhost.evil.example:4711", "[::2]:4711", "localhost.:4711"}) {
    INFO(host);
    CHECK(check("GET /livez", host, kRight).status == 400);
    CHECK(check("GET /livez", host, kRight).close);
  }
  CHECK(check("GET /livez", "localhost", "", 80).status == 0);
  CHECK(check("GET /livez", "[::1]", "", 80).status == 0);
}

TEST_CASE("http middleware: the token is asked for everywhere but on open routes", "[http]") {
  CHECK(check("GET /livez").status == 0);
  CHECK(check("GET /v1/status", "localhost:4711", kRight).status == 0);
  CHECK(check("GET /v1/status", "localhost:4711", "Authorization: bEARER   " + kToken + "\r\n").status == 0);

  const Checked none = check("GET /v1/status");
  CHECK(none.status == 401);
  CHECK_FALSE(none.close);
  CHECK(none.body == "{\"error\": \"a bearer token is needed\"}\n");
  REQUIRE(none.fields.size() == 1);
  CHECK(none.fields[0] == std::pair<std::string, std::string>("WWW-Authenticate", "Bearer realm=\"taskgraph\""));

  for (const std::string& given :
       {kToken + "=", kToken.substr(1), "x" + kToken.substr(1), kToken + " ", std::string()}) {
    INFO(given);
    const bool same = given == kToken + " ";  // spaces at a value's end are not part of it
    CHECK(check("GET /v1/status", "localhost:4711", "Authorization: Bearer " + given + "\r\n").status ==
          (same ? 0 : 401));
  }
  CHECK(check("GET /v1/status", "localhost:4711", "Authorization: Bearer x\r\n").fields.at(0).second ==
        "Bearer realm=\"taskgraph\", error=\"invalid_token\"");
  CHECK(check("GET /v1/status", "localhost:4711", "Authorization: Basic " + kToken + "\r\n").status == 401);
  CHECK(check("GET /v1/status?token=" + kToken.substr(0, 16)).status == 401);
}

TEST_CASE("http middleware: who has no token does not learn which paths there are", "[http]") {
  CHECK(check("GET /nothing").status == 401);
  CHECK(check("POST /v1/status").status == 401);
  CHECK(check("POST /livez").status == 401);
  CHECK(check("GET /v1/blobs/a%20b").status == 401);
  CHECK(check("GET /nothing", "localhost:4711", kRight).status == 404);
  CHECK(check("GET /v1/blobs/a%20b", "localhost:4711", kRight).status == 400);
  const Checked other = check("DELETE /v1/status", "localhost:4711", kRight);
  CHECK(other.status == 405);
  CHECK(other.fields.at(0) == std::pair<std::string, std::string>("Allow", "GET, HEAD"));
}

TEST_CASE("http middleware: what passes for a token", "[http]") {
  CHECK(is_token(kToken));
  CHECK(is_token(std::string(kTokenBytesMin, 'a')));
  CHECK(is_token(std::string(kTokenBytesMax, 'a')));
  CHECK_FALSE(is_token(std::string(kTokenBytesMin - 1, 'a')));
  CHECK_FALSE(is_token(std::string(kTokenBytesMax + 1, 'a')));
  CHECK_FALSE(is_token(std::string(20, '=')));
  CHECK_FALSE(is_token("0123456789abcdef x"));
  CHECK_FALSE(is_token("0123456789=abcdef"));
}

}  // namespace
}  // namespace taskgraph::http
