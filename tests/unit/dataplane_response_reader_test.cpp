#include "host/dataplane/response_reader.hpp"

#include <string>
#include <string_view>

#include "tests/support/catch.hpp"

namespace taskgraph::dataplane {
namespace {

std::string response(const std::string& body) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

/// Fed byte by byte, as a slow peer sends it.
std::string read_in_pieces(ResponseReader& reader, const std::string& sent) {
  reader.expect(sent.size());
  for (std::size_t i = 0; i < sent.size(); ++i) {
    std::string_view piece(&sent[i], 1);
    const auto step = reader.advance(piece);
    REQUIRE(step != ResponseReader::Step::malformed);
    if (step == ResponseReader::Step::response) return std::string(reader.take().body);
  }
  return "none";
}

TEST_CASE("a response that comes in pieces is whole, whatever the size of those before it", "[dataplane]") {
  ResponseReader reader;
  for (const std::size_t bytes : {10U, 3U, 4'000U, 0U, 70'000U, 5U}) {
    const std::string body(bytes, static_cast<char>('a' + bytes % 26));
    CHECK(read_in_pieces(reader, response(body)) == body);
  }
}

}  // namespace
}  // namespace taskgraph::dataplane
