/// Bodies that are fetched: what breaks in the middle goes on where it stopped.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <thread>
#include <variant>

#include "host/dataplane/calls.hpp"
#include "host/dataplane/plane.hpp"
#include "host/process/descriptor.hpp"
#include "host/wire/encoder.hpp"
#include "host/wire/frame_codec.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/plane_life.hpp"

namespace taskgraph::dataplane {
namespace {

using namespace core;
using namespace tests;
using process::Descriptor;

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

Descriptor connected_to(std::uint16_t port) {
  Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_in address = loopback(port);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return {};
  return socket;
}

std::string patterned(std::size_t bytes) {
  std::string text(bytes, '\0');
  for (std::size_t i = 0; i < bytes; ++i) text[i] = static_cast<char>(i * 2654435761U >> 13U);
  return text;
}

std::size_t count_of(std::string_view text, std::string_view what) {
  std::size_t count = 0;
  for (std::size_t at = text.find(what); at != std::string_view::npos; at = text.find(what, at + 1)) ++count;
  return count;
}

/// Stands in front of a plane's listener, and cuts each connection that has brought `cut_after` bytes from there.
class CuttingProxy {
 public:
  CuttingProxy(std::uint16_t to, std::size_t cut_after) : to_(to), cut_after_(cut_after) {
    listener_ = Descriptor(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    REQUIRE(::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), size) == 0);
    REQUIRE(::listen(listener_.get(), 16) == 0);
    REQUIRE(::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port_ = ntohs(address.sin_port);
    std::array<int, 2> pipe{};
    REQUIRE(::pipe2(pipe.data(), O_CLOEXEC) == 0);
    stopped_ = Descriptor(pipe[0]);
    stop_ = Descriptor(pipe[1]);
    thread_ = std::thread([this] { accept(); });
  }
  ~CuttingProxy() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    stop_ = Descriptor();  // its other end hangs up
    thread_.join();
    for (std::thread& one : connections_) one.join();
  }

  std::uint16_t port() const { return port_; }
  /// All that callers have said. Once the bodies are there that matter.
  std::string asked() {
    const std::lock_guard lock(mutex_);
    return asked_;
  }
  std::size_t answered_bytes() {
    const std::lock_guard lock(mutex_);
    return answered_bytes_;
  }

 private:
  void accept() {
    for (;;) {
      Descriptor caller(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!caller.is_open()) return;
      connections_.emplace_back([this, from = std::move(caller)] { pass_on(from.get()); });
    }
  }

  /// Until either end closes, or it is cut, or the proxy ends.
  void pass_on(int caller) {
    const Descriptor plane = connected_to(to_);
    std::array<pollfd, 3> ends{{{caller, POLLIN, 0}, {plane.get(), POLLIN, 0}, {stopped_.get(), POLLIN, 0}}};
    std::string bytes(16 * 1024, '\0');
    for (std::size_t answered = 0; answered < cut_after_;) {
      if (::poll(ends.data(), ends.size(), -1) < 0 || ends[2].revents != 0) return;
      const bool asks = ends[0].revents != 0;
      const ssize_t count = ::recv(asks ? caller : plane.get(), bytes.data(), bytes.size(), 0);
      if (count <= 0) return;
      const std::string_view got(bytes.data(), static_cast<std::size_t>(count));
      {
        const std::lock_guard lock(mutex_);
        if (asks) asked_ += got;
        if (!asks) answered_bytes_ += got.size();
      }
      if (!asks) answered += got.size();
      for (std::size_t sent = 0; sent < got.size();) {
        const ssize_t one = ::send(asks ? plane.get() : caller, got.data() + sent, got.size() - sent, MSG_NOSIGNAL);
        if (one < 0) return;
        sent += static_cast<std::size_t>(one);
      }
    }
  }

