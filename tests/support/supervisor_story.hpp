/// Supervisors of several hosts at one store, without machines, network or clock: the test performs or loses requests
/// and messages, and reads what each supervisor told its host as one line of text.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <variant>

#include "host/coordinator/store.hpp"
#include "host/core/supervisor.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/replica_story.hpp"

namespace taskgraph::tests {

/// Supervisors of several hosts at one store. Their requests wait until the test performs or loses them; host A brings
/// the fresh job id 1, B brings 2, and so on, and worker life a runs on A.
struct SupervisorStory {
  explicit SupervisorStory(std::uint32_t tasks) : spec(small_job(tasks)) {}

  struct Host {
    core::Supervisor supervisor;
    coordinator::SessionId session;
    std::deque<core::SupervisorEffect> requests{};  ///< to the coordinator, oldest first
    std::deque<std::pair<core::HostId, core::HostMessage>> messages{};
    std::string told{};
  };

  core::JobSpec spec;
  coordinator::Store store;
  core::Time now{};
  std::map<char, std::unique_ptr<Host>> hosts;

  Host& add(char name, const std::string& digest = "0123") {
    auto& made = hosts[name];
    made.reset(new Host{core::Supervisor(host(name), spec, digest), store.open_session()});
    return *made;
  }
  /// With its worker, and opening the job.
  void start(char name, const std::string& digest = "0123") {
    add(name, digest);
    give(name, core::event::WorkerStarted{life(static_cast<char>(name - 'A' + 'a'))});
    give(name, core::event::Start{core::JobId{0, static_cast<std::uint64_t>(name - 'A' + 1)}});
  }
  void give(char name, core::SupervisorEvent event) {
    Host& to = *hosts.at(name);
    core::SupervisorEffects effects;
    to.supervisor.handle(std::move(event), now, effects);
    for (core::SupervisorEffect& effect : effects) {
      if (std::holds_alternative<core::effect::Transact>(effect) ||
          std::holds_alternative<core::effect::Read>(effect)) {
        to.requests.push_back(std::move(effect));
      } else if (auto* message = std::get_if<core::effect::ToHost>(&effect)) {
        to.messages.emplace_back(message->to, std::move(message->message));
      } else {
        to.told += (to.told.empty() ? "" : "; ") + text(effect);
      }
    }
  }
  /// Performs the oldest request of a host; `heard` false: the reply is lost.
  void perform(char name, bool heard = true) {
    Host& of = *hosts.at(name);
    REQUIRE_FALSE(of.requests.empty());
    const core::SupervisorEffect request = std::move(of.requests.front());
    of.requests.pop_front();
    if (const auto* read = std::get_if<core::effect::Read>(&request)) {
      if (heard) give(name, core::ReadReply{read->request, true, store.read()});
      return;
    }
    const auto& transact = std::get<core::effect::Transact>(request);
    auto result = store.apply(of.session, transact.transaction);
    if (heard) {
      const auto outcome = result.committed ? core::TransactionOutcome::committed : core::TransactionOutcome::refused;
      give(name, core::TransactionReply{transact.request, outcome, std::move(result.versions)});
    }
    if (result.worth_a_notice) notify();
  }
  void notify() {
    for (const auto& [name, one] : hosts) give(name, core::event::DocumentsChanged{});
  }
  /// Performs requests and delivers messages until there are none; a host that does not run any more gets nothing.
  void settle() {
    for (int steps = 0;; ++steps) {
      REQUIRE(steps < 1000);
      bool idle = true;
      for (const auto& [name, one] : hosts) {
        while (!one->messages.empty()) {
          auto [to, message] = std::move(one->messages.front());
          one->messages.pop_front();
          const char receiver = static_cast<char>('A' + static_cast<char>(to.low) - 1);
          if (hosts.contains(receiver)) give(receiver, core::event::FromHost{std::move(message)});
          idle = false;
        }
        if (one->requests.empty()) continue;
        perform(name);
        idle = false;
      }
      if (idle) return;
    }
  }
  /// Moves the clock, wakes who asked for it by then, and settles.
  void pass(core::Duration duration) {
    now = now + duration;
    wake();
    settle();
  }
  void wake() {
    for (const auto& [name, one] : hosts) {
      if (one->supervisor.wakeup() <= now) give(name, core::event::Tick{});
    }
  }
  /// The machine is gone: no word of it, and its session ends.
  void crash(char name) {
    const coordinator::SessionId session = hosts.at(name)->session;
    hosts.erase(name);
    store.close_session(session);
    notify();
    settle();
  }

  core::Supervisor& at(char name) { return hosts.at(name)->supervisor; }
  std::string told(char name) { return std::exchange(hosts.at(name)->told, {}); }
  template <typename T>
  const T* find(const core::Key& key) {
    documents.replace(store.read());
    return documents.find<T>(key);
  }
  const core::TaskAssignment& task(std::uint32_t id) {
    documents.replace(store.read());
    return documents.view(spec)->task({id});
  }
  std::uint64_t epoch() { return find<core::EpochDocument>(core::Key::of(core::DocumentKind::epoch))->epoch.value; }
  bool has(const core::Key& key) const { return store.version(key) != 0; }

  static std::string text(const core::SupervisorEffect& effect) {
    if (const auto* ended = std::get_if<core::effect::JobEnded>(&effect)) {
      return ended->status.status == core::JobStatus::done ? "ended done " + ended->status.result
                                                           : "ended failed " + ended->status.reason;
    }
    if (const auto* refused = std::get_if<core::effect::Refused>(&effect)) {
      const char* const why[] = {"other topology", "documents lost", "fenced"};
      return std::string("refused: ") + why[static_cast<int>(refused->why)];
    }
    const core::WorkerEvent& event = std::get<core::effect::ToWorkers>(effect).event;
    if (const auto* view = std::get_if<core::event::ViewPushed>(&event)) {
      return "view " + std::to_string(view->view->version().value);
    }
    if (const auto* epoch = std::get_if<core::event::EpochPushed>(&event)) {
      return "epoch " + std::to_string(epoch->epoch.value);
    }
    return std::get<core::event::StopAll>(event).reason == core::ExitReason::job_ended ? "stop: job ended"
                                                                                       : "stop: replaced";
  }

 private:
  core::Documents documents;
};

}  // namespace taskgraph::tests
