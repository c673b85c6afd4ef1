#include "host/http/output_queue.hpp"

#include "tests/support/catch.hpp"

namespace taskgraph::http {
namespace {

/// All of it, taken in steps of so many bytes.
std::string drain(OutputQueue& queue, std::size_t step) {
  std::string all;
  while (!queue.empty()) {
    const std::size_t before = queue.bytes();
    std::string front;
    for (const auto& buffer : queue.front()) front.append(static_cast<const char*>(buffer.data()), buffer.size());
    const std::size_t taken = std::min(step, front.size());
    all += front.substr(0, taken);
    queue.consume(taken);
    REQUIRE(queue.bytes() == before - taken);
  }
  return all;
}

TEST_CASE("http output: answers come out as they went in, however little is taken at a time", "[http]") {
  const std::string large(5000, 'l');
  for (const std::size_t step : {7UL, 100UL, 5000UL, 1'000'000UL}) {
    OutputQueue queue;
    std::string wanted;
    for (int i = 0; i < 40; ++i) {
      queue.append({200, "", core::Bytes("small"), {}}, false, false);
      queue.append({200, "a/b", core::Bytes(large), {{"X", "y"}}}, false, false);
      wanted +=
          "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nsmallHTTP/1.1 200 OK\r\nContent-Type: a/b\r\nX: "
          "y\r\nContent-Length: 5000\r\n\r\n" +
          large;
    }
    queue.append({204, "", {}, {}}, false, false);
    queue.append({200, "", core::Bytes(large), {}}, true, true);
    wanted += "HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5000\r\nConnection: close\r\n\r\n";
    CHECK(queue.bytes() == wanted.size());
    CHECK((drain(queue, step) == wanted));
  }
}

TEST_CASE("http output: small answers are one buffer, large bodies are sent from where they are", "[http]") {
  OutputQueue queue;
  for (int i = 0; i < 100; ++i) queue.append({200, "", core::Bytes("small"), {}}, false, false);
  CHECK(queue.front().size() == 1);
  const core::Bytes large(std::string(5000, 'l'));
  queue.append({200, "", large, {}}, false, false);
  const OutputQueue::Buffers front = queue.front();
  REQUIRE(front.size() == 2);
  CHECK((front[1].data() == large.view().data()));  // nobody shall print what they point to
}

TEST_CASE("http output: an error is JSON, whatever its text", "[http]") {
  CHECK(error_response(400, "a \"b\" \\ \n\x7f").body.view() == "{\"error\": \"a \\\"b\\\" \\\\ \\u000a\\u007f\"}\n");
}

}  // namespace
}  // namespace taskgraph::http
