#include "host/runtime/signals.hpp"

#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <cerrno>
#include <csignal>

#include "tests/support/catch.hpp"

namespace taskgraph::runtime {
namespace {

using Seen = std::vector<std::pair<StopSignals::Request, int>>;

/// Each look at it is a second after the last.
StopSignals::Clock hasty_clock() {
  return [at = core::Time{}]() mutable { return at = at + core::seconds(1); };
}

TEST_CASE("signals: the first drains, the second stops at once, a third changes nothing") {
  boost::asio::io_context io;
  Seen seen;
  StopSignals signals(
      io, [&](StopSignals::Request request, int signal) { seen.emplace_back(request, signal); }, hasty_clock());
  REQUIRE(::raise(SIGTERM) == 0);
  while (seen.empty()) io.run_one();
  CHECK(seen == Seen{{StopSignals::Request::drain, SIGTERM}});
  REQUIRE(::raise(SIGINT) == 0);
  io.run();  // ends: after the second signal nothing is waited for
  REQUIRE(::raise(SIGTERM) == 0);
  io.restart();
  io.poll();
  CHECK(seen == Seen{{StopSignals::Request::drain, SIGTERM}, {StopSignals::Request::stop_at_once, SIGINT}});
}

TEST_CASE("signals: a second one that comes before the first was handled is not lost") {
  boost::asio::io_context io;
  Seen seen;
  StopSignals signals(
      io, [&](StopSignals::Request request, int signal) { seen.emplace_back(request, signal); }, hasty_clock());
  REQUIRE(::raise(SIGINT) == 0);
  REQUIRE(::raise(SIGINT) == 0);
  io.run();
  CHECK(seen == Seen{{StopSignals::Request::drain, SIGINT}, {StopSignals::Request::stop_at_once, SIGINT}});
}

TEST_CASE("signals: what follows the first within 500 ms is one request with it") {
  boost::asio::io_context io;
  Seen seen;
  core::Time now{1'000};
  int looks = 0;
  StopSignals signals(
      io, [&](StopSignals::Request request, int signal) { seen.emplace_back(request, signal); },
      [&] { return ++looks, now; });
  const auto signal_at = [&](core::Time at) {
    now = at;
    REQUIRE(::raise(SIGTERM) == 0);
    for (const int before = looks; looks == before;) io.run_one();
  };
  signal_at(core::Time{1'000});
  signal_at(core::Time{999} + StopSignals::kSameRequest);
  CHECK(seen == Seen{{StopSignals::Request::drain, SIGTERM}});
  signal_at(core::Time{1'000} + StopSignals::kSameRequest);
  CHECK(seen == Seen{{StopSignals::Request::drain, SIGTERM}, {StopSignals::Request::stop_at_once, SIGTERM}});
}

TEST_CASE("signals: cancelled, also by the handler, they keep nobody waiting") {
  boost::asio::io_context io;
  int calls = 0;
  StopSignals* self = nullptr;
  StopSignals signals(io, [&](StopSignals::Request, int) {
    ++calls;
    self->cancel();
  });
  self = &signals;
  REQUIRE(::raise(SIGTERM) == 0);
  io.run();
  REQUIRE(::raise(SIGTERM) == 0);
  CHECK(calls == 1);
}

TEST_CASE("signals: given back when nobody waits for them any more") {
  {
    boost::asio::io_context io;
    const StopSignals signals(io, [](StopSignals::Request, int) {});
  }
  struct sigaction now {};
  REQUIRE(::sigaction(SIGTERM, nullptr, &now) == 0);
  CHECK(now.sa_handler == SIG_DFL);
}

TEST_CASE("signals: a broken pipe is an error, not the end") {
  struct sigaction before {};
  REQUIRE(::sigaction(SIGPIPE, nullptr, &before) == 0);
  ignore_broken_pipes();
  std::array<int, 2> ends{};
  REQUIRE(::pipe(ends.data()) == 0);
  ::close(ends[0]);
  CHECK(::write(ends[1], "x", 1) == -1);
  CHECK(errno == EPIPE);
  ::close(ends[1]);
  REQUIRE(::sigaction(SIGPIPE, &before, nullptr) == 0);
}

}  // namespace
}  // namespace taskgraph::runtime
