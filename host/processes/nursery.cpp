#include "host/processes/nursery.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <exception>
#include <span>
#include <system_error>
#include <utility>

#include "host/config/exit_codes.hpp"
#include "host/config/value_texts.hpp"
#include "host/process/descendants.hpp"
#include "host/runtime/log.hpp"
#include "host/runtime/random_uuid.hpp"
#include "host/runtime/worker_actor.hpp"

namespace taskgraph::processes {

using runtime::LogLevel;

namespace {

/// Of a worker that ended by itself before it was ready; one whose plugin called exit() has said so on stderr.
runtime::JobOutcome never_ready(const process::Ending& ending, const std::string& what) {
  runtime::JobOutcome outcome{.kind = runtime::JobOutcome::Kind::failed, .reason = what + " before it was ready"};
  constexpr auto kRefused = config::ExitCode::plugin_refused;
  if (ending.kind == process::Ending::Kind::exited && ending.number == static_cast<int>(kRefused)) {
    outcome.kind = runtime::JobOutcome::Kind::refused;
    outcome.exit_code = kRefused;
  }
  return outcome;
}

}  // namespace

Nursery::Nursery(runtime::Executor& executor, const core::JobSpec& spec, wire::Setup setup, unsigned workers,
                 const process::Descriptor& chaos, journal::Journal& journal)
    : Mailbox(executor),
      setup_(std::move(setup)),
      chaos_(chaos),
      spec_(spec),
      journal_(journal),
      look_every_{std::min(spec.failure.stall.ns / 10, core::milliseconds(50).ns)},
      restarts_(spec.restart),
      slots_(workers) {
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    workers_.push_back(std::make_unique<WorkerProcess>(
        executor, spec.limits.message_bytes,
        WorkerProcess::Listener{[this, i](wire::ToSupervisor&& message) {
                                  Mailbox::post(NurseryEvent{NurseryEvent::Told{i, std::move(message)}});
                                },
                                [this](core::OutsideReply&& reply) { outside_->replied(std::move(reply)); },
                                [this, i] { Mailbox::post(NurseryEvent{NurseryEvent::Died{i}}); }}));
  }
}

void Nursery::handle(NurseryEvent event, core::Time now) {
  std::visit([&](auto& one) { on(one, now); }, event.what);
}

// ---------------------------------------------------------------- workers start

void Nursery::on(NurseryEvent::Begin&, core::Time now) {
  for (Slot& slot : slots_) start(slot);
  looked_at_ = now;
  wake_at(now + look_every_);
}

void Nursery::ticked(core::Time now) {
  start_due(now);
  if (now - looked_at_ >= look_every_) look(now);
  wake_at(looked_at_ + look_every_);
}

void Nursery::look(core::Time now) {
  const core::Time before = std::exchange(looked_at_, now);
  // This process itself did not run, and neither did the machine, perhaps: nothing is known of the others.
  if (now - before > look_every_ * 6) return;
  for (Slot& slot : slots_) {
    if (slot.worker != nullptr && slot.killed.why == KilledFor::Why::nothing) judge(slot, now);
  }
}

/// Who shows no beat for failure.stall, does not confirm a fence in that time, or has a hook over limits.hook is
/// killed; its death tells the rest.
void Nursery::judge(Slot& slot, core::Time now) {
  if (now > slot.fenced_by) return kill(slot, {KilledFor::Why::no_fence, {}});
  if (slot.port != 0 && now - slot.worker->newest_beat() > spec_.failure.stall) {
    return kill(slot, {KilledFor::Why::stall, {}});
  }
  if (const auto overlong = slot.hooks->look(now)) kill(slot, {KilledFor::Why::hook, *overlong});
}

void Nursery::kill(Slot& slot, KilledFor why) {
  slot.killed = why;
  slot.worker->signal(SIGKILL);
}

