#include "host/http/server.hpp"

#include <fcntl.h>
#include <sys/socket.h>

#include <filesystem>

#include "tests/support/catch.hpp"
#include "tests/support/http_world.hpp"

namespace taskgraph::http {
namespace {

using testing::Client;
using testing::World;

TEST_CASE("http server: requests of one connection, at once and one after another", "[http]") {
  World world;
  Client client(world.server->port());
  client.send(world.post("/echo", "one"));
  CHECK(client.read_answer().body == "one");
  client.send(world.post("/echo", "two") + world.head("GET /livez") + world.post("/echo", std::string(3000, 'x')));
  CHECK(client.read_answer().body == "two");
  CHECK(client.read_answer().body == "{\"live\": true}\n");
  const Client::Answer large = client.read_answer();
  CHECK(large.body == std::string(3000, 'x'));
  CHECK(large.head == "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: 3000\r\n\r\n");
  CHECK(world.server->stats().requests == 4);
  CHECK(world.server->stats().connections_accepted == 1);
}

TEST_CASE("http server: answers come in the order of the requests, whenever and wherever they are given", "[http]") {
  World world;
  Client client(world.server->port());
  client.send(world.post("/hold/a") + world.post("/echo", "now") + world.post("/hold/b") + world.post("/drop"));
  world.release("b");
  world.release("a");
  CHECK(client.read_answer().body == "released a");
  CHECK(client.read_answer().body == "now");
  CHECK(client.read_answer().body == "released b");
  const Client::Answer dropped = client.read_answer();
  CHECK(dropped.status == 503);
  CHECK(dropped.body == "{\"error\": \"the request was dropped unanswered; try again\"}\n");
}

TEST_CASE("http server: a held request does not hold up other connections", "[http]") {
  World world;
  Client waiting(world.server->port());
  Client other(world.server->port());
  waiting.send(world.post("/hold/a"));
  world.wait_for_held(1);
  other.send(world.post("/echo", "x"));
  CHECK(other.read_answer().body == "x");
  world.release("a");
  CHECK(waiting.read_answer().body == "released a");
}

TEST_CASE("http server: what is refused by the middleware keeps the connection, if it has no body", "[http]") {
  World world;
  Client client(world.server->port());
  const std::string host = "Host: localhost:" + std::to_string(world.server->port()) + "\r\n";
  client.send("GET /readyz HTTP/1.1\r\n" + host + "\r\nGET /echo HTTP/1.1\r\n" + host + "\r\n" +
              world.head("GET /nothing") + world.head("GET /echo") + world.head("HEAD /nothing") +
              world.head("HEAD /big/100"));
  CHECK(client.read_answer().status == 200);
  CHECK(client.read_answer().status == 401);
  CHECK(client.read_answer().status == 404);
  const Client::Answer other_method = client.read_answer();
  CHECK(other_method.status == 405);
  CHECK(other_method.head.find("\r\nAllow: POST\r\n") != std::string::npos);
  CHECK(client.read_answer(true).status == 404);
  CHECK(client.read_answer(true).head.find("\r\nContent-Length: 100\r\n") != std::string::npos);
  client.send("POST /echo HTTP/1.1\r\n" + host + "Content-Length: 5\r\n\r\n");  // the body is not waited for
  const Client::Answer with_body = client.read_answer();
  CHECK(with_body.status == 401);
  CHECK(with_body.head.find("\r\nConnection: close\r\n") != std::string::npos);
  CHECK(client.read_to_end().empty());
}

TEST_CASE("http server: a malformed request is answered after those before it, and ends the connection", "[http]") {
  World world;
  Client client(world.server->port());
  client.send(world.post("/hold/a") + "GET / HTTP/1.1\r\n\r\n" + world.post("/echo", "never"));
  world.release("a");
  CHECK(client.read_answer().body == "released a");
  const Client::Answer refused = client.read_answer();
  CHECK(refused.status == 400);
  CHECK(refused.body == "{\"error\": \"Host is missing\"}\n");
  CHECK(client.read_to_end().empty());
  CHECK(world.server->stats().requests_rejected == 1);
}

TEST_CASE("http server: who sends a lot after a malformed request can still read why", "[http]") {
  World world;
  Client client(world.server->port());
  client.send("GET / HTTP/1.1\r\n\r\n" + std::string(200'000, 'x'));
  CHECK(client.read_answer().status == 400);
  CHECK(client.read_to_end().empty());
}

TEST_CASE("http server: Connection: close is obeyed", "[http]") {
  World world;
  Client client(world.server->port());
  client.send(world.post("/echo", "last", "Connection: close\r\n") + world.post("/echo", "never"));
  const Client::Answer last = client.read_answer();
  CHECK(last.body == "last");
  CHECK(last.head.find("\r\nConnection: close\r\n") != std::string::npos);
  CHECK(client.read_to_end().empty());
}

TEST_CASE("http server: large bodies, of known length and chunked", "[http]") {
  World world;
  Client client(world.server->port());
  std::string body(3'000'000, '\0');
  for (std::size_t i = 0; i < body.size(); ++i) body[i] = static_cast<char>(i * 31 >> 3);
  client.send(world.post("/echo", body));
  CHECK((client.read_answer().body == body));
  client.send(world.head("POST /echo", "Transfer-Encoding: chunked\r\n") + "2DC6C0\r\n" + body + "\r\n0\r\n\r\n" +
              world.post("/echo", "x"));
  CHECK((client.read_answer().body == body));
  CHECK(client.read_answer().body == "x");
}

TEST_CASE("http server: 100 (Continue) is sent when the body will be taken, and in its turn", "[http]") {
  World world;
  Client client(world.server->port());
  const std::string expect = "Expect: 100-continue\r\n";
  client.send(world.post("/hold/a") + world.head("POST /echo", expect + "Content-Length: 3\r\n"));
  world.release("a");
  CHECK(client.read_answer().body == "released a");
  CHECK(client.read_answer().head == "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("abc");
  CHECK(client.read_answer().body == "abc");
  client.send(world.post("/echo", "came at once", expect));
  CHECK(client.read_answer().body == "came at once");
  client.send(world.head("PUT /small", expect + "Content-Length: 11\r\n"));
  CHECK(client.read_answer().status == 413);
  CHECK(client.read_to_end().empty());
}

TEST_CASE("http server: a route may take less of a body than the listener", "[http]") {
  World world;
  Client client(world.server->port());
  client.send(world.head("PUT /small", "Content-Length: 10\r\n") + "0123456789");
  CHECK(client.read_answer().status == 200);
  client.send(world.head("PUT /small", "Transfer-Encoding: chunked\r\n") + "b\r\n");
  CHECK(client.read_answer().status == 413);
}

TEST_CASE("http server: at the limit of open requests nothing more is taken, and nothing is lost", "[http]") {
  ServerLimits limits;
  limits.pipelined_requests_max = 2;
  World world(limits);
  Client client(world.server->port());
  std::string requests;
  for (int i = 0; i < 10; ++i) requests += world.post("/hold/" + std::to_string(i));
  client.send(requests);
  CHECK(world.wait_for_held(2) == 2);
  CHECK(world.server->stats().requests == 2);
  for (int i = 0; i < 10; ++i) {
    world.release(std::to_string(i));
    CHECK(client.read_answer().body == "released " + std::to_string(i));
  }
}

TEST_CASE("http server: a peer that does not read gets all of it once it does", "[http]") {
  ServerLimits limits;
  limits.output_bytes_max = 1000;
  World world(limits);
  Client client(world.server->port());
  std::string requests;
  for (int i = 0; i < 40; ++i) requests += world.head("GET /big/1000000") + world.post("/echo", std::to_string(i));
  client.send(requests);
  for (int i = 0; i < 40; ++i) {
    CHECK(client.read_answer().body.size() == 1'000'000);
    CHECK(client.read_answer().body == std::to_string(i));
  }
}

TEST_CASE("http server: a peer that has ended its side gets its answers", "[http]") {
  World world;
  SECTION("after a whole request") {
    Client client(world.server->port());
    client.send(world.post("/hold/a") + world.post("/echo", "x"));
    client.end_sending();
    world.release("a");
    CHECK(client.read_answer().body == "released a");
    CHECK(client.read_answer().body == "x");
    CHECK(client.read_to_end().empty());
  }
  SECTION("within a request") {
    Client client(world.server->port());
    client.send(world.post("/echo", "x") + "GET /li");
    client.end_sending();
    CHECK(client.read_answer().body == "x");
    CHECK(client.read_to_end().empty());
  }
  SECTION("at once") {
    Client client(world.server->port());
    client.end_sending();
    CHECK(client.read_to_end().empty());
  }
}

TEST_CASE("http server: only loopback, and a port of its own", "[http]") {
  boost::asio::io_context io;
  ServerOptions options;
  options.token = testing::kToken;
  options.address = boost::asio::ip::make_address("0.0.0.0");
  CHECK(Server::open(io, options, {}).error() == boost::system::errc::operation_not_permitted);
  options.address = boost::asio::ip::make_address("127.0.0.1");
  const auto first = Server::open(io, options, {});
  REQUIRE(first.has_value());
  options.port = first.value()->port();
  CHECK(options.port != 0);
  CHECK(Server::open(io, options, {}).error() == boost::system::errc::address_in_use);
}

TEST_CASE("http server: children inherit neither its port nor its connections", "[http]") {
  const World world;
  Client client(world.server->port());
  client.send(world.head("GET /livez"));
  REQUIRE(client.read_answer().status == 200);
  int sockets = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    const int descriptor = std::stoi(entry.path().filename());
    sockaddr_in address{};
    socklen_t size = sizeof address;
    if (::getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size) != 0) continue;
    if (address.sin_family != AF_INET || ntohs(address.sin_port) != world.server->port()) continue;
    ++sockets;
    CHECK((::fcntl(descriptor, F_GETFD) & FD_CLOEXEC) != 0);
  }
  CHECK(sockets == 2);  // the listening one and the connection
}

}  // namespace
}  // namespace taskgraph::http
