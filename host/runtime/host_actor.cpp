#include "host/runtime/host_actor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "host/core/assert.hpp"
#include "host/runtime/log.hpp"

namespace taskgraph::runtime {
namespace {

bool has_all_primaries(const core::View& view) {
  return view != nullptr && std::all_of(view->tasks().begin(), view->tasks().end(),
                                        [](const core::TaskAssignment& task) { return !task.primary.is_empty(); });
}

JobStatus::State ended_state(JobOutcome::Kind kind) {
  switch (kind) {
    case JobOutcome::Kind::done:
      return JobStatus::State::done;
    case JobOutcome::Kind::failed:
      return JobStatus::State::failed;
    case JobOutcome::Kind::stopped:
      return JobStatus::State::stopped;
    case JobOutcome::Kind::documents_lost:
      return JobStatus::State::documents_lost;
    case JobOutcome::Kind::refused:
      break;
  }
  return JobStatus::State::refused;
}

}  // namespace

std::string_view name(JobOutcome::Kind kind) {
  static constexpr std::string_view kWords[] = {"done", "failed", "stopped", "documents lost", "refused"};
  return kWords[static_cast<std::size_t>(kind)];
}

journal::Journal::End journal_end(const JobOutcome& outcome) {
  return {std::string(name(outcome.kind)), core::Epoch{outcome.epochs}, outcome.result.size(), outcome.reason};
}

HostActor::HostActor(Executor& executor, const core::JobSpec& spec, coordinator::Coordinator& coordinator,
                     core::HostId id, std::string digest, Workers& workers, journal::Journal& journal,
                     Listener listener)
    : Mailbox(executor),
      coordinator_(coordinator),
      workers_(workers),
      journal_(journal),
      supervisor_(id, spec, std::move(digest)),
      listener_(std::move(listener)) {
  status_.host = id;
}

void HostActor::drain() {
  {
    const std::lock_guard lock(end_mutex_);
    is_draining_ = true;
  }
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
  journal_.job_ended(journal_end(outcome), runtime::now());
  listener_.ended(std::move(outcome));
}

void HostActor::handle(core::SupervisorEvent event, core::Time now) {
  effects_.clear();
  note(event, now);
  supervisor_.handle(std::move(event), now, effects_);
  if (!opened_ && !supervisor_.job().is_nil()) {
    opened_ = true;
    journal_.job_opened(supervisor_.job(), supervisor_.job() == fresh_, now);
  }
  update_status();
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
    journal_.epoch_entered(pushed->epoch, runtime::now());
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
  journal_.job_ended(journal_end(outcome), runtime::now());
  listener_.decided(std::move(outcome));
}

void HostActor::note(const core::SupervisorEvent& event, core::Time now) {
  if (const auto* start = std::get_if<core::event::Start>(&event)) fresh_ = start->fresh;
  const auto* from = std::get_if<core::event::FromWorker>(&event);
  const auto* resignation = from == nullptr ? nullptr : std::get_if<core::Resignation>(&from->request);
  if (resignation != nullptr) journal_.resigned(*resignation, now);
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
  journal_.view_committed(*view, runtime::now());
  noted_ = view;
}

/// Before the effects: who is told of a view by them finds it here.
void HostActor::update_status() {
  const bool is_ready = std::exchange(was_ready_, was_ready_ || has_all_primaries(supervisor_.view()));
  {
    const std::lock_guard lock(status_mutex_);
    status_.job = supervisor_.job();
    status_.controller = supervisor_.holds_office() ? supervisor_.host() : core::HostId{};
    status_.view = supervisor_.view();
    if (was_ready_) status_.state = JobStatus::State::running;
  }
  if (was_ready_ && !is_ready && listener_.ready) listener_.ready();
}

void HostActor::describe(JobStatus& status) const {
  {
    const std::lock_guard lock(status_mutex_);
    status.state = status_.state;
    status.job = status_.job;
    status.host = status_.host;
    status.controller = status_.controller;
    status.view = status_.view;
  }
  const std::lock_guard lock(end_mutex_);
  if (is_draining_) status.state = JobStatus::State::stopping;
  if (!is_decided_) return;
  status.state = ended_state(outcome_.kind);
  status.reason = outcome_.reason;
}

}  // namespace taskgraph::runtime
