#include "host/journal/failovers.hpp"

#include <string>

#include "host/journal/summary.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/replica_story.hpp"

namespace taskgraph::journal {
namespace {

using core::milliseconds;
using core::Seat;
using core::TaskId;
using core::Term;
using core::Time;
using What = core::ReplicaMoment::What;
using tests::life;

/// Moments in milliseconds; the view changes by grants.
class Story {
 public:
  explicit Story(std::uint32_t tasks) : failovers(tasks), tasks_(tasks) {}

  static Time at(std::int64_t ms) { return Time{} + milliseconds(ms); }
  Seat grant(std::uint32_t task, char to) {
    core::TaskAssignment& entry = tasks_[task];
    entry.primary = {life(to), entry.next_counter};
    entry.next_counter = entry.next_counter.next();
    entry.term = entry.term.next();
    return entry.primary;
  }
  void lose(std::uint32_t task) { tasks_[task].primary = {}; }
  std::size_t publish(std::int64_t ms) {
    const core::Assignment view(core::ViewVersion{++version_}, {}, tasks_);
    return failovers.view(view, at(ms), finished).size();
  }
  void moment(What what, std::uint32_t task, std::int64_t ms) {
    const core::TaskAssignment& entry = tasks_[task];
    const Term term = what == What::ended ? Term{} : entry.term;
    if (auto done = failovers.moment({what, TaskId{task}, entry.primary, term, at(ms)})) finished.push_back(*done);
  }
  void kill(char which, std::int64_t beat_ms, std::int64_t reaped_ms) {
    failovers.life_ended(life(which), {Cause::Kind::signal, 9, {}, 0}, at(beat_ms), at(reaped_ms));
  }
  static std::string text(const Failover& one) {
    std::string text = std::to_string(one.task.value) + " t" + std::to_string(one.term.value) + " " + one.cause.name();
    for (std::size_t i = 0; i < kPhases; ++i) {
      const auto took = one.took(static_cast<Phase>(i));
      text += took ? " " + std::to_string(took->ns / 1'000'000) : " -";
    }
    return text;
  }

  Failovers failovers;
  std::vector<Failover> finished;

