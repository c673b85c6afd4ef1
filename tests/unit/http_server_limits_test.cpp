/// What ends a connection of http::Server other than its requests: times, numbers, the server's own end.
#include <future>

#include "host/http/server.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/http_world.hpp"

namespace taskgraph::http {
namespace {

using testing::Client;
using testing::FastClock;
using testing::World;

/// The limits of the product, but for how often it looks: the clock runs fast, too.
ServerLimits watchful() {
  ServerLimits limits;
  limits.linger_time = core::milliseconds(50);
  return limits;
}

TEST_CASE("http server: a head, a body and a silence may last so long, a handler as long as it likes", "[http]") {
  FastClock clock;
  World world(watchful(), [&] { return clock.now(); });
  Client client(world.server->port());
  SECTION("head") {
    client.send(world.post("/echo", "x") + "GET /livez HT");
    CHECK(client.read_answer().body == "x");
    clock.run();
    const Client::Answer late = client.read_answer();
    CHECK(late.status == 408);
    CHECK(late.body == "{\"error\": \"the head took too long\"}\n");
    CHECK(client.read_to_end().empty());
  }
  SECTION("body") {
    client.send(world.post("/echo", "x") + world.head("POST /echo", "Content-Length: 3\r\n") + "ab");
    CHECK(client.read_answer().body == "x");
    clock.run();
    const Client::Answer late = client.read_answer();
    CHECK(late.status == 408);
    CHECK(late.body == "{\"error\": \"the body took too long\"}\n");
    CHECK(client.read_to_end().empty());
  }
  SECTION("silence") {
    client.send(world.post("/echo", "x"));
    CHECK(client.read_answer().body == "x");
    clock.run();
    CHECK(client.read_to_end().empty());
  }
  SECTION("silence from the start") {
    clock.run();
    CHECK(client.read_to_end().empty());
  }
  SECTION("handler") {
    client.send(world.post("/hold/a"));
    world.wait_for_held(1);
    clock.run();
    clock.wait_until({core::seconds(200).ns});
    CHECK(world.server->stats().connections_overdue == 0);
    world.release("a");
    CHECK(client.read_answer().body == "released a");
    CHECK(client.read_to_end().empty());
  }
  CHECK(world.server->stats().connections_overdue == 1);
}

TEST_CASE("http server: a peer that takes nothing of its answers for so long is cut off", "[http]") {
  FastClock clock;
  World world(watchful(), [&] { return clock.now(); });
  Client client(world.server->port());
  std::string requests;
  for (int i = 0; i < 100; ++i) requests += world.head("GET /big/1000000");
  client.send(requests);
  CHECK(client.read_answer().body.size() == 1'000'000);
  clock.run();
  while (world.server->stats().connections_overdue == 0) clock.now();
  CHECK(client.read_to_end().size() < 99'000'000);
}

TEST_CASE("http server: one too many makes the longest idle give way", "[http]") {
  ServerLimits limits;
  limits.connections_max = 2;
  World world(limits);
  Client first(world.server->port());
  Client second(world.server->port());
  const auto ask = [&](Client& client) {
    client.send(world.post("/echo", "x"));
    CHECK(client.read_answer().body == "x");
  };
  ask(first);
  ask(second);
  ask(first);
  Client third(world.server->port());
  ask(third);
  CHECK(second.read_to_end().empty());
  ask(first);
  CHECK(world.server->stats().connections_evicted == 1);
}

TEST_CASE("http server: when all have requests, one too many is refused", "[http]") {
  ServerLimits limits;
  SECTION("of all") {
    limits.connections_max = 2;
  }
  SECTION("of one peer") {
    limits.connections_per_peer_max = 2;
  }
  World world(limits);
  Client first(world.server->port());
  Client second(world.server->port());
  first.send(world.post("/hold/a"));
  second.send(world.post("/hold/b"));
  world.wait_for_held(2);
  Client third(world.server->port());
  CHECK(third.read_answer().status == 503);
  CHECK(third.read_to_end().empty());
  CHECK(world.server->stats().connections_refused == 1);
  world.release("a");
  world.release("b");
  CHECK(first.read_answer().status == 200);
  CHECK(second.read_answer().status == 200);
}

TEST_CASE("http server: bodies under way have a limit together", "[http]") {
  ServerLimits limits;
  limits.bodies_bytes_max = 100'000;
  World world(limits);
  Client first(world.server->port());
  first.send(world.head("POST /echo", "Expect: 100-continue\r\nContent-Length: 60000\r\n"));
  CHECK(first.read_answer().head == "HTTP/1.1 100 Continue\r\n\r\n");
  Client second(world.server->port());
  second.send(world.head("POST /echo", "Expect: 100-continue\r\nContent-Length: 60000\r\n"));
  CHECK(second.read_answer().status == 503);
  CHECK(second.read_to_end().empty());
  Client third(world.server->port());
  third.send(world.head("POST /echo", "Transfer-Encoding: chunked\r\n") + "fde8\r\n" + std::string(65'000, 'x'));
  CHECK(third.read_answer().status == 503);
  first.send(std::string(60'000, 'x'));
  CHECK(first.read_answer().body.size() == 60'000);
  first.send(world.head("POST /echo", "Expect: 100-continue\r\nContent-Length: 100000\r\n"));  // all is given back
  CHECK(first.read_answer().head == "HTTP/1.1 100 Continue\r\n\r\n");
}

TEST_CASE("http server: it closes after the requests that it has taken", "[http]") {
  std::promise<void> closed;  // the server's thread must not outlive it
  std::future<void> is_closed = closed.get_future();
  World world;
  Client idle(world.server->port());
  Client waiting(world.server->port());
  waiting.send(world.post("/hold/a") + "GET /li");
  world.wait_for_held(1);
  world.server->close([&] { closed.set_value(); });
  CHECK(idle.read_to_end().empty());
  CHECK_THROWS(Client(world.server->port()));
  CHECK(is_closed.wait_for(std::chrono::seconds(0)) == std::future_status::timeout);
  world.release("a");
  const Client::Answer last = waiting.read_answer();
  CHECK(last.body == "released a");
  CHECK(last.head.find("\r\nConnection: close\r\n") != std::string::npos);
  CHECK(waiting.read_to_end().empty());
  is_closed.wait();
}

TEST_CASE("http server: what is not answered in time is cut off when it closes", "[http]") {
  ServerLimits limits;
  limits.close_time = core::milliseconds(10);
  std::promise<void> closed;
  World world(limits);
  Client waiting(world.server->port());
  waiting.send(world.post("/hold/a"));
  world.wait_for_held(1);
  world.server->close([&] { closed.set_value(); });
  closed.get_future().wait();
  CHECK(world.server->stats().connections_open == 0);
  CHECK(waiting.read_to_end().empty());
  world.release("a");  // to nobody
}

TEST_CASE("http server: answers from many threads, requests on many connections", "[http]") {
  constexpr int kConnections = 8;
  constexpr int kRequests = 50;
  World world;
  std::vector<std::unique_ptr<Client>> clients;
  for (int c = 0; c < kConnections; ++c) {
    clients.push_back(std::make_unique<Client>(world.server->port()));
    std::string requests;
    for (int r = 0; r < kRequests; ++r) requests += world.post("/hold/" + std::to_string(c) + "-" + std::to_string(r));
    clients.back()->send(requests);
  }
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int r = kRequests - 1; r >= 0; --r) {
        for (int c = t; c < kConnections; c += 4) world.release(std::to_string(c) + "-" + std::to_string(r));
      }
    });
  }
  for (int c = 0; c < kConnections; ++c) {
    for (int r = 0; r < kRequests; ++r) {
      CHECK(clients[static_cast<std::size_t>(c)]->read_answer().body ==
            "released " + std::to_string(c) + "-" + std::to_string(r));
    }
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace taskgraph::http
