#include "host/journal/line_writer.hpp"

#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <string>
#include <vector>

#include "tests/support/catch.hpp"

namespace taskgraph::journal {
namespace {

/// A disk that takes lines, refuses them or keeps its writer waiting. Shared with a thread that may be left behind.
class Disk {
 public:
  int append(std::string_view line) {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return !stuck_; });
    --waiting_;
    if (error_ == 0) lines_.emplace_back(line);
    return error_;
  }
  void set_error(int error) {
    const std::lock_guard lock(mutex_);
    error_ = error;
  }
  void set_stuck(bool stuck) {
    const std::lock_guard lock(mutex_);
    stuck_ = stuck;
    changed_.notify_all();
  }
  void await_writer() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return waiting_ != 0; });
  }
  std::vector<std::string> lines() {
    const std::lock_guard lock(mutex_);
    return lines_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> lines_;
  int error_ = 0;
  int waiting_ = 0;
  bool stuck_ = false;
};

struct World {
  std::shared_ptr<Disk> disk = std::make_shared<Disk>();
  std::shared_ptr<std::vector<std::string>> warnings = std::make_shared<std::vector<std::string>>();
  std::unique_ptr<LineWriter> writer =
      std::make_unique<LineWriter>([disk = disk](std::string_view line) { return disk->append(line); },
                                   [warnings = warnings](const std::string& why) { warnings->push_back(why); });
};

using Lines = std::vector<std::string>;

TEST_CASE("lines are written in order, all of them by the time of close", "[journal][writer]") {
  World world;
  Lines expected;
  for (int i = 0; i < 1'000; ++i) {
    expected.push_back(std::to_string(i));
    world.writer->write(expected.back());
  }
  world.writer->close();
  world.writer->write("too late");
  CHECK(world.disk->lines() == expected);
  CHECK(world.warnings->empty());
}

TEST_CASE("a full disk costs lines and one warning; what was lost is told when there is room again",
          "[journal][writer]") {
  World world;
  world.disk->set_stuck(true);
  world.disk->set_error(ENOSPC);
  world.writer->write("lost 1");
  world.writer->write("lost 2");
  world.disk->set_stuck(false);
  world.writer->close();  // both have been tried
  CHECK(world.disk->lines().empty());
  REQUIRE(world.warnings->size() == 1);
  CHECK(world.warnings->front() == "No space left on device");

  World other;
  other.disk->set_stuck(true);
  const std::string half(LineWriter::kQueuedBytesMax / 2, 'x');
  other.writer->write(half);
  other.disk->await_writer();
  other.writer->write(half);
  other.writer->write("lost");  // nobody waits for the disk
  other.writer->write("lost, too");
  REQUIRE(other.warnings->size() == 1);
  CHECK(other.warnings->front() == "its disk is slow: more than 4194304 bytes wait");
  other.disk->set_stuck(false);
  other.writer->close();
  CHECK(other.disk->lines() == Lines{half, R"({"v":1,"kind":"lost","lines":2})", half});
}

TEST_CASE("a disk that hangs holds up the end only so long", "[journal][writer]") {
  World world;
  world.disk->set_stuck(true);
  world.writer->write("one");
  world.disk->await_writer();
  world.writer->close(core::milliseconds(1));
  world.writer.reset();
  CHECK(world.disk->lines().empty());
  world.disk->set_stuck(false);  // the thread that was left behind ends by itself
}

}  // namespace
}  // namespace taskgraph::journal
