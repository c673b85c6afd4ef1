// What a cell has to do with those who are no tasks: pulls from outside, and the journal.
#include <algorithm>
#include <atomic>
#include <stdexcept>
#include <string>
#include <utility>

#include "host/runtime/cell.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/cell_pair.hpp"

using namespace taskgraph;
using tests::CellWorld;
using tests::Pair;

namespace {

core::event::OutsideArrived asked_outside(std::uint64_t number, std::string_view body) {
  return {{{{}, number}, {0}, {1}, core::seconds(10), "get", core::Bytes(body)}};
}

}  // namespace

TEST_CASE("a pull from outside shows no task, and its handle lives on when the epoch ends", "[cell][outside]") {
  Pair pair;
  Pull kept;
  pair.scripts[0].serve = [&](Host&, Pull pull) {
    EXPECT(pull.is_from_outside());
    EXPECT(pull.from() == kFromOutside);
    kept = std::move(pull);
    pair.world.note("served");
  };
  std::atomic<int> epochs{0};
  pair.scripts[0].enter_epoch = [&](Task&, Host& host) {
    if (++epochs == 2) kept.reply("in epoch " + std::to_string(host.epoch()));
  };
  pair.scripts[1].serve = [&](Host&, Pull pull) {
    EXPECT(!pull.is_from_outside());
    pull.reply("");
  };
  pair.world.start_all();
  pair.world.cell(0).post(asked_outside(1, "q"));
  REQUIRE(pair.world.wait_for("served"));
  pair.world.cell(0).post(core::event::EpochLearned{core::Epoch{1}});
  CHECK(pair.world.wait_for("outside 1 answer in epoch 1"));
}

TEST_CASE("a cell without a replica refuses pulls from outside", "[cell][outside]") {
  Pair pair;
  pair.scripts[0].serve = [&](Host&, Pull) { throw std::runtime_error("as it was told"); };
  pair.world.cell(0).post(asked_outside(1, "q"));
  CHECK(pair.world.wait_for("outside 1 not here "));
  pair.world.start_all();
  pair.world.cell(0).post(asked_outside(2, "q"));  // its end is news enough: a view will tell
  pair.world.cell(0).post(asked_outside(3, "q"));
  CHECK(pair.world.wait_for("outside 3 not here "));
  CHECK_FALSE(pair.noted("outside 2 not here "));
}

TEST_CASE("the times of a failover are told once each, with a full journal and without", "[cell]") {
  const bool recorded = GENERATE(false, true);
  Pair pair(recorded);
  pair.scripts[1].serve = [&](Host&, Pull pull) { pull.reply("a"); };
  pair.scripts[0].enter_epoch = [&](Task&, Host& host) {
    host.pull(1, "one", "", [&pair, &host](const Answer&) {
      host.pull(1, "two", "", [&pair](const Answer&) { pair.world.note("answered twice"); });
    });
  };
  const core::Term second{2};
  pair.world.start_all(second);
  CHECK(pair.world.wait_for("promoted 0 t2"));
  CHECK(pair.world.wait_for("promoted 1 t2"));
  CHECK_FALSE(pair.noted("sealed 0 t2"));
  for (std::uint32_t task : {0U, 1U}) {
    pair.world.cell(task).post(core::event::SealAcknowledged{CellWorld::kLife, second, {}});
    CHECK(pair.world.wait_for("sealed " + std::to_string(task) + " t2"));
  }
  CHECK(pair.world.wait_for("answered twice"));
  pair.world.executor().stop();
  const auto notes = pair.world.notes();
  CHECK(std::count(notes.begin(), notes.end(), "served 1 t2") == 1);
  CHECK(std::count(notes.begin(), notes.end(), "served 0 t2") == 0);
  CHECK(std::count(notes.begin(), notes.end(), "sealed 1 t2") == 1);

  std::string journal;
  for (const std::string& line : pair.world.journal_lines()) journal += line;
  CHECK(journal.find("\"kind\":\"life\"") != std::string::npos);
  for (const char* part : {R"("role":"primary","term":2)", R"("method":"two","epoch":0)", R"("outcome":"value")"}) {
    INFO(part);
    CHECK((journal.find(part) != std::string::npos) == recorded);
  }
}

TEST_CASE("the first term is no failover: nothing is told of it", "[cell]") {
  Pair pair;
  pair.scripts[1].serve = [&](Host&, Pull pull) { pull.reply("a"); };
  pair.scripts[0].enter_epoch = [&](Task&, Host& host) {
    host.pull(1, "one", "", [&pair](const Answer&) { pair.world.note("answered"); });
  };
  pair.world.start_all();
  CHECK(pair.world.wait_for("answered"));
  pair.world.executor().stop();
  for (const std::string& note : pair.world.notes()) {
    INFO(note);
    CHECK(note.find(" t1") == std::string::npos);
  }
}