  const std::uint16_t to_;
  const std::size_t cut_after_;
  Descriptor listener_;
  Descriptor stop_;
  Descriptor stopped_;
  std::uint16_t port_ = 0;
  std::thread thread_;
  std::vector<std::thread> connections_;  // of thread_
  std::mutex mutex_;
  std::string asked_;  // guarded by mutex_, as the next
  std::size_t answered_bytes_ = 0;
};

TEST_CASE("a transfer that breaks goes on where it stopped", "[dataplane]") {
  const Secret secret = random_secret();
  Life a(kA, secret);
  Life b(kB, secret);
  const std::string body = patterned(5U * 1024 * 1024);
  CuttingProxy proxy(a.plane.port(), 1'500'000);
  b.plane.know({{{kA, proxy.port()}, {kB, b.plane.port()}}});
  a.plane.know({{{kA, a.plane.port()}, {kB, b.plane.port()}}});
  a.plane.send(kB, framed(PullRequest{1, "put", Bytes(body)}, 1));
  REQUIRE(b.wait_for("request 1 of " + std::to_string(body.size())));
  {
    const std::lock_guard lock(b.mutex);
    const bool same = b.bodies.front().view() == body;
    CHECK(same);
  }
  const std::string asked = proxy.asked();
  CHECK(count_of(asked, "GET /v1/blobs/") == 4);  // 1.5 MB each, and the rest
  CHECK(count_of(asked, "Range: bytes=") == 3);
  CHECK(proxy.answered_bytes() < body.size() + 500'000);  // nothing comes twice but what the cut has thrown away
}

TEST_CASE("a transfer that breaks again and again is given up until it is announced again", "[dataplane]") {
  const Secret secret = random_secret();
  Life a(kA, secret);
  Life b(kB, secret);
  const std::string body = patterned(1024 * 1024);
  CuttingProxy proxy(a.plane.port(), 20'000);
  b.plane.know({{{kA, proxy.port()}, {kB, b.plane.port()}}});
  a.plane.know({{{kA, a.plane.port()}, {kB, b.plane.port()}}});
  a.plane.send(kB, framed(PullRequest{1, "put", Bytes(body)}, 1));
  a.plane.send(kB, framed(PullRequest{2, "put", Bytes(std::string(70'000, 'x'))}, 2));
  // 8 calls for the first one do not bring it; the second one takes its turn, and needs only 5.
  REQUIRE(b.wait_for("request 2 of 70000"));
  CHECK_FALSE(b.has("request 1 of " + std::to_string(body.size())));
  b.plane.know({{{kA, a.plane.port()}, {kB, b.plane.port()}}});
  a.plane.send(kB, framed(PullRequest{1, "put", Bytes(body)}, 1));
  CHECK(b.wait_for("request 1 of " + std::to_string(body.size())));
}

/// A life that speaks by hand, to a plane that does not know where it listens.
class HandCaller {
 public:
  HandCaller(LifeId own, LifeId to, std::uint16_t port, const Secret& secret)
      : own_(own), to_(to), port_(port), socket_(connected_to(port)) {
    Handshake handshake{own, to, random_nonce(), {}};
    std::string hello;
    wire::Encoder out(hello);
    out.uuid(kJob);
    out.uuid(own);
    out.uuid(to);
    out.raw(bytes_of(handshake.caller_nonce));
    out.flush();
    const std::string said = call("POST /v1/hello", "", hello);
    REQUIRE(said.starts_with("HTTP/1.1 200 OK\r\n"));
    const std::string answer = said.substr(said.find("\r\n\r\n") + 4);
    std::memcpy(handshake.listener_nonce.data(), answer.data(), kNonceBytes);
    const Proof proof = prove(secret, Side::caller, handshake);
    REQUIRE(call("POST /v1/prove", "", std::string(bytes_of(proof))).starts_with("HTTP/1.1 200 OK\r\n"));
  }

  /// The whole response.
  std::string call(const std::string& target, const std::string& fields, const std::string& body) {
    const std::string request = target + " HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(port_) + "\r\n" + fields +
                                "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    REQUIRE(::send(socket_.get(), request.data(), request.size(), MSG_NOSIGNAL) ==
            static_cast<ssize_t>(request.size()));
    std::string response;
    for (;;) {
      const std::size_t end = response.find("\r\n\r\n");
      const std::size_t length = response.find("Content-Length: ");
      if (end != std::string::npos && length < end) {
        const std::size_t size = std::stoul(response.substr(length + 16));
        if (response.size() == end + 4 + size) return response;
      }
      std::array<char, 4096> bytes{};
      const ssize_t count = ::recv(socket_.get(), bytes.data(), bytes.size(), 0);
      REQUIRE(count > 0);
      response.append(bytes.data(), static_cast<std::size_t>(count));
    }
  }

  /// What waits for this life, brought by the response to an empty batch.
  wire::AnnouncedRequest fetch_announcement() {
    std::string batch;
    const wire::BatchWriter writer(batch, {kJob, own_, to_});
    const std::string response = call("POST /v1/frames", "", batch);
    wire::BatchReader reader(std::string_view(response).substr(response.find("\r\n\r\n") + 4));
    const auto message = reader.next();
    REQUIRE(message.has_value());
    return std::get<wire::AnnouncedRequest>(*message);
  }

 private:
  const LifeId own_;
  const LifeId to_;
  const std::uint16_t port_;
  Descriptor socket_;
};

TEST_CASE("a part of a body is asked for by Range, and what it does not have is refused", "[dataplane]") {
  const Secret secret = random_secret();
  Life a(kA, secret);
  const std::string body = patterned(100'000);
  a.plane.send(kB, framed(PullRequest{1, "put", Bytes(body)}, 1));
  HandCaller caller(kB, kA, a.plane.port(), secret);
  const std::string target = "GET /v1/blobs/" + hex(caller.fetch_announcement().body.id);
  const auto ends_with = [&](const std::string& response, std::size_t from) {
    return response.ends_with("\r\n\r\n" + body.substr(from));
  };

  const std::string part = caller.call(target, "Range: bytes=99990-\r\n", "");
  CHECK(part.starts_with("HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 99990-99999/100000\r\n"));
  CHECK(ends_with(part, 99'990));
  // Whoever asks for something on a connection has what was sent there: the body is gone.
  CHECK(caller.call(target, "", "").starts_with("HTTP/1.1 404 "));

  a.plane.send(kB, framed(PullRequest{1, "put", Bytes(body)}, 1));
  const std::string again = "GET /v1/blobs/" + hex(caller.fetch_announcement().body.id);
  CHECK(caller.call(again, "Range: bytes=100000-\r\n", "").starts_with("HTTP/1.1 416 "));
  for (const char* range : {"bytes=1-2", "bytes=-5", "bytes=x-", "bytes=-", "pages=1-", "bytes=1-,5-"}) {
    INFO(range);
    HandCaller other(kB, kA, a.plane.port(), secret);
    const std::string all = other.call(again, std::string("Range: ") + range + "\r\n", "");
    CHECK(all.starts_with("HTTP/1.1 200 OK\r\n"));
    CHECK(ends_with(all, 0));
  }
}

}  // namespace
}  // namespace taskgraph::dataplane