 private:
  std::vector<core::TaskAssignment> tasks_;
  std::uint64_t version_ = 0;
};

TEST_CASE("the first grants are no failovers", "[journal][failovers]") {
  Story story(2);
  story.grant(0, 'a');
  story.grant(1, 'b');
  CHECK(story.publish(0) == 2);
  CHECK(story.publish(1) == 0);
  CHECK(story.failovers.count() == 0);
  CHECK(story.failovers.last().empty());
  CHECK(story.failovers.finish().empty());
}

TEST_CASE("a killed worker's tasks go through all phases, counted from its last sign of life", "[journal][failovers]") {
  Story story(2);
  story.grant(0, 'a');
  story.grant(1, 'a');
  story.publish(0);
  story.kill('a', 100, 130);
  story.grant(0, 'b');
  story.lose(1);
  CHECK(story.publish(131) == 1);
  story.moment(What::promoted, 0, 132);
  story.moment(What::sealed, 0, 134);
  CHECK(story.finished.empty());
  CHECK(Story::text(story.failovers.last().back()) == "0 t2 signal 9 0 30 31 32 34 -");
  story.moment(What::served, 0, 140);
  REQUIRE(story.finished.size() == 1);
  CHECK(Story::text(story.finished[0]) == "0 t2 signal 9 0 30 31 32 34 40");
  CHECK(story.finished[0].cause.worker == 0);
  CHECK(story.finished[0].primary.life == life('b'));

  story.grant(1, 'c');  // the seat was empty in between: it is the same death
  story.publish(200);
  CHECK(Story::text(story.failovers.last().back()) == "1 t2 signal 9 0 30 100 - - -");
  CHECK(story.failovers.count() == 2);
  CHECK(story.failovers.since_died().count() == 1);
  CHECK(story.failovers.since_died().max() == milliseconds(40));
  CHECK(story.failovers.since_detected().max() == milliseconds(10));
  const auto rest = story.failovers.finish();
  REQUIRE(rest.size() == 1);
  CHECK(Story::text(rest[0]) == "1 t2 signal 9 0 30 100 - - -");
  CHECK(story.failovers.since_died().count() == 2);
}

TEST_CASE("a replica that failed has its own end as cause, and the first word counts", "[journal][failovers]") {
  Story story(1);
  const Seat seat = story.grant(0, 'a');
  story.publish(0);
  story.moment(What::ended, 0, 50);
  story.failovers.resigned(TaskId{0}, seat, {Cause::Kind::chaos, 0, "killed by --chaos", {}}, Story::at(52));
  story.failovers.resigned(TaskId{0}, seat, {Cause::Kind::hook_threw, 0, "told again", {}}, Story::at(552));
  story.kill('a', 60, 70);  // afterwards its worker, too
  story.grant(0, 'b');
  story.publish(80);
  CHECK(Story::text(story.failovers.last().back()) == "0 t2 chaos 0 2 30 - - -");
  CHECK(story.failovers.last().back().cause.detail == "killed by --chaos");
}

TEST_CASE("a newer term ends the record of the one before, and moments of that are late", "[journal][failovers]") {
  Story story(1);
  story.grant(0, 'a');
  story.publish(0);
  story.kill('a', 10, 20);
  const Seat second = story.grant(0, 'b');
  story.publish(21);
  story.moment(What::promoted, 0, 22);
  story.kill('b', 30, 40);
  story.grant(0, 'c');
  story.publish(41);
  REQUIRE(story.finished.size() == 1);
  CHECK(Story::text(story.finished[0]) == "0 t2 signal 9 0 10 11 12 - -");
  CHECK_FALSE(story.failovers.moment({What::served, TaskId{0}, second, Term{2}, Story::at(42)}));
  CHECK(Story::text(story.failovers.last().back()) == "0 t3 signal 9 0 10 11 - - -");
}

TEST_CASE("without a known end the phases count from the decision", "[journal][failovers]") {
  Story story(1);
  story.grant(0, 'a');
  story.publish(0);
  story.grant(0, 'b');
  story.publish(10);
  story.moment(What::promoted, 0, 13);
  CHECK(Story::text(story.failovers.last().back()) == "0 t2 unknown - - 0 3 - -");
  CHECK(story.failovers.finish().size() == 1);
  CHECK(story.failovers.since_died().count() == 0);
}

TEST_CASE("tables of failovers are bounded", "[journal][failovers]") {
  Story story(1);
  story.grant(0, 'a');
  story.publish(0);
  constexpr int kCount = 200;
  for (int i = 1; i <= kCount; ++i) {
    // each life is a new one by its counter only, so that causes of every kind come by
    story.failovers.life_ended(life(static_cast<char>('a' + (i - 1) % 20)), {Cause::Kind::exit, i, {}, {}},
                               Story::at(10 * i), Story::at(10 * i + 1));
    story.grant(0, static_cast<char>('a' + i % 20));
    story.publish(10 * i + 2);
  }
  CHECK(story.failovers.count() == kCount);
  CHECK(story.failovers.last().size() == Failovers::kLastMax);
  CHECK(story.failovers.last().back().term == Term{kCount + 1});
  CHECK(story.failovers.first().size() == Failovers::kFirstMax);
  CHECK(story.failovers.first().front().term == Term{2});
  CHECK(story.failovers.by_cause().size() == Failovers::kCausesMax);
  CHECK(story.failovers.since_died().count() == kCount - 1);  // the last one is under way
}

TEST_CASE("the table is told as JSON", "[journal][failovers]") {
  Story story(1);
  CHECK(to_json(story.failovers.last()) == "[]");
  story.grant(0, 'a');
  story.publish(0);
  story.kill('a', 1, 2);
  story.grant(0, 'b');
  story.publish(3);
  CHECK(to_json(story.failovers.last()) ==
        R"([{"task":0,"term":2,"life":"00000000-0000-0000-0000-000000000002","replica":2,"cause":"signal 9",)"
        R"("lost_worker":0,"phases_us":{"died":0,"detected":1000,"decided":2000,"promoted":null,"sealed":null,)"
        R"("served":null}}])");
}

TEST_CASE("each cause has a name", "[journal][failovers]") {
  using Kind = Cause::Kind;
  const auto name = [](Kind kind, int number = 0) { return Cause{kind, number, {}, {}}.name(); };
  CHECK(name(Kind::unknown) == "unknown");
  CHECK(name(Kind::signal, 11) == "signal 11");
  CHECK(name(Kind::exit, 70) == "exit 70");
  CHECK(name(Kind::stall) == "stall");
  CHECK(name(Kind::hook_limit) == "hook limit");
  CHECK(name(Kind::hook_threw) == "hook threw");
  CHECK(name(Kind::chaos) == "chaos");
  CHECK(name(Kind::resigned) == "resigned");
  CHECK(name(Kind::drain) == "drain");
}

TEST_CASE("percentiles are a thirty-second too large at most", "[journal][histogram]") {
  DurationHistogram histogram;
  CHECK(histogram.percentile(50) == core::Duration{0});
  for (std::int64_t us = 1; us <= 1'000; ++us) histogram.add({us * 1'000});
  for (const unsigned percent : {1U, 10U, 50U, 90U, 99U}) {
    const auto exact = static_cast<double>(percent) * 10'000;
    INFO(percent);
    CHECK(static_cast<double>(histogram.percentile(percent).ns) >= exact);
    CHECK(static_cast<double>(histogram.percentile(percent).ns) <= exact * 33 / 32);
  }
  CHECK(histogram.percentile(100) == core::Duration{1'000'000});
  CHECK(histogram.max() == core::Duration{1'000'000});

