#include "plugins/echo/task.hpp"

#include <unistd.h>

#include <string>

#include "tests/support/catch.hpp"
#include "tests/support/plugin_driver.hpp"

namespace taskgraph::echo {
namespace {

using tests::PluginDriver;

struct Asked {
  tg_outcome outcome;
  std::int32_t code;
  std::string body;
};

Asked ask(const std::string& method, const std::string& body) {
  PluginDriver driver(PluginDriver::entry<EchoBuilder>(), {.task_count = 2, .links = {}}, 1);
  const auto id = driver.ask(1, method, body);
  CHECK_FALSE(driver.run());
  CHECK(driver.failures().empty());
  const auto& answer = driver.answers().at(id);
  return {answer.outcome, answer.code, answer.body};
}

}  // namespace

TEST_CASE("echo: the bytes come back, whatever they are") {
  for (const std::string& body :
       {std::string(), std::string("hello"), std::string("\0\xff\n", 3), std::string(100'000, 'z')}) {
    const Asked asked = ask("echo", body);
    CHECK(asked.outcome == TG_OUTCOME_VALUE);
    CHECK(asked.body == body);
  }
}

TEST_CASE("echo: as many bytes as asked for, in a pattern") {
  CHECK(ask("bytes", "0").body.empty());
  CHECK(ask("bytes", "5").body == "abcde");
  const std::string million = ask("bytes", "1000000").body;
  REQUIRE(million.size() == 1'000'000);
  CHECK(million.substr(23 * 1'000, 3) == "abc");
  CHECK(million[999'999] == 'a' + 999'999 % 23);
}

TEST_CASE("echo: a number of bytes that cannot be is refused with what could") {
  for (const char* body : {"", "x", "-1", " 1", "1 ", "1.5", "0x10"}) {
    const Asked asked = ask("bytes", body);
    INFO("body \"" << body << "\"");
    CHECK(asked.outcome == TG_OUTCOME_ERROR);
    CHECK(asked.code == TG_CODE_FAILED);
    CHECK(asked.body == "bytes: expected a decimal number of bytes, such as 1024");
  }
  for (const char* body : {"268435457", "99999999999999999999999"}) {
    const Asked asked = ask("bytes", body);
    CHECK(asked.code == TG_CODE_TOO_LARGE);
    CHECK(asked.body == "bytes: at most 268435456 bytes");
  }
}

TEST_CASE("echo: whoami names the task, its term, epoch, life and process") {
  CHECK(ask("whoami", "").body ==
        "{\"task\":1,\"term\":1,\"epoch\":0,\"life\":\"11111111-2222-3333-4444-555555555555\",\"pid\":" +
            std::to_string(::getpid()) + "}");
}

TEST_CASE("echo: another life says so") {
  PluginDriver driver(PluginDriver::entry<EchoBuilder>(), {.task_count = 1, .links = {}}, 1);
  CHECK_FALSE(driver.run());
  driver.kill_at(driver.events(), 0);
  const auto id = driver.ask(0, "whoami", "");
  CHECK_FALSE(driver.run());
  CHECK(driver.answers().at(id).body.find("\"term\":2,") != std::string::npos);
}

TEST_CASE("echo: unknown methods and arguments are refused with the known ones") {
  CHECK(ask("ech", "x").code == TG_CODE_NO_SUCH_METHOD);
  CHECK(ask("ech", "x").body == "there is no such method (methods: echo bytes whoami)");
  tests::DrivenJob job;
  job.args.integer("epochs", 1);
  CHECK_THROWS_WITH(PluginDriver(PluginDriver::entry<EchoBuilder>(), job, 1),
                    Catch::Contains("unknown argument \"epochs\""));
}

}  // namespace taskgraph::echo
