#include "host/control/pull_gateway.hpp"

#include <taskgraph/abi.h>

#include "host/control/pull_response.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/control_world.hpp"

using Catch::Matchers::Contains;

namespace taskgraph::control::testing {
namespace {

using Kind = runtime::OutsideAnswer::Kind;

TEST_CASE("gateway: a POST is a pull, and its answer's bytes are the body", "[control]") {
  GatewayWorld world;
  world.now = {5};
  const auto number = world.ask("POST /v1/jobs/job/tasks/11/some.method", "request");
  REQUIRE(world.pulls.open.size() == 1);
  const runtime::OutsidePull& pull = world.pulls.open.front().pull;
  CHECK(pull.task == core::TaskId{11});
  CHECK(pull.method == "some.method");
  CHECK(pull.body.view() == "request");
  CHECK(pull.deadline == world.now + core::seconds(30));
  CHECK(world.status(number) == 0);
  world.pulls.answer(value(std::string("\0\xff", 2)));
  CHECK(world.status(number) == 200);
  CHECK(world.body(number) == std::string("\0\xff", 2));
  CHECK(world.sink->responses.at(number).content_type == "application/octet-stream");
  CHECK(world.gateway->waiting() == 0);
}

TEST_CASE("gateway: an answer that comes within the call", "[control]") {
  GatewayWorld world;
  world.pulls.at_once = value("now");
  const auto number = world.post();
  CHECK(world.status(number) == 200);
  CHECK(world.gateway->waiting() == 0);
}

TEST_CASE("gateway: GET and HEAD are for methods that change nothing", "[control]") {
  GatewayWorld world;
  for (const std::string method : {"GET", "HEAD"}) {
    const auto refused = world.ask(method + " /v1/jobs/job/tasks/0/echo");
    CHECK(world.status(refused) == 405);
    CHECK(world.field(refused, "Allow") == "POST");
    const auto asked = world.ask(method + " /v1/jobs/job/tasks/0/whoami");
    world.pulls.answer(value("me"));
    CHECK(world.status(asked) == 200);
  }
  CHECK(world.pulls.asked == 2);
}

TEST_CASE("gateway: before the plugin is loaded nobody knows what GET is for", "[control]") {
  GatewayWorld world;
  world.loaded = false;
  const auto number = world.ask("GET /v1/jobs/job/tasks/0/whoami");
  CHECK(world.status(number) == 503);
  CHECK(world.field(number, "Retry-After") == "1");
  world.post();
  CHECK(world.pulls.asked == 1);  // which is held where pulls are
}

TEST_CASE("gateway: 404 is for what the job does not have", "[control]") {
  GatewayWorld world;
  const auto other = world.ask("POST /v1/jobs/other/tasks/0/echo");
  CHECK(world.status(other) == 404);
  CHECK_THAT(world.body(other), Contains("\\\"job\\\""));
  for (const std::string task : {"12", "00", "01", "-1", "4294967296", "99999999999999999999", "x", "1x"}) {
    const auto number = world.ask("POST /v1/jobs/job/tasks/" + task + "/echo");
    CHECK(world.status(number) == 404);
    CHECK_THAT(world.body(number), Contains("0 to 11"));
  }
  CHECK(world.pulls.asked == 0);
  const auto method = world.post();
  world.pulls.answer(error(TG_CODE_NO_SUCH_METHOD, "methods: echo"));
  CHECK(world.status(method) == 404);
  CHECK(world.body(method) == "{\"error\":\"methods: echo\",\"code\":2}\n");
}

TEST_CASE("gateway: a query would be lost, so it is refused", "[control]") {
  GatewayWorld world;
  CHECK(world.status(world.ask("GET /v1/jobs/job/tasks/0/whoami?x=1")) == 400);
  CHECK(world.pulls.asked == 0);
}

TEST_CASE("gateway: how a pull can end, and what HTTP calls it", "[control]") {
  struct Row {
    runtime::OutsideAnswer answer;
    int status;
    bool retry;
    bool stored;
  };
  const std::vector<Row> rows{
      {value("x"), 200, false, true},
      {error(TG_CODE_UNAVAILABLE), 503, true, false},
      {error(TG_CODE_NO_SUCH_METHOD), 404, false, true},
      {error(TG_CODE_BUSY), 429, true, false},
      {error(TG_CODE_TOO_LARGE), 413, false, false},
      {error(TG_CODE_FAILED), 422, false, true},
      {error(TG_CODE_ANSWER_TOO_LARGE), 500, false, true},
      {error(TG_CODE_USER), 422, false, true},
      {error(-5), 422, false, true},
      {{Kind::answered, core::Outcome::deadline, 0, {}}, 504, false, false},
      {{Kind::answered, core::Outcome::epoch_passed, 0, {}}, 503, true, false},
      {{Kind::answered, core::Outcome::peer_lost, 0, {}}, 503, true, false},
      {{Kind::answered, core::Outcome::cancelled, 0, {}}, 503, true, false},
      {without_task(Kind::no_primary), 503, true, false},
      {without_task(Kind::deadline), 504, false, false},
      {without_task(Kind::busy), 429, true, false},
      {without_task(Kind::closed), 503, false, false},
  };
  for (const Row& row : rows) {
    GatewayWorld world;
    const auto first = world.post("b", "key");
    world.pulls.answer(row.answer);
    CHECK(world.status(first) == row.status);
    CHECK((world.field(first, "Retry-After") == "1") == row.retry);
    const auto again = world.post("b", "key");
    CHECK(world.pulls.asked == (row.stored ? 1 : 2));
    CHECK(world.status(again) == (row.stored ? row.status : 0));
  }
}

TEST_CASE("gateway: an error shows the task's text, whatever bytes it has", "[control]") {
  const http::Response response = response_to(error(1007, "\"caf\xc3\xa9\"\n\xff"));
  CHECK(response.body.view() == "{\"error\":\"\\\"caf\xc3\xa9\\\"\\n\xef\xbf\xbd\",\"code\":1007}\n");
  CHECK(response.content_type == "application/json");
}

TEST_CASE("gateway: the same key again joins, and later gets the same answer, said so", "[control]") {
  GatewayWorld world;
  const auto first = world.post("body", "key");
  const auto joined = world.post("body", "key");
  CHECK(world.pulls.asked == 1);
  CHECK(world.gateway->waiting() == 2);
  world.pulls.answer(value("once"));
  CHECK(world.status(first) == 200);
  CHECK(world.status(joined) == 200);
  CHECK(world.body(joined) == "once");
  CHECK(world.field(joined, "Idempotent-Replayed").empty());
  world.now = core::Time{} + core::seconds(600);
  const auto later = world.post("body", "key");
  CHECK(world.status(later) == 200);
  CHECK(world.body(later) == "once");
  CHECK(world.field(later, "Idempotent-Replayed") == "true");
  CHECK(world.sink->responses.at(later).content_type == "application/octet-stream");
  CHECK(world.pulls.asked == 1);
  world.now = world.now + core::Duration{1};
  world.post("body", "key");
  CHECK(world.pulls.asked == 2);
}

TEST_CASE("gateway: a key with another body, method or task is another request", "[control]") {
  GatewayWorld world;
  world.post("body", "key");
  for (const auto& [line, body] : std::vector<std::pair<std::string, std::string>>{
           {"POST /v1/jobs/job/tasks/0/echo", "other"},
           {"POST /v1/jobs/job/tasks/0/echo2", "body"},
           {"POST /v1/jobs/job/tasks/1/echo", "body"},
       }) {
    CHECK(world.status(world.ask(line, body, "key")) == 422);
  }
  CHECK(world.pulls.asked == 1);
}

TEST_CASE("gateway: who joined what found no task gets the same 503, and the next one runs", "[control]") {
  GatewayWorld world;
  const auto first = world.post("body", "key");
  const auto joined = world.post("body", "key");
  world.pulls.answer(without_task(Kind::no_primary));
  CHECK(world.status(first) == 503);
  CHECK(world.status(joined) == 503);
  const auto next = world.post("body", "key");
  world.pulls.answer(value("x"));
  CHECK(world.status(next) == 200);
  CHECK(world.field(next, "Idempotent-Replayed").empty());
}

TEST_CASE("gateway: a key is 1 to 255 printable characters; a GET needs none", "[control]") {
  GatewayWorld world;
  CHECK(world.status(world.post("", std::string(256, 'k'))) == 400);
  CHECK(world.pulls.asked == 0);
  world.post("", std::string(255, 'k'));
  world.ask("GET /v1/jobs/job/tasks/0/whoami", "", "key");
  world.ask("GET /v1/jobs/job/tasks/0/whoami", "", "key");
  CHECK(world.pulls.asked == 3);
}

TEST_CASE("gateway: over its limits it says when to come again", "[control]") {
  GatewayWorld world({.waiting_max = 2, .waiting_bytes_max = 10, .idempotency = {.entries_max = 1}});
  const auto first = world.post("12345678");
  const auto too_many_bytes = world.post("123");
  CHECK(world.status(too_many_bytes) == 429);
  CHECK(world.field(too_many_bytes, "Retry-After") == "1");
  const auto second = world.post("12", "key");
  CHECK(world.status(world.post("")) == 429);
  CHECK(world.pulls.asked == 2);
  world.pulls.answer(value(""));
  CHECK(world.status(first) == 200);
  CHECK(world.status(world.post("", "another")) == 429);  // one key is under way, and there is room for one
  world.pulls.answer(value(""));
  CHECK(world.status(second) == 200);
  const auto third = world.post("1234567890", "another");
  world.pulls.answer(value(""));
  CHECK(world.status(third) == 200);
}

TEST_CASE("gateway: at its close all are told, and answers that come later reach nobody", "[control]") {
  GatewayWorld world;
  const auto with_key = world.post("body", "key");
  const auto joined = world.post("body", "key");
  const auto without = world.post("body");
  world.gateway->close();
  for (const auto number : {with_key, joined, without}) CHECK(world.status(number) == 503);
  CHECK(world.gateway->waiting() == 0);
  CHECK(world.status(world.post()) == 503);
  const auto late = world.pulls.open;
  late.at(0).done(value("late"));
  CHECK(world.status(with_key) == 503);
  world.gateway.reset();
  late.at(1).done(value("later still"));
  CHECK(world.status(without) == 503);
}

}  // namespace
}  // namespace taskgraph::control::testing
