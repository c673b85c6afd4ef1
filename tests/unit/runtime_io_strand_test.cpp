#include "host/runtime/io_strand.hpp"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "host/core/assert.hpp"
#include "host/process/descriptor.hpp"
#include "tests/support/catch.hpp"

namespace taskgraph::runtime {
namespace {

using process::Descriptor;

/// Sends back what it reads, and upper case letters for what is posted.
class Echo final : public IoStrand {
 public:
  struct Letter : Node {
    explicit Letter(char of) : letter(of) {}
    char letter;
  };

  Echo(Executor& executor, Descriptor socket) : IoStrand(executor), socket_(std::move(socket)) {}
  ~Echo() override {
    for (Node* node = take_posted(); node != nullptr;) {
      const std::unique_ptr<Letter> letter(static_cast<Letter*>(node));
      node = node->next;
    }
  }
  void start() { watch(socket_.get()); }
  void say(char letter) { post(new Letter(letter)); }
  std::uint64_t runs() const { return runs_; }

 private:
  void ready(std::uint32_t events, core::Time) override {
    ++runs_;
    if ((events & EPOLLIN) == 0) return;
    std::array<char, 4096> bytes{};
    for (ssize_t count = 0; (count = ::read(socket_.get(), bytes.data(), bytes.size())) > 0;) {
      write(bytes.data(), static_cast<std::size_t>(count));
    }
  }
  void posted(Node* batch, bool, core::Time) override {
    while (batch != nullptr) {
      const std::unique_ptr<Letter> letter(static_cast<Letter*>(batch));
      batch = batch->next;
      write(&letter->letter, 1);
    }
  }
  void write(const char* bytes, std::size_t size) {
    TG_ASSERT(::write(socket_.get(), bytes, size) == static_cast<ssize_t>(size));  // REQUIRE is for the test's thread
  }

  const Descriptor socket_;
  std::atomic<std::uint64_t> runs_{0};
};

struct Ends {
  Ends() {
    std::array<int, 2> ends{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
    REQUIRE(::fcntl(ends[1], F_SETFL, O_NONBLOCK) == 0);
    ours = Descriptor(ends[0]);
    theirs = Descriptor(ends[1]);
  }
  std::string ask(const std::string& text) {
    REQUIRE(::write(ours.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    return read(text.size());
  }
  /// Blocks until so many bytes are there.
  std::string read(std::size_t size) {
    std::string text(size, '\0');
    REQUIRE(::recv(ours.get(), text.data(), size, MSG_WAITALL) == static_cast<ssize_t>(size));
    return text;
  }
  Descriptor ours;
  Descriptor theirs;
};

TEST_CASE("a strand is told of its descriptor, and of what is posted, whatever the number of threads",
          "[executor][io]") {
  for (const unsigned threads : {1U, 2U, 4U}) {
    Executor executor(threads);
    Ends ends;
    Echo echo(executor, std::move(ends.theirs));
    echo.start();
    for (int round = 0; round < 200; ++round) {
      CHECK(ends.ask("hello") == "hello");
      echo.say('A');
      CHECK(ends.read(1) == "A");
    }
    executor.stop();
  }
}

TEST_CASE("what is there before a descriptor is watched is told, too", "[executor][io]") {
  Executor executor(1);
  Ends ends;
  REQUIRE(::write(ends.ours.get(), "early", 5) == 5);
  Echo echo(executor, std::move(ends.theirs));
  echo.start();
  CHECK(ends.read(5) == "early");
  executor.stop();
}

/// Always has something to do.
class Busy final : public Strand {
 public:
  using Strand::Strand;
  ~Busy() override {
    for (Node* node = take_rest(); node != nullptr;) {
      const std::unique_ptr<Node> one(node);
      node = node->next;
    }
  }

 private:
  void run(Node* batch, bool, core::Time) override {
    while (batch != nullptr) {
      Node* const again = batch;
      batch = batch->next;
      post(again);
    }
  }
};

TEST_CASE("descriptors get their turn while all threads have other things to do without end", "[executor][io]") {
  Executor executor(2);
  Ends ends;
  Echo echo(executor, std::move(ends.theirs));
  Busy first(executor);
  Busy second(executor);
  Busy third(executor);
  for (Busy* busy : {&first, &second, &third}) busy->post(new Strand::Node);
  echo.start();
  for (int round = 0; round < 20; ++round) CHECK(ends.ask("hello") == "hello");
  executor.stop();
}

/// Keeps its thread until it is let go.
class Stuck final : public Strand {
 public:
  using Strand::Strand;
  std::atomic<bool> is_in{false};
  std::atomic<bool> may_go{false};

 private:
  void run(Node* batch, bool, core::Time) override {
    const std::unique_ptr<Node> node(batch);
    is_in = true;
    is_in.notify_all();
    may_go.wait(false);
  }
};

TEST_CASE("a hook that keeps its thread does not keep the descriptors from the other threads", "[executor][io]") {
  Executor executor(2);
  Ends ends;
  Echo echo(executor, std::move(ends.theirs));
  echo.start();
  Stuck stuck(executor);
  CHECK(ends.ask("before") == "before");
  stuck.post(new Strand::Node);
  stuck.is_in.wait(false);
  for (int round = 0; round < 20; ++round) CHECK(ends.ask("hello") == "hello");
  stuck.may_go = true;
  stuck.may_go.notify_all();
  executor.stop();
}

TEST_CASE("a peer that goes away is told once", "[executor][io]") {
  Executor executor(1);
  Ends ends;
  Ends other;
  Echo echo(executor, std::move(ends.theirs));
  Echo second(executor, std::move(other.theirs));
  echo.start();
  second.start();
  CHECK(ends.ask("x") == "x");
  ends.ours = Descriptor();
  CHECK(other.ask("y") == "y");
  const std::uint64_t runs = echo.runs();
  for (int round = 0; round < 10; ++round) CHECK(other.ask("y") == "y");
  CHECK(echo.runs() <= runs + 1);
  executor.stop();
}

}  // namespace
}  // namespace taskgraph::runtime
