#include "host/runtime/host_actor.hpp"

#include <fmt/format.h>

#include <utility>

#include "host/runtime/log.hpp"
#include "host/runtime/worker_actor.hpp"

namespace taskgraph::runtime {

HostActor::HostActor(Executor& executor, JobContext& context, coordinator::Coordinator& coordinator, core::HostId id,
                     std::string digest, Listener listener)
    : Mailbox(executor),
      context_(context),
      coordinator_(coordinator),
      supervisor_(id, context.spec, std::move(digest)),
      running_(context.workers.size()),
      listener_(std::move(listener)) {}

void HostActor::drain() {
  for (WorkerActor* worker : context_.workers) worker->post(core::event::StopAll{core::ExitReason::drain});
}

void HostActor::worker_stopped() {
  JobOutcome outcome;
  {
    const std::lock_guard lock(end_mutex_);
    if (--running_ != 0) return;
    if (!is_decided_) outcome_.epochs = context_.epoch.load(std::memory_order_relaxed);
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
    context_.epoch.store(pushed->epoch.value, std::memory_order_relaxed);
  }
  for (WorkerActor* worker : context_.workers) worker->post(effect.event);
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
    context_.primary[i].store(primary.is_empty() ? nullptr : context_.worker(primary.life), std::memory_order_relaxed);
    const core::Term before = noted_ == nullptr ? core::Term{} : noted_->task(core::TaskId{i}).term;
    if (tasks[i].term == before || tasks[i].term == core::Term{1}) continue;
    log(LogLevel::info, fmt::format("task {} goes on: replica {} is primary, fresh", i, primary.counter.value),
        {.task = core::TaskId{i}, .epoch = {}, .term = tasks[i].term});
  }
  context_.tasks_up.store(up, std::memory_order_relaxed);
  noted_ = view;
}

}  // namespace taskgraph::runtime