void Nursery::start(Slot& slot) {
  wire::Setup setup = setup_;
  setup.life = runtime::random_uuid<core::LifeId>();
  WorkerProcess& worker = *workers_[number_of(slot)];
  slot = Slot{};
  try {
    worker.start(setup, chaos_);
  } catch (const std::system_error& error) {
    return give_up(slot, fmt::format("worker {} cannot be started: {}", number_of(slot), error.what()));
  }
  slot.worker = &worker;
  slot.hooks.emplace(std::span(worker.page().slots).first(setup.threads + 1), spec_.limits.hook, look_every_);
  runtime::log(LogLevel::debug, fmt::format("worker {} is process {}", number_of(slot), slot.worker->pid()));
  journal_.worker_started(name_of(slot, *slot.worker), runtime::now());
}

journal::WorkerName Nursery::name_of(const Slot& slot, const WorkerProcess& worker) const {
  return {static_cast<std::uint32_t>(number_of(slot)), worker.life(), worker.pid()};
}

void Nursery::start_due(core::Time now) {
  if (stopping_) return;
  for (Slot& slot : slots_) {
    if (slot.worker != nullptr || slot.stopped) continue;
    if (slot.restart_at <= now) {
      start(slot);
    } else {
      wake_at(slot.restart_at);
    }
  }
}

// ---------------------------------------------------------------- what workers say

void Nursery::on(NurseryEvent::Told& event, core::Time now) {
  slots_[event.slot].heard_at = now;
  std::visit([&](auto& one) { told(slots_[event.slot], one); }, event.message);
}

void Nursery::told(Slot& slot, wire::Ready& ready) {
  {
    const std::lock_guard lock(methods_mutex_);  // the same plugin each time
    if (!read_only_methods_.has_value()) read_only_methods_.emplace(std::move(ready.read_only_methods));
  }
  slot.port = ready.port;
  runtime::log(LogLevel::debug, fmt::format("worker {} is ready", number_of(slot)));
  journal_.worker_ready(name_of(slot, *slot.worker), runtime::now());
  announce_addresses();
  const auto is_ready = [](const Slot& one) { return one.port != 0; };
  if (begun_) {
    host_->post(core::event::WorkerStarted{slot.worker->life()});
  } else if (std::all_of(slots_.begin(), slots_.end(), is_ready)) {
    // All at once, so that the first placement sees them all.
    begun_ = true;
    for (const Slot& one : slots_) host_->post(core::event::WorkerStarted{one.worker->life()});
    host_->post(core::event::Start{setup_.job});
  }
}

void Nursery::told(Slot& slot, wire::CannotStart& failure) {
  slot.is_refused = true;
  journal_.worker_refused(name_of(slot, *slot.worker), failure.exit_code, failure.reason, runtime::now());
  runtime::JobOutcome outcome{.kind = runtime::JobOutcome::Kind::refused, .reason = std::move(failure.reason)};
  outcome.exit_code = static_cast<config::ExitCode>(failure.exit_code);
  host_->give_up(std::move(outcome));
}

void Nursery::told(Slot& slot, wire::Counters& counters) {
  pulls_.fetch_add(counters.pulls - slot.counters.pulls, std::memory_order_relaxed);
  failures_.fetch_add(counters.failures - slot.counters.failures, std::memory_order_relaxed);
  frames_dropped_.fetch_add(counters.frames_dropped - slot.counters.frames_dropped, std::memory_order_relaxed);
  slot.counters = counters;
}

void Nursery::told(Slot& slot, core::effect::AllStopped&) {
  slot.stopped = true;
  check_stopped();
}

void Nursery::told(Slot& slot, wire::Fenced&) {
  slot.fenced_by = core::Time::never();
}

void Nursery::told(Slot&, core::ReplicaMoment& moment) {
  journal_.replica_moment(moment);
}

void Nursery::told(Slot&, wire::SlowPullsTold& told) {
  core::SlowPulls pulls;
  for (core::SlowPull& pull : told.pulls) pulls.note(std::move(pull));
  journal_.slow_pulls(pulls);
}

void Nursery::publish_lives() {
  std::vector<runtime::LifeStatus> lives;
  for (const Slot& slot : slots_) {
    if (slot.worker == nullptr || slot.port == 0) continue;
    lives.push_back(
        {slot.worker->life(), static_cast<std::uint32_t>(number_of(slot)), slot.worker->pid(), slot.worker->started()});
  }
  const std::lock_guard lock(lives_mutex_);
  lives_ = std::move(lives);
}

