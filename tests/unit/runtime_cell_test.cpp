#include "host/runtime/cell.hpp"

#include <algorithm>
#include <atomic>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

#include "tests/support/catch.hpp"
#include "tests/support/cell_pair.hpp"

using namespace taskgraph;
using tests::CellWorld;
using tests::Pair;
using namespace std::chrono_literals;

TEST_CASE("a pull is answered at once, later on the strand, or by another thread", "[cell]") {
  Pair pair;
  std::thread answering;
  pair.scripts[1].serve = [&](Host& host, Pull pull) {
    if (pull.method() == "now") return pull.reply("a");
    auto kept = std::make_shared<Pull>(std::move(pull));
    if (kept->method() == "later") {
      EXPECT(host.after(1ms, [kept] { kept->reply("b"); }) == Status::ok);
      return;
    }
    answering = std::thread([kept] { kept->reply("c"); });
  };
  pair.scripts[0].enter_epoch = [&](Task&, Host& host) {
    for (const char* method : {"now", "later", "thread"}) {
      host.pull(1, method, Buffer("?"), [&, method](const Answer& answer) {
        pair.world.note(std::string(method) + " " + std::string(answer.body));
      });
    }
  };
  pair.world.start_all();
  CHECK(pair.world.wait_for("now a"));
  CHECK(pair.world.wait_for("later b"));
  CHECK(pair.world.wait_for("thread c"));
  pair.world.executor().stop();
  answering.join();
}

TEST_CASE("a hook that throws ends its replica: what was asked for before stands, what it asked for does not",
          "[cell]") {
  Pair pair;  // task 1 is created last, so that task 0 is there for its flag
  pair.scripts[0].flag_raised = [&](Host&, std::string_view meta) { pair.world.note("flag " + std::string(meta)); };
  pair.scripts[1].init = [&](Task&, Host& host) { EXPECT(host.raise_flag("peers", "x") == Status::not_primary); };
  pair.scripts[1].enter_epoch = [&](Task&, Host& host) {
    EXPECT(host.raise_flag("peers", "before") == Status::ok);
    EXPECT(host.post([&host] {
      EXPECT(host.raise_flag("peers", "of the failed hook") == Status::ok);
      throw std::runtime_error("bad row 17");
    }) == Status::ok);
    host.pull(0, "never", Buffer(), [guard = std::shared_ptr<void>(nullptr, [&](void*) {
                                       pair.world.note("dropped");
                                     })](const Answer&) { EXPECT(false); });
  };
  pair.scripts[0].serve = [&](Host& host, Pull pull) {
    EXPECT(host.after(24h, [kept = std::make_shared<Pull>(std::move(pull))] {}) == Status::ok);
  };
  pair.world.start_all();
  CHECK(pair.world.wait_for("ended 1 plugin: hook continuation threw \"bad row 17\" at epoch 0"));
  CHECK(pair.world.wait_for("flag before"));
  CHECK(pair.noted("dropped"));
  CHECK(pair.noted("destroyed 1"));
  CHECK_FALSE(pair.noted("exit 1"));
  pair.world.executor().stop();
  CHECK_FALSE(pair.noted("flag of the failed hook"));
}

TEST_CASE("a task that cannot be made is reported with its text, and no hook of it runs", "[cell]") {
  CellWorld world(1, 1, [](TaskId, Host) -> std::unique_ptr<Task> { throw std::runtime_error("no file rows.txt"); });
  world.start_all();
  CHECK(world.wait_for("ended 0 plugin: create_task failed: \"no file rows.txt\""));
}

