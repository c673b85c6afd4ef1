#include "host/processes/death.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <utility>
#include <vector>

#include "host/process/core_dump.hpp"

namespace taskgraph::processes {
namespace {

using process::Ending;
using runtime::HookCall;

std::string described(const HookCall& call) {
  const std::string hook = fmt::format("hook {}", runtime::name_of(call.hook));
  return call.task == runtime::kNoTask ? hook : fmt::format("{} of task {}", hook, call.task.value);
}

/// What the page says, as far as it makes sense.
class Account {
 public:
  Account(const BeatPage& page, unsigned threads, std::uint32_t tasks) : tasks_(tasks) {
    for (const runtime::HookSlot& slot : std::span(page.slots).first(threads + 1)) {
      if (const auto call = checked(slot.word())) running_.push_back(*call);
    }
    const LastWords& words = page.last_words;
    if (words.state.load(std::memory_order_acquire) == LastWords::State::complete) words_ = &words;
  }

  /// Of the thread that ended the process as `ending` says; nullptr: it left none.
  const LastWords* words_for(const Ending& ending) const {
    const int signal = ending.kind == Ending::Kind::signalled ? ending.number : 0;
    return words_ != nullptr && words_->signal == signal ? words_ : nullptr;
  }
  std::optional<HookCall> checked(std::uint64_t word) const {
    const auto call = runtime::HookSlot::call_of(word);
    const bool known = call.has_value() && (call->task.value < tasks_ || call->task == runtime::kNoTask);
    return known ? call : std::nullopt;
  }
  /// At the moment of death.
  const std::vector<HookCall>& running() const { return running_; }

 private:
  const std::uint32_t tasks_;
  std::vector<HookCall> running_;
  const LastWords* words_ = nullptr;
};

void blame(const HookCall& call, std::string reason, Death& death) {
  if (call.task != runtime::kNoTask) death.blamed = Death::Blamed{call.task, std::move(reason)};
}

/// A thread has said that it is the one.
void explain_by_words(const LastWords& words, const Account& account, const std::string& how, Death& death) {
  const auto call = words.has_slot != 0 ? account.checked(words.slot_word) : std::nullopt;
  const bool called_exit = words.signal == 0;
  if (call.has_value()) {
    death.cause = called_exit ? fmt::format("{}: {} called exit()", how, described(*call))
                              : fmt::format("{} in {}", how, described(*call));
    const char* const by = called_exit ? "exit()" : how.c_str() + how.rfind(' ') + 1;
    return blame(*call, fmt::format("hook {} ended its worker by {}", runtime::name_of(call->hook), by), death);
  }
  if (words.has_slot != 0) {
    death.cause = how + " outside of any hook";
  } else {
    death.cause = fmt::format("{}{} a thread of the plugin's own{}: no task is known to be to blame", how,
                              called_exit ? ":" : " on", called_exit ? " called exit()" : "");
  }
}

/// Nobody has said anything: what ran then is all that is known.
void explain_by_slots(const Account& account, const std::string& how, Death& death) {
  const std::vector<HookCall>& running = account.running();
  if (running.empty()) {
    death.cause = how + " while no hook ran";
    return;
  }
  death.cause = how + " while ";
  for (const HookCall& call : running) death.cause += (&call == running.data() ? "" : " and ") + described(call);
  death.cause += " ran";
  if (running.size() != 1) return;
  blame(running.front(), fmt::format("its worker {} during hook {}", how, runtime::name_of(running.front().hook)),
        death);
}

bool comes_from_people(int signal) {
  return signal == SIGKILL || signal == SIGTERM || signal == SIGINT || signal == SIGHUP || signal == SIGQUIT;
}

void explain_kill(const KilledFor& killed, core::Duration limit, Death& death) {
  switch (killed.why) {
    case KilledFor::Why::stall:
      death.cause = "did not run for failure.stall, and was killed";
      death.blame = core::Blame::outside;  // nobody knows whether it stopped itself
      return;
    case KilledFor::Why::no_fence:
      death.cause = "did not confirm within failure.stall that it acts no more, and was killed";
      death.blame = core::Blame::outside;
      return;
    default:
      break;
  }
  const std::string text = runtime::text_of(killed.hook, limit);
  death.cause = "was killed: " + text;
  HookCall of_no_task = killed.hook.call;
  of_no_task.task = runtime::kNoTask;
  blame(killed.hook.call, runtime::text_of({of_no_task, killed.hook.lasted}, limit) + "; its worker was killed", death);
}

}  // namespace

Death death_of(const DeathFacts& facts) {
  Death death;
  const bool signalled = facts.ending.kind == Ending::Kind::signalled;
  if (facts.ending.is_by(SIGKILL) && facts.page.is_hit_by_chaos()) {
    const bool stopped = facts.killed.why == KilledFor::Why::stall;
    death.cause = stopped ? "was stopped by --chaos, and killed after failure.stall" : "was killed by --chaos";
    death.blame = core::Blame::injected;
    return death;
  }
  if (facts.ending.is_by(SIGKILL) && facts.killed.why != KilledFor::Why::nothing) {
    explain_kill(facts.killed, facts.hook_limit, death);
    return death;
  }
  Ending plain = facts.ending;
  plain.core_dumped = false;
  const std::string how = plain.text();
  const Account account(facts.page, facts.threads, facts.tasks);
  const LastWords* const words = account.words_for(facts.ending);
  if (words != nullptr && words->sender != 0 && words->sender != facts.pid) {
    death.cause = fmt::format("{}, which process {} sent", how, words->sender);
    death.blame = core::Blame::outside;
  } else if (words != nullptr) {
    explain_by_words(*words, account, how, death);
  } else if (signalled && comes_from_people(facts.ending.number)) {
    death.cause = how;
    death.blame = core::Blame::outside;
  } else {
    explain_by_slots(account, how, death);
  }
  if (facts.ending.core_dumped) {
    const int thread = words == nullptr ? 0 : words->thread;
    death.cause += "; " + process::core_dump_place(facts.pid, thread, facts.ending.number);
  }
  return death;
}

}  // namespace taskgraph::processes
