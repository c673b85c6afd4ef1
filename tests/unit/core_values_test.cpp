#include <string>
#include <utility>
#include <vector>

#include "host/core/assignment.hpp"
#include "host/core/bytes.hpp"
#include "host/core/chaos.hpp"
#include "host/core/lease.hpp"
#include "host/core/seal.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/replica_story.hpp"

namespace taskgraph::core {
namespace {

using tests::life;

TEST_CASE("a time that cannot be said is never", "[core][ids]") {
  CHECK(Time{5} + Duration{INT64_MAX} == Time::never());
  CHECK(Time::never() + milliseconds(1) == Time::never());
  CHECK(Time{5} + Duration{INT64_MAX - 5} == Time::never());
  CHECK(Time{5} + Duration{INT64_MAX - 6} < Time::never());
}

TEST_CASE("a lease counts from the newest read; an older one does not shorten it", "[core][lease]") {
  Lease lease = Lease::none();
  const Time sent = Time{} + seconds(10);
  CHECK_FALSE(lease.holds(sent));
  lease.extend(sent, seconds(2));
  lease.extend(sent + milliseconds(-500), seconds(2));  // its reply came late
  CHECK(lease.holds(sent + milliseconds(1999)));
  CHECK_FALSE(lease.holds(sent + seconds(2)));
  lease.clear();
  CHECK_FALSE(lease.holds(sent));
}

TEST_CASE("bytes that were taken over are given back once, with the last reference", "[core][bytes]") {
  const std::string text = "owned by a plugin";
  int released = 0;
  const auto release = [](void* owner) { ++*static_cast<int*>(owner); };
  {
    Bytes kept;
    {
      const Bytes bytes = Bytes::adopt(text.data(), text.size(), release, &released);
      kept = bytes;
      CHECK(bytes.view().data() == text.data());  // not copied
    }
    CHECK(kept.view() == text);
    CHECK(released == 0);
  }
  CHECK(released == 1);
}

TEST_CASE("no bytes at all are given back at once; bytes of nobody never", "[core][bytes]") {
  int released = 0;
  const auto release = [](void* owner) { ++*static_cast<int*>(owner); };
  const Bytes none = Bytes::adopt("x", 0, release, &released);
  CHECK(released == 1);
  CHECK(none.size() == 0);
  CHECK(Bytes::adopt("x", 0, nullptr, nullptr).view().empty());
  const Bytes still = Bytes::adopt("constant", 8, nullptr, nullptr);
  CHECK(Bytes(still).view() == "constant");
  CHECK(Bytes("").view().empty());
}

TEST_CASE("a link is found by its whole name", "[core][topology]") {
  const JobSpec spec = tests::small_job(2);
  CHECK(spec.topology->find("peers") == LinkIndex{0});
  CHECK_FALSE(spec.topology->find("peer").has_value());
}

TEST_CASE("each part of a task's entry makes a change of the task", "[core][assignment]") {
  const TaskAssignment entry{Term{1}, {life('a'), {1}}, {{life('b'), {2}}}, {{life('b'), {2}}}, {3}};
  std::vector<TaskAssignment> changes(6, entry);
  changes[1].term = Term{2};
  changes[2].primary.counter = {9};
  changes[3].backups.clear();
  changes[4].in_sync.clear();
  changes[5].next_counter = {4};
  const Assignment before(ViewVersion{1}, {}, std::vector<TaskAssignment>(6, entry));
  const Assignment after(ViewVersion{2}, {}, changes);
  CHECK(changed_tasks(&before, after) == std::vector<TaskId>{{1}, {2}, {3}, {4}, {5}});
  CHECK(changed_tasks(nullptr, after).size() == 6);
}

TEST_CASE("an assignment names the members of in-sync sets, too, each life once", "[core][assignment]") {
  const Assignment view({}, {}, {{Term{1}, {life('b'), {1}}, {}, {{life('b'), {1}}, {life('a'), {2}}}, {3}}});
  CHECK(view.lives() == std::vector<LifeId>{life('a'), life('b')});
}

TEST_CASE("a seal counts lives that acknowledged its own term, each once, and closes once", "[core][seal]") {
  const Assignment view({}, {}, {{Term{2}, {life('a'), {1}}, {{life('b'), {2}}}, {}, {3}}});
  Seal seal;
  seal.begin(Term{2}, Time{});
  seal.acknowledged(life('a'), Term{1});  // a grant that is over
  seal.acknowledged(life('a'), Term{3});  // one that this replica does not have
  CHECK(seal.missing(view) == view.lives());
  seal.acknowledged(life('b'), Term{2});
  seal.acknowledged(life('b'), Term{2});
  CHECK_FALSE(seal.try_close(view));
  CHECK(seal.missing(view) == std::vector<LifeId>{life('a')});
  seal.acknowledged(life('a'), Term{2});
  CHECK(seal.try_close(view));
  CHECK_FALSE(seal.try_close(view));
  CHECK(seal.ask_at() == Time::never());
}

TEST_CASE("faults and rates are the same when kind and delay, or both halves of the rate, are", "[core][chaos]") {
  CHECK_FALSE(Fault{FaultKind::kill, {}} == Fault{FaultKind::drop, {}});
  CHECK_FALSE(Fault{FaultKind::delay, milliseconds(1)} == Fault{FaultKind::delay, milliseconds(2)});
  CHECK_FALSE(FaultRate{1, false} == FaultRate{2, false});
  CHECK_FALSE(FaultRate{0, false} == FaultRate{0, true});
  CHECK_FALSE(ChaosPlan::scripted({{TaskId{0}, {}, ScriptedFault::When::event, 1}}).empty());
}

}  // namespace
}  // namespace taskgraph::core