TEST_CASE("while a hook runs, the slot of its thread names it", "[cell][hooks]") {
  Pair pair;
  const auto runs = [&](runtime::Hook hook, std::uint32_t task) {
    for (unsigned thread = 0; thread < 2; ++thread) {
      const auto call = pair.world.running(thread);
      if (call.has_value() && call->hook == hook && call->task.value == task) return true;
    }
    return false;
  };
  pair.scripts[1].init = [&](Task&, Host&) { EXPECT(runs(runtime::Hook::init, 1)); };
  pair.scripts[1].serve = [&](Host&, Pull pull) {
    EXPECT(runs(runtime::Hook::serve, 1));
    pull.reply("here");
  };
  pair.scripts[0].enter_epoch = [&](Task&, Host& host) {
    EXPECT(runs(runtime::Hook::enter_epoch, 0));
    host.pull(1, "where", {}, [&](const Answer&) {
      EXPECT(runs(runtime::Hook::on_done, 0));
      pair.world.note("answered");
    });
  };
  pair.world.start_all();
  CHECK(pair.world.wait_for("answered"));
  pair.world.executor().stop();
  for (unsigned thread = 0; thread < 2; ++thread) CHECK_FALSE(pair.world.running(thread).has_value());
}

TEST_CASE("stop gives the task its exit; a kill does not", "[cell]") {
  Pair pair;
  pair.world.start_all();
  pair.world.cell(0).post(core::event::Stop{core::ExitReason::drain});
  pair.world.cell(1).kill({core::Blame::outside, "killed by a test"});
  CHECK(pair.world.wait_for("ended 0"));
  CHECK(pair.world.wait_for("ended 1 outside: killed by a test"));
  CHECK(pair.noted("exit 0"));
  CHECK_FALSE(pair.noted("exit 1"));
}

TEST_CASE("an answer or a post for a replica that has ended reaches nobody, also when a new one is there", "[cell]") {
  Pair pair;
  std::mutex mutex;
  std::vector<Pull> kept;
  std::atomic<int> made{0};
  pair.scripts[1].serve = [&](Host&, Pull pull) {
    const std::lock_guard lock(mutex);
    kept.push_back(std::move(pull));
    pair.world.note("served");
  };
  pair.scripts[1].init = [&](Task&, Host&) { pair.world.note("made " + std::to_string(made.fetch_add(1))); };
  pair.scripts[0].enter_epoch = [&](Task&, Host& host) {
    host.pull(1, "x", Buffer(), [&](const Answer& answer) { pair.world.note("answer " + std::string(answer.body)); });
  };
  pair.world.start_all();
  REQUIRE(pair.world.wait_for("served"));
  pair.world.cell(1).kill({core::Blame::outside, "killed"});
  REQUIRE(pair.world.wait_for("ended 1 outside: killed"));
  pair.world.cell(1).create({{CellWorld::kJob, {1}, {CellWorld::kLife, {1}}}, pair.world.view(), core::Epoch{0}});
  REQUIRE(pair.world.wait_for("made 1"));
  {
    const std::lock_guard lock(mutex);
    kept[0].reply("of the dead");
  }
  pair.world.cell(1).post(core::event::Stop{core::ExitReason::drain});
  REQUIRE(pair.world.wait_for("ended 1"));
  pair.world.executor().stop();
  CHECK_FALSE(pair.noted("answer of the dead"));
}

TEST_CASE("frames over the limit are dropped while a hook computes, told once and sent again", "[cell]") {
  Pair pair;
  std::promise<void> go_on[2];
  for (const TaskId task : {0, 1}) {
    pair.scripts[task].enter_epoch = [&, task](Task&, Host& host) {
      pair.world.note("computes " + std::to_string(task));
      go_on[task].get_future().wait();
      if (task == 1) EXPECT(host.raise_flag("peers", "x") == Status::ok);
    };
  }
  pair.scripts[0].flag_raised = [&](Host&, std::string_view meta) { pair.world.note("flag " + std::string(meta)); };
  pair.world.start_all();
  REQUIRE(pair.world.wait_for("computes 0"));
  REQUIRE(pair.world.wait_for("computes 1"));
  runtime::Cell& cell = pair.world.cell(0);
  for (std::uint32_t i = 0; i < runtime::Cell::kFramesQueuedMax; ++i) {
    cell.post(core::event::FrameArrived{});  // of no job: the core drops it
  }
  CHECK(cell.frames_dropped() == 0);
  go_on[1].set_value();
  const std::string told =
      "log 0 65536 frames wait for this task, a hook of which takes long; further ones are dropped, and sent again by "
      "who sent them";
  REQUIRE(pair.world.wait_for(told));  // the flag
  const std::uint64_t dropped = cell.frames_dropped();
  cell.post(core::event::FrameArrived{});
  CHECK(cell.frames_dropped() > dropped);
  go_on[0].set_value();
  CHECK(pair.world.wait_for("flag x"));
  const std::uint64_t dropped_in_all = cell.frames_dropped();
  cell.post(core::event::FrameArrived{});
  CHECK(cell.frames_dropped() == dropped_in_all);
  const auto notes = pair.world.notes();
  CHECK(std::count(notes.begin(), notes.end(), told) == 1);
}

