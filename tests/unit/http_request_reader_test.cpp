#include "host/http/request_reader.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/http_reading.hpp"

namespace taskgraph::http {
namespace {

using testing::all_splits;
using testing::read;
using testing::Reading;

const std::string kHost = "Host: localhost:80\r\n";

/// The outcome, which must be the same however the bytes are split.
Reading read_all_ways(const std::string& bytes, const RequestLimits& limits = {}) {
  const Reading whole = read({bytes}, limits);
  for (const auto& pieces : all_splits(bytes)) {
    const Reading split = read(pieces, limits);
    INFO(bytes << "\nfirst piece: " << pieces.front());
    REQUIRE(split.text() == whole.text());
  }
  return whole;
}

TEST_CASE("http reader: a request with all that a handler asks for", "[http]") {
  const Reading reading = read_all_ways(
      "POST /v1/jobs/a/tasks/3/get?x=1&y=%20 HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nX-Life:   7 \r\n"
      "content-length: 5\r\nx-empty:\r\n\r\nhello");
  REQUIRE(reading.requests.size() == 1);
  const Request& request = reading.requests[0];
  CHECK(request.head.method() == Method::post);
  CHECK(request.head.path() == "/v1/jobs/a/tasks/3/get");
  CHECK(request.head.query() == "x=1&y=%20");
  CHECK(request.head.host() == "127.0.0.1:8080");
  CHECK(request.head.field("x-LIFE") == "7");
  CHECK(request.head.has_field("X-Empty"));
  CHECK(request.head.field("x-empty").empty());
  CHECK_FALSE(request.head.has_field("x-none"));
  CHECK(request.head.keep_alive());
  CHECK(request.body.view() == "hello");
  CHECK_FALSE(reading.incomplete);
}

TEST_CASE("http reader: views stay right when a request is moved", "[http]") {
  Reading reading = read({"GET /a?b HTTP/1.1\r\nHost: h\r\n\r\n"});
  const Request moved = std::move(reading.requests.at(0));
  reading.requests.clear();
  CHECK(moved.head.path() == "/a");
  CHECK(moved.head.query() == "b");
  CHECK(moved.head.host() == "h");
}

TEST_CASE("http reader: pipelined requests come one by one, whatever their bodies", "[http]") {
  const std::string chunked =
      "POST /c HTTP/1.1\r\n" + kHost + "Transfer-Encoding: CHUNKED\r\n\r\n3\r\nabc\r\n0A\r\n0123456789\r\n0\r\n\r\n";
  const Reading reading =
      read_all_ways("POST /a HTTP/1.1\r\n" + kHost + "Content-Length: 2\r\n\r\nxy" + chunked + "GET /d HTTP/1.1\r\n" +
                    kHost + "\r\nPUT /e HTTP/1.1\r\n" + kHost + "Content-Length: 0\r\n\r\nDEL");
  CHECK(reading.text() ==
        "POST /a? localhost:80 [xy] POST /c? localhost:80 [abc0123456789] GET /d? localhost:80 [] PUT /e? localhost:80 "
        "[] ...");
}

TEST_CASE("http reader: the head is shown before the body is taken, and may limit it", "[http]") {
  const RequestLimits limits;
  RequestReader reader(limits);
  const std::string bytes = "POST / HTTP/1.1\r\n" + kHost + "Expect: 100-continue\r\nContent-Length: 4\r\n\r\nbody";
  std::string_view input = bytes;
  REQUIRE(reader.advance(input) == RequestReader::Step::head);
  CHECK(input == "body");
  CHECK(reader.head().expects_continue());
  CHECK(reader.head().content_length() == 4);
  CHECK(reader.in_body());
  SECTION("enough") {
    reader.limit_body(4);
    CHECK(reader.advance(input) == RequestReader::Step::request);
    CHECK(reader.take_request().body.view() == "body");
    CHECK_FALSE(reader.in_body());
  }
  SECTION("too little") {
    reader.limit_body(3);
    CHECK(reader.advance(input) == RequestReader::Step::rejected);
    CHECK(reader.rejection().status == 413);
  }
}

TEST_CASE("http reader: a body of known length is read into its final buffer, and counted from the start", "[http]") {
  const RequestLimits limits;
  RequestReader reader(limits);
  const std::string head = "POST / HTTP/1.1\r\n" + kHost + "Content-Length: 1000000\r\n\r\nab";
  std::string_view input = head;
  CHECK(reader.body_room().empty());
  CHECK(reader.body_bytes_held() == 0);
  REQUIRE(reader.advance(input) == RequestReader::Step::head);
  REQUIRE(reader.advance(input) == RequestReader::Step::need_more);
  CHECK(reader.body_bytes_held() == 1'000'000);
  const std::span<char> room = reader.body_room();
  REQUIRE(room.size() == 999'998);
  std::fill(room.begin(), room.end(), 'c');
  reader.body_filled(room.size());
  REQUIRE(reader.advance(input) == RequestReader::Step::request);
  const Request request = reader.take_request();
  CHECK((request.body.view().data() == room.data() - 2));  // nobody shall print what they point to
  CHECK(request.body.view().substr(0, 3) == "abc");
  CHECK(request.body.size() == 1'000'000);
  CHECK(reader.body_bytes_held() == 0);
}

TEST_CASE("http reader: limits hold at their last byte and refuse the next", "[http]") {
  RequestLimits limits;
  SECTION("request line") {
    limits.request_line_bytes_max = 20;
    CHECK(read_all_ways("GET /123456 HTTP/1.1\r\n" + kHost + "\r\n", limits).requests.size() == 1);
    CHECK(read_all_ways("GET /1234567 HTTP/1.1\r\n" + kHost + "\r\n", limits).status == 414);
    CHECK(read_all_ways("GET /" + std::string(100, 'x'), limits).status == 414);
  }
  SECTION("head") {
    const std::string head = "GET / HTTP/1.1\r\n" + kHost + "\r\n";
    limits.head_bytes_max = head.size();
    CHECK(read_all_ways(head, limits).requests.size() == 1);
    limits.head_bytes_max = head.size() - 1;
    CHECK(read_all_ways(head, limits).status == 431);
    CHECK(read_all_ways("GET / HTTP/1.1\r\nx: " + std::string(100, 'x'), limits).status == 431);
  }
  SECTION("fields") {
    limits.fields_max = 3;
    CHECK(read_all_ways("GET / HTTP/1.1\r\n" + kHost + "a: 1\r\na: 2\r\n\r\n", limits).requests.size() == 1);
    CHECK(read_all_ways("GET / HTTP/1.1\r\n" + kHost + "a: 1\r\na: 2\r\na: 3\r\n\r\n", limits).status == 431);
  }
  SECTION("body") {
    limits.body_bytes_max = 4;
    const std::string post = "POST / HTTP/1.1\r\n" + kHost;
    CHECK(read_all_ways(post + "Content-Length: 4\r\n\r\nbody", limits).requests.size() == 1);
    CHECK(read_all_ways(post + "Content-Length: 5\r\n\r\nbodys", limits).status == 413);
    CHECK(read_all_ways(post + "Transfer-Encoding: chunked\r\n\r\n3\r\nbod\r\n1\r\ny\r\n0\r\n\r\n", limits)
              .requests.size() == 1);
    CHECK(read_all_ways(post + "Transfer-Encoding: chunked\r\n\r\n3\r\nbod\r\n2\r\nys\r\n0\r\n\r\n", limits).status ==
          413);
    CHECK(read_all_ways(post + "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n", limits).status == 413);
  }
}

TEST_CASE("http reader: the connection stays only when nobody says otherwise", "[http]") {
  CHECK_FALSE(read({"GET / HTTP/1.1\r\n" + kHost + "Connection: x, Close\r\n\r\n"}).requests.at(0).head.keep_alive());
  CHECK(read({"GET / HTTP/1.1\r\n" + kHost + "Connection: keep-alive\r\n\r\n"}).requests.at(0).head.keep_alive());
}

TEST_CASE("http reader: an absolute target counts when it names the host of Host", "[http]") {
  const Reading reading = read_all_ways("GET HTTP://LocalHost:80/a?b HTTP/1.1\r\n" + kHost + "\r\n");
  REQUIRE(reading.requests.size() == 1);
  CHECK(reading.requests[0].head.path() == "/a");
  CHECK(reading.requests[0].head.query() == "b");
}

}  // namespace
}  // namespace taskgraph::http