std::vector<runtime::LifeStatus> Nursery::lives() const {
  const std::lock_guard lock(lives_mutex_);
  return lives_;
}

void Nursery::announce_addresses() {
  publish_lives();
  wire::Addresses addresses;
  for (const Slot& slot : slots_) {
    if (slot.worker != nullptr && slot.port != 0) addresses.lives.push_back({slot.worker->life(), slot.port});
  }
  send_to_ready(addresses);
}

// ---------------------------------------------------------------- what workers are told

void Nursery::on(core::WorkerEvent& event, core::Time now) {
  const core::WorkerEvent passed_on = event;
  pass_on(event, now);
  outside_->heard(passed_on);  // behind it: what it asks for meets workers that know the view
}

void Nursery::on(NurseryEvent::Outside& outside, core::Time) {
  for (const Slot& slot : slots_) {
    if (slot.worker == nullptr || slot.worker->life() != outside.to) continue;
    std::visit([&](auto& one) { slot.worker->send(std::move(one)); }, outside.what);
  }
}

bool Nursery::is_read_only(std::string_view method) const {
  const std::lock_guard lock(methods_mutex_);
  return read_only_methods_.has_value() && read_only_methods_->contains(method);
}

void Nursery::pass_on(core::WorkerEvent& event, core::Time now) {
  if (auto* view = std::get_if<core::event::ViewPushed>(&event)) {
    view_ = view->view;
    return send_to_ready(std::move(*view));
  }
  if (auto* epoch = std::get_if<core::event::EpochPushed>(&event)) return send_to_ready(*epoch);
  if (auto* stop = std::get_if<core::event::StopAll>(&event)) {
    stopping_ = true;
    if (stop->reason == core::ExitReason::replaced) fence(now);
    send_to_ready(*stop);
    for (Slot& slot : slots_) {
      if (slot.worker != nullptr && slot.port != 0) continue;
      slot.stopped = true;  // it runs nothing
      if (slot.worker != nullptr) slot.worker->signal(SIGKILL);
    }
    check_stopped();
  }
}

/// This host may act no more: first nothing passes a check, then the workers are told, and confirm.
void Nursery::fence(core::Time now) {
  for (Slot& slot : slots_) {
    if (slot.worker == nullptr) continue;
    slot.worker->lease().clear();
    slot.fenced_by = now + spec_.failure.stall;
  }
}

void Nursery::send_to_ready(const wire::ToWorker& message) {
  for (const Slot& slot : slots_) {
    if (slot.worker != nullptr && slot.port != 0) slot.worker->send(message);
  }
}

void Nursery::check_stopped() {
  const auto stopped = [](const Slot& slot) { return slot.stopped; };
  if (!stopping_ || reported_stopped_ || !std::all_of(slots_.begin(), slots_.end(), stopped)) return;
  reported_stopped_ = true;
  host_->all_stopped();
}

// ---------------------------------------------------------------- workers end

void Nursery::on(NurseryEvent::Died& died, core::Time now) {
  Slot& slot = slots_[died.slot];
  const WorkerProcess::Remains remains = std::exchange(slot.worker, nullptr)->reap();
  const bool was_ready = std::exchange(slot.port, 0) != 0;
  std::size_t orphans = 0;
  try {
    orphans = end_what_is_left();  // before the proof: they may act for their task
  } catch (const std::exception& error) {
    return give_up(slot, error.what());
  }
  announce_addresses();
  note_death(slot, remains, orphans, was_ready, now);
}

std::size_t Nursery::end_what_is_left() {
  return process::end_orphans([this](pid_t pid) {
    return std::any_of(slots_.begin(), slots_.end(),
                       [&](const Slot& one) { return one.worker != nullptr && one.worker->pid() == pid; });
  });
}