TEST_CASE("what waits for a replica that ends is dropped, also without anything to free", "[cell]") {
  Pair pair;
  static const auto run = [](void*, tg_error*) { return TG_OK; };
  static const auto end = [](void*, tg_outcome, std::int32_t, tg_view, tg_error*) { return TG_OK; };
  pair.scripts[1].serve = [&](Host& host, Pull pull) {
    EXPECT(host.after(24h, [kept = std::make_shared<Pull>(std::move(pull))] {}) == Status::ok);
  };
  pair.scripts[0].enter_epoch = [&](Task&, Host& host) {
    const tg_host_api& api = *detail::api;
    EXPECT(api.pull(host.raw(), 1, {"x", 1}, {nullptr, 0, nullptr, nullptr}, 0, {end, nullptr, nullptr}, nullptr) ==
           TG_OK);
    EXPECT(api.after(host.raw(), 1'000'000'000'000, {run, nullptr, nullptr}) == TG_OK);
    EXPECT(host.post([] { throw std::runtime_error("enough"); }) == Status::ok);
    EXPECT(api.post(host.raw(), {run, nullptr, nullptr}) == TG_OK);  // comes when the replica has failed
  };
  pair.world.start_all();
  CHECK(pair.world.wait_for("ended 0 plugin: hook continuation threw \"enough\" at epoch 0"));
}

TEST_CASE("a pull is cancelled once, and not when it has ended", "[cell]") {
  Pair pair;
  static const auto cancel = [](Host& host, std::uint64_t pull) { return detail::api->cancel(host.raw(), pull); };
  pair.scripts[1].serve = [&](Host& host, Pull pull) {
    if (pull.method() == "answered") return pull.reply("y");
    EXPECT(host.after(24h, [kept = std::make_shared<Pull>(std::move(pull))] {}) == Status::ok);
  };
  std::uint64_t answered = 0;
  pair.scripts[0].enter_epoch = [&](Task&, Host& host) {
    EXPECT(cancel(host, 0) == TG_INVALID);
    const std::uint64_t kept = host.pull(1, "kept", Buffer(), [&](const Answer& answer) {
      EXPECT(answer.outcome == Outcome::cancelled);
      pair.world.note("cancelled");
    });
    answered = host.pull(1, "answered", Buffer(), [&, kept](const Answer& answer) {
      EXPECT(answer.ok());
      EXPECT(cancel(host, answered) == TG_INVALID);
      EXPECT(cancel(host, kept) == TG_OK);
      EXPECT(host.post([&, kept] {
        EXPECT(cancel(host, kept) == TG_INVALID);
        pair.world.note("posted");
      }) == Status::ok);
    });
  };
  pair.world.start_all();
  CHECK(pair.world.wait_for("cancelled"));
  CHECK(pair.world.wait_for("posted"));
}