  DurationHistogram extremes;
  extremes.add({-5});
  CHECK(extremes.max() == core::Duration{0});
  extremes.add({INT64_MAX});
  CHECK(extremes.percentile(50) == core::Duration{0});
  CHECK(extremes.percentile(100) == core::Duration{INT64_MAX});
  for (int shift = 0; shift < 63; ++shift) {  // around each border of buckets
    for (const std::int64_t off : {-1, 0, 1}) {
      DurationHistogram one;
      const std::int64_t ns = std::max<std::int64_t>(0, (std::int64_t{1} << shift) + off);
      one.add({ns});
      one.add({INT64_MAX});
      CHECK(one.percentile(50).ns >= ns);
      CHECK(one.percentile(50).ns - ns <= ns / 32);
    }
  }
}

TEST_CASE("the summary names causes, times and the slowest pulls", "[journal][summary]") {
  Story story(5);
  core::SlowPulls slowest;
  CHECK(summary(story.failovers, slowest).empty());

  for (std::uint32_t task = 0; task < 5; ++task) story.grant(task, 'a');
  story.publish(0);
  story.kill('a', 100, 120);
  for (std::uint32_t task = 0; task < 4; ++task) story.grant(task, 'b');
  story.publish(121);
  for (std::uint32_t task = 0; task < 3; ++task) {
    story.moment(What::promoted, task, 122);
    story.moment(What::sealed, task, 123);
  }
  story.moment(What::served, 0, 124);
  story.moment(What::served, 1, 130);
  CHECK(story.failovers.finish().size() == 2);
  slowest.note({TaskId{3}, TaskId{4}, "sums", milliseconds(12), core::Epoch{7}});
  slowest.note({TaskId{1}, TaskId{2}, "get", core::Duration{850'000}, core::Epoch{0}});
  const std::vector<std::string> lines = summary(story.failovers, slowest);
  REQUIRE(lines.size() == 6);
  CHECK(lines[0] ==
        "4 failovers (4 by signal 9); from the last sign of life p50 23.1 ms, max 30.0 ms; from detection p50 3.0 ms, "
        "max 10.0 ms");
  CHECK(lines[1] ==
        "  task 0 term 2: signal 9 of worker 0: detected 20.0 ms, decided 21.0 ms, promoted 22.0 ms, sealed 23.0 ms, "
        "served 24.0 ms");
  CHECK(lines[3] ==
        "  task 2 term 2: signal 9 of worker 0: detected 20.0 ms, decided 21.0 ms, promoted 22.0 ms, sealed 23.0 ms");
  CHECK(lines[4] == "  and 1 more");
  CHECK(lines[5] ==
        "slowest pulls: 12.0 ms of task 3 to 4 \"sums\" in epoch 7; 850 us of task 1 to 2 \"get\" in epoch 0");
  CHECK(short_duration(core::Duration{3'400'000'000}) == "3.40 s");
}

}  // namespace
}  // namespace taskgraph::journal
