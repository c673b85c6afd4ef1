/// What a supervisor holds of a worker: its output, and the link.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <condition_variable>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "host/process/child.hpp"
#include "host/processes/control_link.hpp"
#include "host/processes/worker_output.hpp"
#include "host/wire/control_codec.hpp"
#include "tests/support/catch.hpp"

namespace taskgraph::processes {
namespace {

/// What happened, in order; `ended` is the last of one process.
class Notes {
 public:
  void note(std::string one) {
    const std::lock_guard lock(mutex_);
    notes_.push_back(std::move(one));
    changed_.notify_all();
  }
  /// All notes, when there are `count` of "ended".
  std::string until_ended(std::ptrdiff_t count = 1) {
    std::unique_lock lock(mutex_);
    const bool came = changed_.wait_for(lock, std::chrono::seconds(30),
                                        [&] { return std::count(notes_.begin(), notes_.end(), "ended") == count; });
    std::string all;
    for (const std::string& one : notes_) all += one;
    return came ? all : "not ended: " + all;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> notes_;
};

process::Descriptor null_input() {
  return process::Descriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC));
}

struct OutputStory {
  ~OutputStory() { executor.stop(); }
  void run(const std::string& script) {
    std::array<int, 2> ends{};
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
    process::Descriptor read(ends[0]);
    const process::Descriptor write(ends[1]);
    ::fcntl(read.get(), F_SETFL, O_NONBLOCK);
    const process::Descriptor input = null_input();
    children.push_back(process::Child::spawn({"/bin/sh", {"-c", script}, {input.get(), write.get(), write.get()}}));
    output.start(std::move(read), children.back().pidfd());
  }
  Notes notes;
  std::vector<process::Child> children;
  runtime::Executor executor{1};
  WorkerOutput output{
      executor, {[this](std::string_view lines) { notes.note(std::string(lines)); }, [this] { notes.note("ended"); }}};
};

TEST_CASE("what a process has written is told before its end, a last line without its end, too",
          "[processes][output]") {
  OutputStory story;
  story.run("echo one; echo two >&2; printf three");
  CHECK(story.notes.until_ended() == "one\ntwo\nthree\nended");
}

TEST_CASE("the end of a process is told though another one keeps its output open", "[processes][output]") {
  OutputStory story;
  std::array<int, 2> stays{};
  REQUIRE(::pipe2(stays.data(), O_CLOEXEC) == 0);
  const process::Descriptor read(stays[0]);
  process::Descriptor write(stays[1]);
  std::array<int, 2> ends{};
  REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
  process::Descriptor output(ends[0]);
  const process::Descriptor of_child(ends[1]);  // open here all the time
  ::fcntl(output.get(), F_SETFL, O_NONBLOCK);
  const process::Descriptor input = null_input();
  story.children.push_back(
      process::Child::spawn({"/bin/sh", {"-c", "echo one"}, {input.get(), of_child.get(), of_child.get()}}));
  story.output.start(std::move(output), story.children.back().pidfd());
  CHECK(story.notes.until_ended() == "one\nended");
}

TEST_CASE("one process after another is told of by the same strand", "[processes][output]") {
  OutputStory story;
  story.run("echo one");
  CHECK(story.notes.until_ended(1) == "one\nended");
  story.run("echo two");
  CHECK(story.notes.until_ended(2) == "one\nendedtwo\nended");
}

TEST_CASE("a line that does not end is told in pieces", "[processes][output]") {
  OutputStory story;
  story.run("head -c 200000 /dev/zero | tr '\\0' x; echo; echo last");
  const std::string told = story.notes.until_ended();
  CHECK(told.size() >= 200'000 + std::string("\nlast\nended").size());
  CHECK(told.size() <= 200'000 + std::string("\nlast\nended").size() + 4);  // an end for each piece
  CHECK(told.substr(told.size() - 11) == "\nlast\nended");
}

class Listening final : public ControlLink {
 public:
  Listening(runtime::Executor& executor, Notes& notes) : ControlLink(executor), notes_(notes) {}

 private:
  bool message(std::string_view bytes) override {
    const auto decoded = wire::decode_to_supervisor(bytes);
    const auto* const message = std::get_if<wire::ToSupervisor>(&decoded);
    if (message == nullptr) return false;
    const auto* const ready = std::get_if<wire::Ready>(message);
    notes_.note(ready != nullptr ? "ready " + std::to_string(ready->port) + "; " : "other; ");
    return true;
  }
  void ended(const std::string&) override { notes_.note("stream's end; "); }
  void finished() override { notes_.note("ended"); }
  std::string body_part(std::string_view) const override { return {}; }
  Notes& notes_;
};

struct LinkStory {
  ~LinkStory() { executor.stop(); }
  /// The other end.
  process::Descriptor start() {
    std::array<int, 2> ends{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) == 0);
    link.start(process::Descriptor(ends[0]));
    return process::Descriptor(ends[1]);
  }
  static void say_ready(const process::Descriptor& end, std::uint16_t port) {
    std::string bytes;
    REQUIRE(wire::encode(wire::ToSupervisor{wire::Ready{port, {}}}, bytes));
    REQUIRE(::write(end.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  }
  Notes notes;
  runtime::Executor executor{1};
  Listening link{executor, notes};
};

TEST_CASE("what a dead process has said is heard before it is finished with, though its end stays open",
          "[processes][link]") {
  LinkStory story;
  const process::Descriptor end = story.start();
  LinkStory::say_ready(end, 1);
  LinkStory::say_ready(end, 2);
  story.link.finish();
  CHECK(story.notes.until_ended() == "ready 1; ready 2; ended");
}

TEST_CASE("half a message of a dead process does not spoil the next one's", "[processes][link]") {
  LinkStory story;
  const process::Descriptor first = story.start();
  REQUIRE(::write(first.get(), "\5\0\0", 3) == 3);
  story.link.finish();
  CHECK(story.notes.until_ended(1) == "ended");
  const process::Descriptor second = story.start();
  LinkStory::say_ready(second, 7);
  story.link.finish();
  CHECK(story.notes.until_ended(2) == "endedready 7; ended");
}

TEST_CASE("a stream that ends by itself is told once", "[processes][link]") {
  LinkStory story;
  LinkStory::say_ready(story.start(), 3);
  story.link.finish();
  CHECK(story.notes.until_ended() == "ready 3; stream's end; ended");
}

}  // namespace
}  // namespace taskgraph::processes