/// Proof, blame, log, and what comes next in its place.
void Nursery::note_death(Slot& slot, const WorkerProcess::Remains& remains, std::size_t orphans, bool was_ready,
                         core::Time now) {
  const Death death = death_of({remains.pid, remains.ending, BeatPage::in(remains.page), slot.killed, spec_.limits.hook,
                                setup_.threads, spec_.topology->task_count()});
  const auto blamed = to_blame(remains.life, death);
  if (blamed.has_value()) failures_.fetch_add(1, std::memory_order_relaxed);
  tell_journal(slot, remains, death, now);
  if (begun_) host_->post(core::event::WorkerDied{remains.life, blamed});
  const bool has_said_all = slot.stopped || slot.is_refused;
  const std::string what =
      fmt::format("worker {} (process {}, life {}) {}{}", number_of(slot), remains.pid, config::uuid_text(remains.life),
                  death.cause,
                  orphans == 0 ? ""
                               : fmt::format("; {} process{} that it had started {} ended", orphans,
                                             orphans == 1 ? "" : "es", orphans == 1 ? "was" : "were"));
  const bool injected = death.blame == core::Blame::injected;
  if (!has_said_all) runtime::log(injected ? LogLevel::info : LogLevel::warning, what);
  slot.stopped = has_said_all || stopping_;
  if (slot.stopped) return check_stopped();
  if (!was_ready && death.blame == core::Blame::plugin) return give_up(slot, never_ready(remains.ending, what));
  const core::TaskId place{static_cast<std::uint32_t>(number_of(slot))};
  // A task's failure counts as the task's.
  if (auto why = restarts_.failed(place, blamed.has_value() ? core::Blame::outside : death.blame, what, now)) {
    return give_up(slot, "worker" + why->substr(4));
  }
  slot.restart_at = restarts_.restart_at(place);
  start_due(now);
}

/// Its newest sign of life is no later than its death; that it is reaped is the detection.
void Nursery::tell_journal(const Slot& slot, const WorkerProcess::Remains& remains, const Death& death,
                           core::Time now) {
  using Kind = journal::Cause::Kind;
  using Why = KilledFor::Why;
  const bool signalled = remains.ending.kind == process::Ending::Kind::signalled;
  journal::Cause cause{signalled ? Kind::signal : Kind::exit, remains.ending.number, death.cause, {}};
  if (slot.killed.why == Why::stall || slot.killed.why == Why::no_fence) cause.kind = Kind::stall;
  if (slot.killed.why == Why::hook) cause.kind = Kind::hook_limit;
  if (death.blame == core::Blame::injected) cause.kind = Kind::chaos;
  const core::Time newest = std::max(BeatPage::in(remains.page).newest(), slot.heard_at);
  journal_.worker_died({static_cast<std::uint32_t>(number_of(slot)), remains.life, remains.pid}, std::move(cause),
                       std::min(newest, now), now);
}

std::optional<core::Resignation> Nursery::to_blame(core::LifeId life, const Death& death) const {
  if (!death.blamed.has_value() || view_ == nullptr) return std::nullopt;
  const core::TaskAssignment& task = view_->task(death.blamed->task);
  const auto is_there = [&](const core::Seat& seat) { return seat.life == life; };
  const auto backup = std::find_if(task.backups.begin(), task.backups.end(), is_there);
  if (!is_there(task.primary) && backup == task.backups.end()) return std::nullopt;  // no view names it any more
  return core::Resignation{death.blamed->task, is_there(task.primary) ? task.primary : *backup, core::Blame::plugin,
                           death.blamed->reason};
}

void Nursery::give_up(Slot& slot, std::string reason) {
  give_up(slot, {.kind = runtime::JobOutcome::Kind::failed, .reason = std::move(reason)});
}

void Nursery::give_up(Slot& slot, runtime::JobOutcome outcome) {
  slot.stopped = true;
  host_->give_up(std::move(outcome));
}

void Nursery::end_all(core::Duration time_to_leave) {
  for (const auto& worker : workers_) worker->let_go();
  const core::Time end = runtime::now() + time_to_leave;
  for (const auto& worker : workers_) worker->await(end);
  try {
    process::end_orphans([](pid_t) { return false; });
  } catch (const std::exception& error) {
    runtime::log(LogLevel::error, error.what());
  }
}

}  // namespace taskgraph::processes
