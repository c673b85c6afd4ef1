#include "host/processes/death.hpp"

#include <csignal>
#include <memory>

#include "host/process/core_dump.hpp"
#include "tests/support/catch.hpp"

namespace taskgraph::processes {
namespace {

using process::Ending;
using runtime::Hook;
using runtime::HookSlot;

constexpr pid_t kPid = 4711;
constexpr Ending kSegv{Ending::Kind::signalled, SIGSEGV};
constexpr Ending kKill{Ending::Kind::signalled, SIGKILL};
constexpr Ending kExit3{Ending::Kind::exited, 3};

struct Story {
  void say(int signal, const HookSlot* slot, int sender = 0) const {
    page->last_words.signal = signal;
    page->last_words.sender = sender;
    page->last_words.has_slot = slot != nullptr ? 1 : 0;
    page->last_words.slot_word = slot != nullptr ? slot->word() : 0;
    page->last_words.state = LastWords::State::complete;
  }
  Death die(Ending ending, const KilledFor& killed = {}) const {
    return death_of({kPid, ending, *page, killed, core::seconds(60), 2, 15});
  }
  const std::unique_ptr<BeatPage> page = std::make_unique<BeatPage>();
};

TEST_CASE("a crash in a hook blames its task, whatever else ran", "[processes][death]") {
  const Story story;
  story.page->slots[1].begin({5}, Hook::enter_epoch);
  story.page->slots[2].begin({3}, Hook::serve);
  story.say(SIGSEGV, &story.page->slots[2]);
  const Death death = story.die(kSegv);
  CHECK(death.cause == "ended by SIGSEGV in hook serve of task 3");
  CHECK(death.blame == core::Blame::plugin);
  CHECK(death.blamed.value().task.value == 3);
  CHECK(death.blamed.value().reason == "hook serve ended its worker by SIGSEGV");
}

TEST_CASE("a crash of a thread that is not the host's blames no task", "[processes][death]") {
  const Story story;
  story.page->slots[1].begin({5}, Hook::enter_epoch);
  story.say(SIGSEGV, nullptr);
  const Death death = story.die(kSegv);
  CHECK(death.cause == "ended by SIGSEGV on a thread of the plugin's own: no task is known to be to blame");
  CHECK_FALSE(death.blamed.has_value());
  CHECK(death.blame == core::Blame::plugin);
}

TEST_CASE("a crash between hooks blames no task", "[processes][death]") {
  const Story story;
  story.say(SIGABRT, &story.page->slots[1]);
  const Death death = story.die({Ending::Kind::signalled, SIGABRT});
  CHECK(death.cause == "ended by SIGABRT outside of any hook");
  CHECK_FALSE(death.blamed.has_value());
}

TEST_CASE("a signal that another process has sent is nobody's failure", "[processes][death]") {
  const Story story;
  story.page->slots[1].begin({5}, Hook::enter_epoch);
  story.say(SIGSEGV, &story.page->slots[1], kPid + 1);
  const Death death = story.die(kSegv);
  CHECK(death.cause == "ended by SIGSEGV, which process 4712 sent");
  CHECK(death.blame == core::Blame::outside);
  CHECK_FALSE(death.blamed.has_value());
  for (const int signal : {SIGKILL, SIGTERM, SIGHUP})
    CHECK(story.die({Ending::Kind::signalled, signal}).blame == core::Blame::outside);
}

TEST_CASE("who raises a signal itself is to blame", "[processes][death]") {
  const Story story;
  story.page->slots[1].begin({5}, Hook::enter_epoch);
  story.say(SIGABRT, &story.page->slots[1], kPid);
  CHECK(story.die({Ending::Kind::signalled, SIGABRT}).blamed.value().task.value == 5);
}

TEST_CASE("exit() names who called it; _exit leaves what ran", "[processes][death]") {
  const Story story;
  story.page->slots[1].begin({5}, Hook::enter_epoch);
  const Death only = story.die(kExit3);
  CHECK(only.cause == "exited with 3 while hook enter_epoch of task 5 ran");
  CHECK(only.blamed.value().task.value == 5);
  CHECK(only.blamed.value().reason == "its worker exited with 3 during hook enter_epoch");

  story.page->slots[2].begin({6}, Hook::serve);
  const Death two = story.die(kExit3);
  CHECK(two.cause == "exited with 3 while hook enter_epoch of task 5 and hook serve of task 6 ran");
  CHECK_FALSE(two.blamed.has_value());

  story.say(0, &story.page->slots[2]);
  const Death called = story.die(kExit3);
  CHECK(called.cause == "exited with 3: hook serve of task 6 called exit()");
  CHECK(called.blamed.value().reason == "hook serve ended its worker by exit()");

  story.say(0, nullptr);
  CHECK(story.die(kExit3).cause ==
        "exited with 3: a thread of the plugin's own called exit(): no task is known to be to blame");
  CHECK(Story().die(kExit3).cause == "exited with 3 while no hook ran");
}

TEST_CASE("a worker that was killed for a hook blames its task; for a stall, nobody", "[processes][death]") {
  const Story story;
  const Death hook = story.die(kKill, {KilledFor::Why::hook, {{{3}, Hook::serve, 1}, core::milliseconds(61'040)}});
  CHECK(hook.cause == "was killed: task 3: hook serve ran for 61 s, beyond limits.hook of 60 s");
  CHECK(hook.blamed.value().task.value == 3);
  CHECK(hook.blamed.value().reason == "hook serve ran for 61 s, beyond limits.hook of 60 s; its worker was killed");
  const Death stall = story.die(kKill, {KilledFor::Why::stall, {}});
  CHECK(stall.cause == "did not run for failure.stall, and was killed");
  CHECK(stall.blame == core::Blame::outside);
  // It crashed before the kill came.
  CHECK(story.die(kSegv, {KilledFor::Why::stall, {}}).cause == "ended by SIGSEGV while no hook ran");
}

TEST_CASE("what chaos does to a worker is nobody's failure", "[processes][death]") {
  const Story story;
  story.page->slots[1].begin({5}, Hook::enter_epoch);
  story.page->set_hit_by_chaos(true);
  CHECK(story.die(kKill).cause == "was killed by --chaos");
  CHECK(story.die(kKill).blame == core::Blame::injected);
  CHECK(story.die(kKill, {KilledFor::Why::stall, {}}).cause ==
        "was stopped by --chaos, and killed after failure.stall");
  CHECK(story.die(kSegv).blame == core::Blame::plugin);
}

TEST_CASE("the plugin's init is of no task", "[processes][death]") {
  const Story story;
  story.page->slots[0].begin(runtime::kNoTask, Hook::plugin_init);
  story.say(SIGSEGV, story.page->slots.data());
  const Death death = story.die(kSegv);
  CHECK(death.cause == "ended by SIGSEGV in hook plugin init");
  CHECK_FALSE(death.blamed.has_value());
}

TEST_CASE("a page that was overwritten names no task that there is not, and no words of another death",
          "[processes][death]") {
  const Story story;
  story.page->slots[1].begin({15}, Hook::serve);
  CHECK(story.die(kExit3).cause == "exited with 3 while no hook ran");
  story.say(SIGSEGV, &story.page->slots[1]);
  CHECK(story.die(kSegv).cause == "ended by SIGSEGV outside of any hook");
  CHECK(story.die({Ending::Kind::signalled, SIGBUS}).cause == "ended by SIGBUS while no hook ran");
}

TEST_CASE("where a core dump lies follows from the kernel's pattern", "[process][core-dump]") {
  const process::DumpedProcess dumped{4711, 4712, 11, "/usr/bin/taskgraph-host", "/srv/job", "box"};
  const auto place = [&](const char* pattern, bool uses_pid = false) {
    return process::core_dump_place(pattern, uses_pid, dumped);
  };
  CHECK(place("core") == "core dump: /srv/job/core");
  CHECK(place("core", true) == "core dump: /srv/job/core.4711");
  CHECK(place("/var/core/%e.%p.%i.%s.%h", true) == "core dump: /var/core/taskgraph-host.4711.4712.11.box");
  CHECK(place("/c/%E-%t-100%%%") == "core dump: /c/!usr!bin!taskgraph-host-*-100%");
  CHECK(place("") == "core dump: /srv/job/core");
  CHECK(place("|/usr/lib/systemd/systemd-coredump %P %u %g") ==
        "core dump handed to |/usr/lib/systemd/systemd-coredump");
}

}  // namespace
}  // namespace taskgraph::processes
