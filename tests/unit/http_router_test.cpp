#include "host/http/router.hpp"

#include "tests/support/catch.hpp"

namespace taskgraph::http {
namespace {

Route route(Method method, std::string pattern) {
  return {method, std::move(pattern), [](const Request&, const Responder&) {}, Access::token, SIZE_MAX};
}

const Router& router() {
  static const Router router({route(Method::get, "/"), route(Method::get, "/v1/status"),
                              route(Method::post, "/v1/frames"), route(Method::get, "/v1/blobs/{blob}"),
                              route(Method::del, "/v1/blobs/{blob}"),
                              route(Method::post, "/v1/jobs/{job}/tasks/{task}/{method}"),
                              route(Method::get, "/v1/jobs/{job}/tasks/{task}/{method}")});
  return router;
}

/// What find() says, in words.
std::string find(Method method, std::string_view path) {
  const Router::Outcome outcome = router().find(method, path);
  if (std::holds_alternative<Router::NotFound>(outcome)) return "not found";
  if (const auto* bad = std::get_if<Router::BadId>(&outcome)) return "bad id " + std::string(bad->name);
  if (const auto* other = std::get_if<Router::MethodNotAllowed>(&outcome)) return "allow " + other->allow;
  const auto& found = std::get<Router::Found>(outcome);
  std::string text = found.route->pattern;
  for (const Request::PathId id : found.ids) {
    if (id.size > 0) text += " " + std::string(path.substr(id.begin, id.size));
  }
  return text;
}

TEST_CASE("http router: literals and ids", "[http]") {
  CHECK(find(Method::get, "/") == "/");
  CHECK(find(Method::get, "/v1/status") == "/v1/status");
  CHECK(find(Method::get, "/v1/blobs/7f.a_B-") == "/v1/blobs/{blob} 7f.a_B-");
  CHECK(find(Method::post, "/v1/jobs/regression/tasks/12/get") ==
        "/v1/jobs/{job}/tasks/{task}/{method} regression 12 get");
  CHECK(find(Method::head, "/v1/blobs/7") == "/v1/blobs/{blob} 7");
}

TEST_CASE("http router: a path is right or not, nothing is normalised", "[http]") {
  for (const char* path :
       {"/v1", "/v1/", "/v1/status/", "//v1/status", "/v1//status", "/V1/status", "/v1/statu", "/v1/status/x",
        "/v1/%73tatus", "/v1/./status", "/x/../v1/status", "/v1/blobs", "/v1/jobs/a/tasks/b", "", "v1/status"}) {
    INFO(path);
    CHECK(find(Method::get, path) == "not found");
  }
}

TEST_CASE("http router: a path with other methods names them", "[http]") {
  CHECK(find(Method::get, "/v1/frames") == "allow POST");
  CHECK(find(Method::head, "/v1/frames") == "allow POST");
  CHECK(find(Method::put, "/v1/blobs/1") == "allow GET, HEAD, DELETE");
  CHECK(find(Method::other, "/v1/status") == "allow GET, HEAD");
}

TEST_CASE("http router: ids are checked, escapes are none", "[http]") {
  CHECK(find(Method::get, "/v1/blobs/a%2fb") == "bad id blob");
  CHECK(find(Method::get, "/v1/blobs/a%20") == "bad id blob");
  CHECK(find(Method::get, "/v1/blobs/") == "bad id blob");
  CHECK(find(Method::get, "/v1/blobs/..") == "bad id blob");
  CHECK(find(Method::get, "/v1/blobs/.") == "bad id blob");
  CHECK(find(Method::get, "/v1/blobs/a+b") == "bad id blob");
  CHECK(find(Method::put, "/v1/blobs/a+b") == "bad id blob");
  CHECK(find(Method::post, "/v1/jobs//tasks/1/get") == "bad id job");
  CHECK(find(Method::post, "/v1/jobs/a/tasks/!/:") == "bad id task");
  CHECK(find(Method::get, "/v1/blobs/" + std::string(kIdBytesMax, 'x')).ends_with('x'));
  CHECK(find(Method::get, "/v1/blobs/" + std::string(kIdBytesMax + 1, 'x')) == "bad id blob");
}

}  // namespace
}  // namespace taskgraph::http
