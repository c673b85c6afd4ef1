#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <set>
#include <string>
#include <utility>

#include "host/process/child.hpp"
#include "host/process/descendants.hpp"
#include "host/process/shared_memory.hpp"
#include "tests/support/catch.hpp"

namespace taskgraph::process {
namespace {

struct Pipe {
  Pipe() {
    std::array<int, 2> ends{};
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
    read = Descriptor(ends[0]);
    write = Descriptor(ends[1]);
  }
  /// All that comes until every writer has closed.
  std::string rest() {
    write = Descriptor();
    std::string text;
    std::array<char, 256> piece{};
    for (ssize_t count = 0; (count = ::read(read.get(), piece.data(), piece.size())) > 0;) {
      text.append(piece.data(), static_cast<std::size_t>(count));
    }
    return text;
  }
  Descriptor read;
  Descriptor write;
};

Child shell(const std::string& script, std::vector<int> descriptors = {}) {
  return Child::spawn({"/bin/sh", {"-c", script}, std::move(descriptors)});
}

TEST_CASE("a child's ending says how it ended", "[process]") {
  CHECK(shell("exit 0").reap().text() == "exited with 0");
  CHECK(shell("exit 70").reap().text() == "exited with 70");
  CHECK(shell("ulimit -c 0; kill -SEGV $$").reap().text() == "ended by SIGSEGV");
  CHECK(shell("kill -KILL $$").reap().text() == "ended by SIGKILL");
}

TEST_CASE("what runs is not reaped; its pidfd becomes readable when it ends", "[process]") {
  const Pipe stays;
  Child child = shell("read line", {stays.read.get()});
  CHECK_FALSE(child.try_reap().has_value());
  pollfd ended{child.pidfd(), POLLIN, 0};
  CHECK(::poll(&ended, 1, 0) == 0);
  child.signal(SIGTERM);
  CHECK(::poll(&ended, 1, 30'000) == 1);
  CHECK(child.try_reap().value().text() == "ended by SIGTERM");
  CHECK(child.try_reap().value().text() == "ended by SIGTERM");
  child.signal(SIGKILL);  // to nobody
}

TEST_CASE("a child that is let go does not outlive its object", "[process]") {
  Pipe pipe;
  const Pipe stays;
  { const Child child = shell("read line; echo woke", {stays.read.get(), pipe.write.get()}); }
  CHECK(pipe.rest().empty());  // its end is closed: it is gone
}

TEST_CASE("a child has the descriptors that it was given, in their order, and no others", "[process]") {
  Pipe first;
  Pipe second;
  const Pipe not_given;
  // The places are swapped on the way: 1 and 2 of the child are the higher and the lower number here.
  Child child = shell("echo out; echo err >&2; ls /proc/self/fd | wc -l",
                      {not_given.read.get(), second.write.get(), first.write.get()});
  CHECK(child.reap().text() == "exited with 0");
  CHECK(first.rest() == "err\n");
  CHECK(second.rest() == "out\n4\n");  // 0, 1, 2 and the folder itself
}

TEST_CASE("a program that does not exist is an error of the spawn", "[process]") {
  CHECK_THROWS_WITH(Child::spawn({"/nonexistent/program", {}, {}}), Catch::Contains("/nonexistent/program"));
}

TEST_CASE("what a child leaves behind is ended, daemons included, and who is known is not", "[process]") {
  become_subreaper();
  Pipe pipe;
  const Pipe stays;
  Child known = shell("read line", {stays.read.get()});
  // A background process, and one in a session of its own whose parent has ended.
  // From descriptor 3, as a shell gives what runs in the background another standard input.
  Child child = shell("(read a <&3) & (setsid sh -c '(read b <&3; echo b) & echo up' &) ; wait $!",
                      {stays.read.get(), pipe.write.get(), STDERR_FILENO, stays.read.get()});
  std::array<char, 3> up{};
  REQUIRE(::read(pipe.read.get(), up.data(), up.size()) == 3);
  child.signal(SIGKILL);
  child.reap();
  CHECK(end_orphans([&](pid_t pid) { return pid == known.pid(); }) >= 1);
  CHECK(pipe.rest().empty());  // nobody has it open any more
  CHECK(children() == std::vector<pid_t>{known.pid()});
  CHECK_FALSE(known.try_reap().has_value());
}

TEST_CASE("shared memory is one for all, and read-only where it is given so", "[process]") {
  SharedMemory made = SharedMemory::make("test", 4096);
  auto* number = static_cast<std::uint64_t*>(made.address());
  const Descriptor descriptor = made.read_only();
  const SharedMemory mapped = SharedMemory::map(descriptor, 4096, SharedMemory::Access::read);
  *number = 42;
  CHECK(*static_cast<const std::uint64_t*>(mapped.address()) == 42);
  CHECK_THROWS_AS(SharedMemory::map(descriptor, 4096, SharedMemory::Access::read_write), std::system_error);
  CHECK_THROWS_WITH(SharedMemory::map(descriptor, 8192, SharedMemory::Access::read), Catch::Contains("4096"));
  CHECK(::ftruncate(made.descriptor().get(), 0) != 0);
}

}  // namespace
}  // namespace taskgraph::process
