/// What two servers in a row could read differently (request smuggling), and what is malformed in other ways: one row
/// per class. The last column documents what Boost.Beast's parser alone makes of it, hence what our own checks are for.
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "host/http/request_reader.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/http_reading.hpp"

namespace taskgraph::http {
namespace {

enum class Beast { refuses, accepts };

struct Row {
  const char* what;
  std::string bytes;
  int status;  ///< 0: a request comes out
  Beast beast;
};

std::string post(const std::string& fields, const std::string& body = "") {
  return "POST / HTTP/1.1\r\nHost: localhost:80\r\n" + fields + "\r\n" + body;
}
std::string get(const std::string& fields) {
  return "GET / HTTP/1.1\r\n" + fields + "\r\n";
}
std::string chunked(const std::string& body) {
  return post("Transfer-Encoding: chunked\r\n", body);
}
std::string target(const std::string& text) {
  return "GET " + text + " HTTP/1.1\r\nHost: localhost:80\r\n\r\n";
}

const std::string kNul(1, '\0');
const std::string kHost = "Host: localhost:80\r\n";

const std::vector<Row> kRows = {
    // two ways to say how long a body is
    {"CL.TE", post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400, Beast::refuses},
    {"TE.CL", post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"), 400, Beast::refuses},
    {"CL beside a coding that is not chunked", post("Transfer-Encoding: x\r\nContent-Length: 5\r\n", "hello"), 400,
     Beast::accepts},
    {"two different CL", post("Content-Length: 5\r\nContent-Length: 6\r\n", "hello!"), 400, Beast::refuses},
    {"two equal CL", post("Content-Length: 5\r\nContent-Length: 5\r\n", "hello"), 400, Beast::accepts},
    {"a list in CL", post("Content-Length: 5, 5\r\n", "hello"), 400, Beast::accepts},
    {"a plus in CL", post("Content-Length: +5\r\n", "hello"), 400, Beast::refuses},
    {"a minus in CL", post("Content-Length: -5\r\n", "hello"), 400, Beast::refuses},
    {"an empty CL", post("Content-Length:\r\n"), 400, Beast::refuses},
    {"a hexadecimal CL", post("Content-Length: 0x5\r\n", "hello"), 400, Beast::refuses},
    {"an exponent in CL", post("Content-Length: 5e0\r\n", "hello"), 400, Beast::refuses},
    {"a space within CL", post("Content-Length: 1 0\r\n", "hello"), 400, Beast::refuses},
    {"a leading zero in CL", post("Content-Length: 05\r\n", "hello"), 400, Beast::accepts},
    {"CL beyond 2^64", post("Content-Length: 18446744073709551617\r\n", "h"), 400, Beast::refuses},
    {"CL beyond the limit", post("Content-Length: 18446744073709551615\r\n", "h"), 413, Beast::refuses},
    {"a body on GET", get(kHost + "Content-Length: 5\r\n") + "hello", 400, Beast::accepts},
    {"a chunked body on HEAD", "HEAD / HTTP/1.1\r\n" + kHost + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400,
     Beast::accepts},

    // codings
    {"TE twice", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400,
     Beast::refuses},
    {"TE twice, the first one strange", post("Transfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
     400, Beast::accepts},
    {"TE identity", post("Transfer-Encoding: identity\r\n"), 400, Beast::accepts},
    {"TE xchunked", post("Transfer-Encoding: xchunked\r\n"), 400, Beast::accepts},
    {"TE in quotes", post("Transfer-Encoding: \"chunked\"\r\n"), 400, Beast::accepts},
    {"TE with a parameter", post("Transfer-Encoding: chunked;q=1\r\n"), 400, Beast::accepts},
    {"TE empty", post("Transfer-Encoding:\r\n"), 400, Beast::accepts},
    {"TE chunked and then more", post("Transfer-Encoding: chunked, gzip\r\n"), 400, Beast::accepts},
    {"TE chunked twice in a list", post("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n"), 501, Beast::accepts},
    {"TE gzip and then chunked", post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"), 501, Beast::accepts},
    {"TE with a vertical tab",
     post("Transfer-Encoding:\x0b"
          "chunked\r\n"),
     400, Beast::refuses},
    {"TE and a space before the colon", post("Transfer-Encoding : chunked\r\n", "0\r\n\r\n"), 400, Beast::refuses},
    {"Content-Encoding", post("Content-Encoding: gzip\r\nContent-Length: 0\r\n"), 415, Beast::accepts},
    {"an Expect that is not known", post("Expect: 200-maybe\r\nContent-Length: 0\r\n"), 417, Beast::accepts},

    // chunks
    {"chunk size with 0x", chunked("0x5\r\nhello\r\n0\r\n\r\n"), 400, Beast::refuses},
    {"chunk size with a plus", chunked("+5\r\nhello\r\n0\r\n\r\n"), 400, Beast::refuses},
    {"chunk size with a minus", chunked("-5\r\nhello\r\n0\r\n\r\n"), 400, Beast::refuses},
    {"chunk size after a space", chunked(" 5\r\nhello\r\n0\r\n\r\n"), 400, Beast::refuses},
    {"chunk size before a space", chunked("5 \r\nhello\r\n0\r\n\r\n"), 400, Beast::refuses},
    {"no chunk size", chunked("\r\nhello\r\n0\r\n\r\n"), 400, Beast::refuses},
    {"chunk size of letters", chunked("g\r\nhello\r\n0\r\n\r\n"), 400, Beast::refuses},
    {"chunk size beyond 2^64", chunked("10000000000000005\r\nhello\r\n0\r\n\r\n"), 400, Beast::refuses},
    {"chunk size with 17 digits", chunked("00000000000000005\r\nhello\r\n0\r\n\r\n"), 400, Beast::accepts},
    {"chunk longer than its size", chunked("4\r\nhello\r\n0\r\n\r\n"), 400, Beast::refuses},
    {"chunk shorter than its size", chunked("6\r\nhello\r\n0\r\n\r\n"), 400, Beast::refuses},
    {"a chunk's line ends in LF", chunked("5\nhello\r\n0\r\n\r\n"), 400, Beast::refuses},
    {"a chunk's line ends in CR", chunked("5\rhello\r\n0\r\n\r\n"), 400, Beast::refuses},
    {"a chunk's data end in LF", chunked("5\r\nhello\n0\r\n\r\n"), 400, Beast::refuses},
    {"a chunk extension", chunked("5;a=b\r\nhello\r\n0\r\n\r\n"), 400, Beast::accepts},
    {"an extension of the last chunk", chunked("0;a\r\n\r\n"), 400, Beast::accepts},
    {"a trailer", chunked("5\r\nhello\r\n0\r\nX: y\r\n\r\n"), 400, Beast::accepts},
    {"Host in a trailer", chunked("0\r\nHost: evil\r\n\r\n"), 400, Beast::accepts},
    {"LF after the last chunk", chunked("0\r\n\n"), 400, Beast::accepts},  // it waits for more

    // lines
    {"bare LF after the request line", "GET / HTTP/1.1\n" + kHost + "\r\n", 400, Beast::refuses},
    {"bare LF after a field", get("Host: localhost:80\n"), 400, Beast::refuses},
    {"bare LF for the empty line", "GET / HTTP/1.1\r\n" + kHost + "\n", 400, Beast::accepts},  // it waits for more
    {"bare CR within a value", get(kHost + "X: a\rb\r\n"), 400, Beast::refuses},
    {"bare CR for the empty line", "GET / HTTP/1.1\r\n" + kHost + "\rX", 400, Beast::refuses},
    {"obs-fold", get(kHost + "X: a\r\n b\r\n"), 400, Beast::accepts},
    {"obs-fold by a tab", get(kHost + "X: a\r\n\tb\r\n"), 400, Beast::accepts},
    {"obs-fold of TE", post("Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n"), 400, Beast::accepts},
    {"a space before the first field", get(" " + kHost), 400, Beast::refuses},
    {"an empty line first", "\r\n" + get(kHost), 400, Beast::refuses},
    {"NUL in a value", get(kHost + "X: a" + kNul + "b\r\n"), 400, Beast::refuses},
    {"NUL in a name", get(kHost + "X" + kNul + ": a\r\n"), 400, Beast::refuses},
    {"NUL in the target", "GET /" + kNul + " HTTP/1.1\r\n" + kHost + "\r\n", 400, Beast::refuses},
    {"DEL in a value", get(kHost + "X: a\x7f\r\n"), 400, Beast::refuses},
    {"bytes beyond ASCII in a value", get(kHost + "X: caf\xc3\xa9\r\n"), 400, Beast::accepts},
    {"a field without a colon", get(kHost + "X\r\n"), 400, Beast::refuses},
    {"a field without a name", get(kHost + ": x\r\n"), 400, Beast::refuses},
    {"a space in a field's name", get(kHost + "X y: z\r\n"), 400, Beast::refuses},
    {"a space before a field's colon", get("Host : localhost:80\r\n"), 400, Beast::refuses},

    // request line
    {"no version", "GET /\r\n" + kHost + "\r\n", 400, Beast::refuses},
    {"HTTP/0.9", "GET / HTTP/0.9\r\n" + kHost + "\r\n", 505, Beast::refuses},
    {"HTTP/1.0", "GET / HTTP/1.0\r\n" + kHost + "\r\n", 505, Beast::accepts},
    {"HTTP/1.2", "GET / HTTP/1.2\r\n" + kHost + "\r\n", 505, Beast::refuses},
    {"HTTP/2.0", "PRI * HTTP/2.0\r\n\r\n", 505, Beast::refuses},
    {"a version in small letters", "GET / http/1.1\r\n" + kHost + "\r\n", 400, Beast::refuses},
    {"a version with more digits", "GET / HTTP/1.10\r\n" + kHost + "\r\n", 400, Beast::refuses},
    {"a space after the version", "GET / HTTP/1.1 \r\n" + kHost + "\r\n", 400, Beast::refuses},
    {"two spaces", "GET  / HTTP/1.1\r\n" + kHost + "\r\n", 400, Beast::refuses},
    {"a tab for a space", "GET\t/ HTTP/1.1\r\n" + kHost + "\r\n", 400, Beast::refuses},
    {"a method that is no token", "G(T / HTTP/1.1\r\n" + kHost + "\r\n", 400, Beast::refuses},
    {"TLS on this port", std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11), 400, Beast::refuses},

    // target
    {"authority form", "CONNECT localhost:80 HTTP/1.1\r\n" + kHost + "\r\n", 400, Beast::accepts},
    {"asterisk form", "OPTIONS * HTTP/1.1\r\n" + kHost + "\r\n", 400, Beast::accepts},
    {"absolute form for another host", target("http://evil/"), 400, Beast::accepts},
    {"absolute form for another port", target("http://localhost:81/"), 400, Beast::accepts},
    {"absolute form with a user", target("http://localhost:80@evil/"), 400, Beast::accepts},
    {"absolute form without a path", target("http://localhost:80"), 400, Beast::accepts},
    {"absolute form of another scheme", target("https://localhost:80/"), 400, Beast::accepts},
    {"a relative target", target("a"), 400, Beast::accepts},
    {"a fragment", target("/a#b"), 400, Beast::accepts},
    {"a backslash", target("/a\\b"), 400, Beast::accepts},
    {"a broken escape", target("/%2"), 400, Beast::accepts},
    {"a broken escape in the query", target("/?%zz"), 400, Beast::accepts},
    {"bytes beyond ASCII in the target", target("/\xc3\xa9"), 400, Beast::accepts},

    // fields that decide
    {"no Host", get("X: y\r\n"), 400, Beast::accepts},
    {"an empty Host", get("Host:\r\n"), 400, Beast::accepts},
    {"two Host", get(kHost + "Host: evil\r\n"), 400, Beast::accepts},
    {"two equal Host", get(kHost + kHost), 400, Beast::accepts},
    {"a list in Host", get("Host: localhost:80, evil\r\n"), 400, Beast::accepts},
    {"a user in Host", get("Host: a@localhost:80\r\n"), 400, Beast::accepts},
    {"a path in Host", get("Host: localhost:80/x\r\n"), 400, Beast::accepts},
    {"an open bracket in Host", get("Host: [::1\r\n"), 400, Beast::accepts},
    {"Host with an empty port", get("Host: localhost:\r\n"), 400, Beast::accepts},
    {"Authorization twice", get(kHost + "Authorization: a\r\nAuthorization: b\r\n"), 400, Beast::accepts},
    {"Idempotency-Key twice", post("Idempotency-Key: a\r\nIDEMPOTENCY-KEY: b\r\n"), 400, Beast::accepts},
    {"Range twice", get(kHost + "Range: bytes=0-1\r\nRange: bytes=2-3\r\n"), 400, Beast::accepts},
    {"Connection that is no list", get(kHost + "Connection: a b\r\n"), 400, Beast::refuses},

    // what is good, so that the rows above fail for their own reason
    {"a plain GET", get(kHost), 0, Beast::accepts},
    {"a plain POST", post("Content-Length: 5\r\n", "hello"), 0, Beast::accepts},
    {"a POST without a body", post(""), 0, Beast::accepts},
    {"a chunked POST", chunked("5\r\nhello\r\n0\r\n\r\n"), 0, Beast::accepts},
    {"an IPv6 Host", get("Host: [::1]:80\r\n"), 0, Beast::accepts},
    {"a tab within a value", get(kHost + "X: a\tb\r\n"), 0, Beast::accepts},
};

Beast beast_alone(const std::string& bytes) {
  boost::beast::http::request_parser<boost::beast::http::string_body> parser;
  parser.eager(true);
  boost::beast::error_code error;
  parser.put(boost::asio::buffer(bytes), error);
  return error && error != boost::beast::http::error::need_more ? Beast::refuses : Beast::accepts;
}

TEST_CASE("http reader: what is ambiguous or malformed is refused, at every split, and nothing behind it is read",
          "[http]") {
  const std::string behind = "GET /smuggled HTTP/1.1\r\n" + kHost + "\r\n";
  for (const Row& row : kRows) {
    INFO(row.what);
    const testing::Reading whole = testing::read({row.bytes, behind});
    CHECK(whole.status == row.status);
    CHECK(whole.requests.size() == (row.status == 0 ? 2 : 0));
    CHECK((row.status == 0 || !whole.reason.empty()));
    for (auto pieces : testing::all_splits(row.bytes)) {
      pieces.push_back(behind);
      REQUIRE(testing::read(pieces).text() == whole.text());
    }
  }
}

TEST_CASE("http reader: what Beast's parser alone refuses and accepts", "[http]") {
  for (const Row& row : kRows) {
    INFO(row.what);
    CHECK((beast_alone(row.bytes) == Beast::accepts) == (row.beast == Beast::accepts));
  }
}

}  // namespace
}  // namespace taskgraph::http
