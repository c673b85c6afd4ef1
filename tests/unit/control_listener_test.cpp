#include "host/control/control_listener.hpp"

#include <sys/resource.h>

#include <atomic>

#include "host/control/descriptor_limit.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/control_world.hpp"
#include "tests/support/http_client.hpp"

using Catch::Matchers::Contains;

namespace taskgraph::control::testing {
namespace {

using http::testing::Client;

const std::string kToken = "0123456789abcdef";

/// A listener whose pulls are echoed at once, or never.
struct Host {
  class Echo final : public runtime::OutsidePulls {
   public:
    void pull(runtime::OutsidePull pull, std::function<void(runtime::OutsideAnswer)> done) override {
      if (pull.method == "hold") {
        held = std::move(done);
        holds = true;
        holds.notify_all();
        return;
      }
      done(value(pull.body.view()));
    }
    std::function<void(runtime::OutsideAnswer)> held;
    std::atomic<bool> holds{false};
  };

  explicit Host(config::ListenAddress listen = {})
      : opened(ControlListener::open(
            {.listen = std::move(listen),
             .token = kToken,
             .identity = {"job", "digest"},
             .target = {"job", 3, core::seconds(30), 1000, echo, [](std::string_view) { return std::optional(true); }},
             .status = [] { return runtime::JobStatus{}; },
             .now = [] { return core::Time{1}; },
             .failovers = [] { return std::string("[7]"); }})) {}

  std::uint16_t port() const {
    const std::string url = (*opened)->url();
    return static_cast<std::uint16_t>(std::stoul(url.substr(url.rfind(':') + 1)));
  }
  std::string request(const std::string& line, const std::string& body = "", bool with_token = true) const {
    return line + " HTTP/1.1\r\nHost: localhost:" + std::to_string(port()) + "\r\n" +
           (with_token ? "Authorization: Bearer " + kToken + "\r\n" : "") +
           (body.empty() ? "" : "Content-Length: " + std::to_string(body.size()) + "\r\n") + "\r\n" + body;
  }

  Echo echo;
  config::Result<std::unique_ptr<ControlListener>> opened;
};

TEST_CASE("control listener: health is for all, the rest needs the token", "[control]") {
  const Host host;
  REQUIRE(host.opened.has_value());
  CHECK_THAT((*host.opened)->url(), Catch::Matchers::StartsWith("http://127.0.0.1:"));
  Client client(host.port());
  client.send(host.request("GET /livez", "", false));
  CHECK(client.read_answer().status == 200);
  client.send(host.request("GET /readyz", "", false));
  const auto ready = client.read_answer();
  CHECK(ready.status == 503);
  CHECK_THAT(ready.body, Contains("is starting"));
  client.send(host.request("GET /v1/status", "", false));
  CHECK(client.read_answer().status == 401);
  client.send(host.request("GET /v1/status"));
  const auto status = client.read_answer();
  CHECK(status.status == 200);
  CHECK_THAT(status.body, Contains(R"("name":"job")") && Contains(R"("failovers":[7])"));
  client.send(host.request("HEAD /v1/status"));
  CHECK(client.read_answer(true).status == 200);
  client.send(host.request("DELETE /v1/status"));
  CHECK(client.read_answer().status == 405);
}

TEST_CASE("control listener: pulls, and a body that is too large", "[control]") {
  const Host host;
  REQUIRE(host.opened.has_value());
  Client client(host.port());
  client.send(host.request("POST /v1/jobs/job/tasks/2/echo", "hello"));
  const auto answer = client.read_answer();
  CHECK(answer.status == 200);
  CHECK(answer.body == "hello");
  client.send(host.request("POST /v1/jobs/job/tasks/2/echo", std::string(1001, 'x')));
  CHECK(client.read_answer().status == 413);
}

TEST_CASE("control listener: at its end those who wait are told, and what is late reaches nobody", "[control]") {
  Host host;
  REQUIRE(host.opened.has_value());
  Client client(host.port());
  client.send(host.request("POST /v1/jobs/job/tasks/0/hold", "x"));
  host.echo.holds.wait(false);
  host.opened = config::Failure{};
  const auto answer = client.read_answer();
  CHECK(answer.status == 503);
  CHECK_THAT(answer.body, Contains("the job ends"));
  host.echo.held(value("late"));
}

TEST_CASE("control listener: an address that is taken is named", "[control]") {
  const Host host;
  REQUIRE(host.opened.has_value());
  const Host second({"127.0.0.1", host.port()});
  REQUIRE(second.opened.has_error());
  CHECK(second.opened.error().code == config::ExitCode::cannot_listen);
  CHECK_THAT(second.opened.error().text,
             Contains("--listen 127.0.0.1:" + std::to_string(host.port())) && Contains("Address already in use"));
}

TEST_CASE("descriptor limit: it is raised as far as it may be, and never lowered", "[control]") {
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  const rlimit low{std::min<rlim_t>(256, before.rlim_max), before.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &low) == 0);
  CHECK(raise_descriptor_limit(300) == std::min<rlim_t>(300, before.rlim_max));
  CHECK(raise_descriptor_limit(100) == std::min<rlim_t>(300, before.rlim_max));
  CHECK(raise_descriptor_limit(UINT64_MAX) == before.rlim_max);
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
}

}  // namespace
}  // namespace taskgraph::control::testing
