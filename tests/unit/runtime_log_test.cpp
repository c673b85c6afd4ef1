#include "host/runtime/log.hpp"

#include <cstdio>
#include <thread>

#include "tests/support/captured_log.hpp"
#include "tests/support/catch.hpp"

using Catch::Matchers::Contains;
using Catch::Matchers::EndsWith;
using Catch::Matchers::Matches;

namespace taskgraph::runtime {
namespace {

using tests::Captured;

constexpr std::size_t kMax = 1'000;

TEST_CASE("log text: the message on one line, its fields behind it") {
  CHECK(text_payload("hello", {}, kMax) == "hello");
  CHECK(text_payload("caf\xc3\xa9 \"x\" \\", {}, kMax) == "caf\xc3\xa9 \"x\" \\");
  CHECK(text_payload("a\nb\tc\x1b[31m\x7f", {}, kMax) == "a\\nb\\tc\\x1b[31m\\x7f");
  CHECK(text_payload("\xff|\xc2\x9b", {}, kMax) == "\xef\xbf\xbd|\\x9b");
  CHECK(text_payload("up", {core::TaskId{3}, core::Epoch{12}, core::Term{2}}, kMax) == "up task=3 epoch=12 term=2");
}

TEST_CASE("log JSON: escaped whatever the message is") {
  CHECK(json_payload("hello", {}, kMax) == R"("message":"hello")");
  CHECK(json_payload("a\"b\\c\n\t\x01\x7f", {}, kMax) == R"("message":"a\"b\\c\n\t\u0001\u007f")");
  CHECK(json_payload(std::string_view("\0\xff\xed\xa0\x80", 5), {}, kMax) ==
        "\"message\":\"\\u0000\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
  CHECK(json_payload("\xc2\x85", {}, kMax) == R"("message":"\u0085")");
  CHECK(json_payload("up", {core::TaskId{3}, {}, core::Term{2}}, kMax) == R"("message":"up","task":3,"term":2)");
}

TEST_CASE("log: a message that is too long is cut between characters, and says so") {
  const LogFields fields{core::TaskId{UINT32_MAX}, core::Epoch{UINT64_MAX}, core::Term{UINT64_MAX}};
  for (const std::string_view piece : {"x", "\xc3\xa9", "\xf0\x9f\x98\x80", "\"", "\x01", "\xff"}) {
    std::string text;
    while (text.size() < 100'000) text += piece;
    for (std::size_t bytes_max = 256; bytes_max < 300; ++bytes_max) {
      const std::string json = json_payload(text, fields, bytes_max);
      const std::string plain = text_payload(text, fields, bytes_max);
      CHECK(json.size() <= bytes_max);
      CHECK(plain.size() <= bytes_max);
      CHECK_THAT(json, Contains(" bytes cut]\",\"task\":4294967295"));
      CHECK_THAT(plain, EndsWith("term=18446744073709551615"));
    }
  }
}

TEST_CASE("log: lines with UTC time and level; what is below the level is left out") {
  Captured captured({LogLevel::warning, LogFormat::text, true, nullptr});
  log(LogLevel::info, "quiet");
  log(LogLevel::warning, "careful", {core::TaskId{1}, {}, {}});
  log(LogLevel::error, "broken {}");
  CHECK_FALSE(log_enabled(LogLevel::info));
  CHECK(log_enabled(LogLevel::warning));
  CHECK_THAT(captured.text(), Matches("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z warning careful task=1\n"
                                      "\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z error   broken \\{\\}\n"));
}

TEST_CASE("log: JSON lines") {
  Captured captured({LogLevel::debug, LogFormat::json, true, nullptr});
  log(LogLevel::debug, "a \"b\"\n", {core::TaskId{1}, core::Epoch{2}, {}});
  CHECK_THAT(captured.text(),
             Matches("\\{\"time\":\"\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z\",\"level\":\"debug\","
                     "\"message\":\"a \\\\\"b\\\\\"\\\\n\",\"task\":1,\"epoch\":2\\}\n"));
}

TEST_CASE("log: no line is longer than the limit") {
  for (const LogFormat format : {LogFormat::text, LogFormat::json}) {
    Captured captured({LogLevel::info, format, true, nullptr});
    log(LogLevel::warning, std::string(3'000'000, '\x01'), {core::TaskId{1}, core::Epoch{2}, core::Term{3}});
    const std::string text = captured.text();
    CHECK(text.size() <= kLogLineBytesMax);
    CHECK(text.size() > kLogLineBytesMax - 400);
    CHECK(std::count(text.begin(), text.end(), '\n') == 1);
  }
}

TEST_CASE("log: lines of many threads stay whole") {
  constexpr int kThreads = 4;
  constexpr int kLines = 200;
  Captured captured({});
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([t] {
      for (int i = 0; i < kLines; ++i) log(LogLevel::info, std::string(50, static_cast<char>('a' + t)));
    });
  }
  for (std::thread& thread : threads) thread.join();
  const std::string text = captured.text();
  std::array<int, kThreads> lines{};
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    REQUIRE(end != std::string::npos);
    const std::string_view message = std::string_view(text).substr(end - 50, 50);
    REQUIRE(message == std::string(50, message[0]));
    ++lines.at(static_cast<std::size_t>(message[0] - 'a'));
    at = end + 1;
  }
  for (const int count : lines) CHECK(count == kLines);
}

TEST_CASE("log: the status line is removed before a message and drawn again behind it") {
  Captured captured({});
  show_status_line("epoch 1");
  log(LogLevel::info, "message");
  show_status_line("epoch 2");
  show_status_line({});
  log(LogLevel::info, "last");
  CHECK_THAT(captured.text(),
             Matches("epoch 1\r\x1b\\[K[^\n]*message\nepoch 1\r\x1b\\[Kepoch 2\r\x1b\\[K[^\r\n]*last\n"));
}

}  // namespace
}  // namespace taskgraph::runtime
