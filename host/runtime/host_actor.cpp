#include "host/runtime/host_actor.hpp"

#include <fmt/format.h>

#include <utility>

#include "host/core/assert.hpp"
#include "host/runtime/log.hpp"

namespace taskgraph::runtime {

HostActor::HostActor(Executor& executor, const core::JobSpec& spec, coordinator::Coordinator& coordinator,
                     core::HostId id, std::string digest, Workers& workers, Listener listener)
    : Mailbox(executor),
      coordinator_(coordinator),
      workers_(workers),
      supervisor_(id, spec, std::move(digest)),
      listener_(std::move(listener)) {}

void HostActor::drain() {
  workers_.post(core::event::StopAll{core::ExitReason::drain});
}

void HostActor::give_up(JobOutcome outcome) {
  decide(std::move(outcome));
  drain();
}

void HostActor::all_stopped() {
  JobOutcome outcome;
  {
    const std::lock_guard lock(end_mutex_);
    if (!is_decided_) outcome_.epochs = epoch().value;
    outcome = outcome_;
  }
  listener_.ended(std::move(outcome));
}

void HostActor::handle(core::SupervisorEvent event, core::Time now) {
  effects_.clear();
  supervisor_.handle(std::move(event), now, effects_);
  for (core::SupervisorEffect& effect : effects_) {
    std::visit([this](auto& one) { perform(one); }, effect);
  }
  if (supervisor_.wakeup() != core::Time::never()) wake_at(supervisor_.wakeup());
}

void HostActor::ticked(core::Time now) {
  handle(core::event::Tick{}, now);
}

void HostActor::perform(core::effect::Transact& effect) {
  coordinator_.transact(effect.request, effect.transaction);
}
void HostActor::perform(core::effect::Read& effect) {
  coordinator_.read(effect.request);
}

void HostActor::perform(core::effect::ToWorkers& effect) {
  if (const auto* pushed = std::get_if<core::event::ViewPushed>(&effect.event)) note(pushed->view);
  if (const auto* pushed = std::get_if<core::event::EpochPushed>(&effect.event)) {
    epoch_.store(pushed->epoch.value, std::memory_order_relaxed);
  }
  workers_.post(effect.event);
}

void HostActor::perform(core::effect::ToHost&) {
  TG_ASSERT(!"this process is the only host of its job");
}

void HostActor::perform(core::effect::JobEnded& effect) {
  const bool done = effect.status.status == core::JobStatus::done;
  decide({done ? JobOutcome::Kind::done : JobOutcome::Kind::failed, effect.status.epoch.value,
          std::move(effect.status.result), std::move(effect.status.reason)});
}

void HostActor::perform(core::effect::Refused& effect) {
  const bool lost = effect.why == core::effect::Refused::Why::documents_lost;
  decide({lost ? JobOutcome::Kind::documents_lost : JobOutcome::Kind::refused, 0, "{}", std::move(effect.text)});
}

void HostActor::decide(JobOutcome outcome) {
  {
    const std::lock_guard lock(end_mutex_);
    if (std::exchange(is_decided_, true)) return;
    outcome_ = outcome;
  }
  listener_.decided(std::move(outcome));
}

/// Says what a view changed, and keeps what other threads may know of it.
void HostActor::note(const core::View& view) {
  std::uint32_t up = 0;
  const auto& tasks = view->tasks();
  for (std::uint32_t i = 0; i < tasks.size(); ++i) {
    const core::Seat& primary = tasks[i].primary;
    if (!primary.is_empty()) ++up;
    const core::Term before = noted_ == nullptr ? core::Term{} : noted_->task(core::TaskId{i}).term;
    if (tasks[i].term == before || tasks[i].term == core::Term{1}) continue;
    log(LogLevel::info, fmt::format("task {} goes on: replica {} is primary, fresh", i, primary.counter.value),
        {.task = core::TaskId{i}, .epoch = {}, .term = tasks[i].term});
  }
  tasks_up_.store(up, std::memory_order_relaxed);
  noted_ = view;
}

}  // namespace taskgraph::runtime