TEST_CASE("limits and mistakes answer at once and say so once", "[cell]") {
  Pair pair;
  pair.world.spec().limits.timers_open = 2;
  pair.world.spec().limits.flags_per_epoch = 2;
  pair.world.spec().limits.flag_bytes = 4;
  pair.scripts[0].enter_epoch = [&](Task&, Host& host) {
    EXPECT(host.neighbours("peers").size() == 1);
    EXPECT(host.neighbours("peers")[0] == 1);
    EXPECT(host.neighbours("nobody").empty());
    EXPECT(host.raise_flag("nobody") == Status::invalid);
    EXPECT(host.raise_flag("nobody") == Status::invalid);
    EXPECT(host.raise_flag("peers", "12345") == Status::invalid);
    EXPECT(host.raise_flag("peers") == Status::ok);
    EXPECT(host.raise_flag("peers") == Status::ok);
    EXPECT(host.raise_flag("peers") == Status::busy);
    EXPECT(host.after(-1ns, [] {}) == Status::invalid);
    EXPECT(host.after(24h, [] {}) == Status::ok);
    EXPECT(host.after(24h, [] {}) == Status::ok);
    EXPECT(host.after(24h, [] {}) == Status::busy);
    EXPECT(host.post([] {}) == Status::ok);
    EXPECT(host.post([] {}) == Status::ok);
    EXPECT(host.post([] {}) == Status::busy);
    bool refused = false;
    try {
      host.pull(2, "x", Buffer(), [](const Answer&) {});
    } catch (const std::invalid_argument&) {
      refused = true;
    }
    EXPECT(refused);
    EXPECT(host.finish_job(JobStatus::done, "no JSON") == Status::invalid);
    EXPECT(host.advance_epoch(7) == Status::invalid);
    EXPECT(host.finish_job(JobStatus::done, "{\"sum\":1}") == Status::ok);
    EXPECT(host.random() != host.random());
    EXPECT(host.term() == 1);
    EXPECT(host.role() == Role::primary);
  };
  pair.world.start_all();
  CHECK(pair.world.wait_for("finish 0 {\"sum\":1}"));
  pair.world.executor().stop();
  const auto notes = pair.world.notes();
  CHECK(std::count(notes.begin(), notes.end(),
                   "log 0 raise_flag: the topology has no link \"nobody\"; further ones are not reported") == 1);
}

TEST_CASE("a flag that has been raised is not counted as queued, too", "[cell]") {
  Pair pair;
  pair.world.spec().limits.flags_per_epoch = 2;
  pair.scripts[0].enter_epoch = [&](Task&, Host& host) {
    EXPECT(host.raise_flag("peers") == Status::ok);
    // Refused at once: its hook runs as one of what this one has asked for.
    host.pull(1, std::string(2'000, 'm'), Buffer(), [&host, &pair](const Answer& answer) {
      EXPECT(answer.code == Code::too_large);
      EXPECT(host.raise_flag("peers") == Status::ok);
      EXPECT(host.raise_flag("peers") == Status::busy);
      pair.world.note("raised");
    });
  };
  pair.world.start_all();
  CHECK(pair.world.wait_for("raised"));
}

TEST_CASE("who asks learns from the code whether a pull that is too large ran", "[cell]") {
  Pair pair;
  pair.world.spec().limits.message_bytes = 4;
  pair.scripts[1].serve = [&](Host&, Pull pull) {
    pair.world.note("ran " + std::string(pull.body()));
    pull.reply("54321");
  };
  pair.scripts[0].enter_epoch = [&](Task&, Host& host) {
    for (const char* body : {"12345", "1234"}) {
      host.pull(1, "x", Buffer(body), [&, body](const Answer& answer) {
        const char* code = answer.code == Code::too_large          ? "too large"
                           : answer.code == Code::answer_too_large ? "answer too large"
                                                                   : "another";
        pair.world.note(std::string(body) + ": " + code);
      });
    }
  };
  pair.world.start_all();
  CHECK(pair.world.wait_for("12345: too large"));
  CHECK(pair.world.wait_for("1234: answer too large"));
  CHECK_FALSE(pair.noted("ran 12345"));
  CHECK(pair.noted("ran 1234"));
}

