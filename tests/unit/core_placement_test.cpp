#include "host/core/placement.hpp"

#include <set>
#include <string>
#include <vector>

#include "tests/support/catch.hpp"
#include "tests/support/replica_story.hpp"

namespace taskgraph::core {
namespace {

using tests::host;
using tests::life;

/// Decides again and again; seats are shown as "life#counter".
struct PlacementStory {
  explicit PlacementStory(std::uint32_t count) : spec(tests::small_job(count)), tasks(count) {}

  JobSpec spec;
  std::vector<TaskAssignment> tasks;
  std::vector<LiveLife> lives;
  std::set<LifeId> dead;
  std::set<std::pair<TaskId, Seat>> resigned;
  std::set<TaskId> held_back;

  void live(char name, char on) { lives.push_back({life(name), host(on)}); }
  void die(char name) {
    dead.insert(life(name));
    std::erase_if(lives, [&](const LiveLife& live) { return live.life == life(name); });
  }
  /// False: nothing changes.
  bool decide() {
    const Assignment assignment({}, {}, tasks);
    auto next = place({spec, assignment, lives, [&](LifeId id) { return dead.contains(id); },
                       [&](TaskId task, const Seat& seat) {
                         return resigned.contains({task, seat});
                       },
                       [&](TaskId task) { return !held_back.contains(task); }});
    if (!next) return false;
    tasks = *std::move(next);
    return true;
  }
  static std::string text(const Seat& seat) {
    if (seat.is_empty()) return "-";
    return std::string(1, static_cast<char>('a' + seat.life.low - 1)) + "#" + std::to_string(seat.counter.value);
  }
  /// "term primary/backup/backup", for each task.
  std::string seen() const {
    std::string all;
    for (const TaskAssignment& task : tasks) {
      all += (all.empty() ? "" : "; ") + std::to_string(task.term.value) + " " + text(task.primary);
      for (const Seat& seat : task.backups) all += "/" + text(seat);
    }
    return all;
  }
};

TEST_CASE("tasks are spread over lives by their number of primaries, the lowest uuid first", "[core][placement]") {
  PlacementStory story(5);
  CHECK_FALSE(story.decide());  // nobody is there
  story.live('a', 'A');
  story.live('b', 'B');
  CHECK(story.decide());
  CHECK(story.seen() == "1 a#1; 1 b#1; 1 a#1; 1 b#1; 1 a#1");
  CHECK_FALSE(story.decide());  // what is well stays
  story.live('c', 'C');
  CHECK_FALSE(story.decide());  // nothing that lives is moved
}

TEST_CASE("backups are made on other lives, on other hosts if there are any", "[core][placement]") {
  PlacementStory story(1);
  story.spec.backups = {2};
  story.live('a', 'A');
  story.live('b', 'A');
  CHECK(story.decide());
  CHECK(story.seen() == "1 a#1/b#2");  // one is missing: there is no third life
  story.live('c', 'C');
  CHECK(story.decide());
  CHECK(story.seen() == "1 a#1/b#2/c#3");

  PlacementStory two_hosts(1);
  two_hosts.spec.backups = {1};
  two_hosts.live('a', 'A');
  two_hosts.live('b', 'A');
  two_hosts.live('c', 'C');
  CHECK(two_hosts.decide());
  CHECK(two_hosts.seen() == "1 a#1/c#2");
}

TEST_CASE("a dead primary's backup takes over with the next term, and is replaced", "[core][placement]") {
  PlacementStory story(2);
  story.spec.backups = {1, 0};
  story.live('a', 'A');
  story.live('b', 'B');
  story.live('c', 'C');
  CHECK(story.decide());
  CHECK(story.seen() == "1 a#1/b#2; 1 c#1");
  story.die('a');
  CHECK(story.decide());
  CHECK(story.seen() == "2 b#2/c#3; 1 c#1");
  CHECK(story.tasks[0].next_counter == ReplicaCounter{4});
}

TEST_CASE("a life that is away but not proven dead keeps its seats", "[core][placement]") {
  PlacementStory story(1);
  story.live('a', 'A');
  story.live('b', 'B');
  CHECK(story.decide());
  story.lives.erase(story.lives.begin());
  CHECK_FALSE(story.decide());
  story.dead.insert(life('a'));
  CHECK(story.decide());
  CHECK(story.seen() == "2 b#2");
  CHECK(story.tasks[0].next_counter == ReplicaCounter{3});
}

TEST_CASE("a resigned replica gets a new name, even in the same life, when the restart policy allows",
          "[core][placement]") {
  PlacementStory story(1);
  story.live('a', 'A');
  CHECK(story.decide());
  story.resigned.insert({TaskId{0}, Seat{life('a'), {1}}});
  story.held_back.insert(TaskId{0});
  CHECK(story.decide());
  CHECK(story.seen() == "1 -");  // the term stands, nobody holds it
  CHECK_FALSE(story.decide());
  story.held_back.clear();
  CHECK(story.decide());
  CHECK(story.seen() == "2 a#2");
}

TEST_CASE("a promotion does not wait for the restart policy; a new backup does", "[core][placement]") {
  PlacementStory story(1);
  story.spec.backups = {1};
  story.live('a', 'A');
  story.live('b', 'B');
  CHECK(story.decide());
  story.resigned.insert({TaskId{0}, Seat{life('a'), {1}}});
  story.held_back.insert(TaskId{0});
  CHECK(story.decide());
  CHECK(story.seen() == "2 b#2");
  story.held_back.clear();
  CHECK(story.decide());
  CHECK(story.seen() == "2 b#2/a#3");
}

TEST_CASE("with an in-sync set only its members are promoted", "[core][placement]") {
  PlacementStory story(1);
  story.spec.backups = {2};
  for (const char name : {'a', 'b', 'c'}) story.live(name, static_cast<char>(name - 'a' + 'A'));
  CHECK(story.decide());
  CHECK(story.seen() == "1 a#1/b#2/c#3");
  story.tasks[0].in_sync = {story.tasks[0].backups[1]};
  story.die('a');
  CHECK(story.decide());
  CHECK(story.tasks[0].primary == Seat{life('c'), {3}});
}

TEST_CASE("a live backup outside of the in-sync set is not promoted, though no member lives", "[core][placement]") {
  PlacementStory story(1);
  story.spec.backups = {1};
  story.live('a', 'A');
  story.live('b', 'B');
  CHECK(story.decide());
  story.tasks[0].in_sync = {story.tasks[0].primary};
  story.die('a');
  story.held_back.insert(TaskId{0});
  CHECK(story.decide());
  CHECK(story.seen() == "1 -/b#2");
}

}  // namespace
}  // namespace taskgraph::core