TEST_CASE("a task that asks in a circle delays itself only", "[cell]") {
  Pair pair;
  pair.world.spec().limits.pulls_open = 0;  // every pull is refused as busy, and asked for again at once
  std::atomic<bool> stop{false};
  std::function<void(Host&)> ask = [&](Host& host) {
    host.pull(1, "x", Buffer(), [&](const Answer& answer) {
      if (answer.code == Code::busy && !stop.load()) ask(host);
    });
  };
  pair.scripts[0].enter_epoch = [&](Task&, Host& host) { ask(host); };
  pair.world.start_all();
  pair.world.cell(0).kill({core::Blame::outside, "enough"});  // gets in between two activations
  CHECK(pair.world.wait_for("ended 0 outside: enough"));
  stop = true;
}

TEST_CASE("a task that asks in a circle has one activation to come, however many events go between", "[cell]") {
  Pair pair;
  pair.world.spec().limits.pulls_open = 0;
  constexpr std::uint64_t kAsked = 30 * runtime::Cell::kCommandsPerEventMax;
  constexpr std::uint64_t kEvents = 1'000;
  std::promise<void> go_on;
  std::uint64_t asked = 0;
  std::function<void(Host&)> ask = [&](Host& host) {
    ++asked;
    host.pull(1, "x", Buffer(), [&](const Answer&) {
      if (asked < kAsked) return ask(host);
      pair.world.note("enough");
    });
  };
  pair.scripts[0].enter_epoch = [&](Task&, Host& host) {
    pair.world.note("computes");
    go_on.get_future().wait();
    ask(host);
  };
  pair.world.start_all();
  REQUIRE(pair.world.wait_for("computes"));
  for (std::uint64_t i = 0; i < kEvents; ++i) pair.world.cell(0).post(core::event::EpochLearned{core::Epoch{0}});
  go_on.set_value();
  REQUIRE(pair.world.wait_for("enough"));
  pair.world.cell(0).post(core::event::Stop{core::ExitReason::drain});
  REQUIRE(pair.world.wait_for("ended 0"));
  pair.world.executor().stop();
  CHECK(pair.world.cell(0).events() == 1 + kEvents + 1 + 1);  // the making, theirs, one that goes on, the stop
}

TEST_CASE("chaos: the n-th event ends the replica by an injected fault; a dropped or delayed frame arrives later",
          "[cell]") {
  Pair pair;
  std::atomic<int> frames{0};
  pair.scripts[0].enter_epoch = [&](Task&, Host& host) {
    host.pull(1, "x", Buffer(), [&](const Answer& answer) { pair.world.note("answer " + std::string(answer.body)); });
  };
  pair.scripts[1].serve = [](Host&, Pull pull) { pull.reply("y"); };
  SECTION("throw") {
    pair.world.chaos = [&](core::TaskId task, core::EventClass) -> std::optional<core::Fault> {
      if (task.value == 1) return core::Fault{core::FaultKind::throw_in_hook, {}};
      return std::nullopt;
    };
    pair.world.start_all();
    CHECK(pair.world.wait_for("ended 1 injected: a hook threw \"injected by --chaos\""));
  }
  SECTION("drop") {
    pair.world.chaos = [&](core::TaskId task, core::EventClass kind) -> std::optional<core::Fault> {
      EXPECT(kind == core::EventClass::message);
      if (task.value == 1 && frames++ == 0) return core::Fault{core::FaultKind::drop, {}};
      return std::nullopt;
    };
    pair.world.start_all();
    CHECK(pair.world.wait_for("answer y"));
    CHECK(frames >= 2);
  }
  SECTION("delay") {
    pair.world.chaos = [&](core::TaskId task, core::EventClass) -> std::optional<core::Fault> {
      if (task.value == 1 && frames++ == 0) return core::Fault{core::FaultKind::delay, core::milliseconds(5)};
      return std::nullopt;
    };
    pair.world.start_all();
    CHECK(pair.world.wait_for("answer y"));
  }
  pair.world.executor().stop();
}
