#include "host/processes/nursery.hpp"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <csignal>
#include <utility>

#include "host/config/exit_codes.hpp"
#include "host/process/descendants.hpp"
#include "host/runtime/log.hpp"
#include "host/runtime/random_uuid.hpp"

namespace taskgraph::processes {

using runtime::LogLevel;

Nursery::Nursery(runtime::Executor& executor, const core::JobSpec& spec, wire::Setup setup, unsigned workers)
    : Mailbox(executor),
      setup_(std::move(setup)),
      message_bytes_(spec.limits.message_bytes),
      stall_(spec.failure.stall),
      look_every_{std::min(spec.failure.stall.ns / 5, core::milliseconds(100).ns)},
      restarts_(spec.restart),
      slots_(workers) {}

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
  if (now - looked_at_ >= look_every_) end_stalled(now);
  wake_at(looked_at_ + look_every_);
}

/// A worker that shows no beat for failure.stall is killed; its death tells the rest.
void Nursery::end_stalled(core::Time now) {
  const core::Time before = std::exchange(looked_at_, now);
  // This process itself did not run, and neither did the machine, perhaps: nothing is known of the others.
  if (now - before > look_every_ * 3) return;
  for (Slot& slot : slots_) {
    if (slot.worker == nullptr || slot.port == 0 || slot.stalled) continue;
    if (now - slot.worker->newest_beat() <= stall_) continue;
    slot.stalled = true;
    slot.worker->signal(SIGKILL);
  }
}

void Nursery::start(Slot& slot) {
  wire::Setup setup = setup_;
  setup.life = runtime::random_uuid<core::LifeId>();
  slot.port = 0;
  slot.counters = {};
  slot.stalled = false;
  workers_.push_back(std::make_unique<WorkerProcess>(
      executor(), std::move(setup), message_bytes_,
      WorkerProcess::Listener{[this](WorkerProcess& worker, wire::ToSupervisor&& message) {
                                Mailbox::post(NurseryEvent{NurseryEvent::Told{&worker, std::move(message)}});
                              },
                              [this](core::OutsideReply&& reply) { outside_->replied(std::move(reply)); },
                              [this](WorkerProcess& worker, const process::Ending& ending) {
                                Mailbox::post(NurseryEvent{NurseryEvent::Died{&worker, ending}});
                              }}));
  slot.worker = workers_.back().get();
  runtime::log(LogLevel::debug, fmt::format("worker {} is process {}", number_of(slot), slot.worker->pid()));
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

void Nursery::on(NurseryEvent::Told& event, core::Time) {
  Slot* const slot = slot_of(event.worker);
  if (slot == nullptr) return;  // it has died since
  std::visit([&](auto& one) { told(*slot, one); }, event.message);
}

void Nursery::told(Slot& slot, wire::Ready& ready) {
  {
    const std::lock_guard lock(methods_mutex_);  // the same plugin each time
    if (!read_only_methods_.has_value()) read_only_methods_.emplace(std::move(ready.read_only_methods));
  }
  slot.port = ready.port;
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

void Nursery::told(Slot&, wire::CannotStart& failure) {
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

void Nursery::told(Slot&, wire::LogLine& line) {
  runtime::log(line.level, line.text, {.task = line.task, .epoch = {}, .term = {}});
}

void Nursery::announce_addresses() {
  wire::Addresses addresses;
  for (const Slot& slot : slots_) {
    if (slot.worker != nullptr && slot.port != 0) addresses.lives.push_back({slot.worker->life(), slot.port});
  }
  send_to_ready(addresses);
}

// ---------------------------------------------------------------- what workers are told

void Nursery::on(core::WorkerEvent& event, core::Time) {
  const core::WorkerEvent passed_on = event;
  pass_on(event);
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

void Nursery::pass_on(core::WorkerEvent& event) {
  if (auto* view = std::get_if<core::event::ViewPushed>(&event)) return send_to_ready(std::move(*view));
  if (auto* epoch = std::get_if<core::event::EpochPushed>(&event)) return send_to_ready(*epoch);
  if (auto* stop = std::get_if<core::event::StopAll>(&event)) {
    stopping_ = true;
    send_to_ready(*stop);
    for (Slot& slot : slots_) {
      if (slot.worker != nullptr && slot.port != 0) continue;
      slot.stopped = true;  // it runs nothing
      if (slot.worker != nullptr) slot.worker->signal(SIGKILL);
    }
    check_stopped();
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
  Slot* const slot = slot_of(died.worker);
  if (slot == nullptr) return;
  const auto is_worker = [this](pid_t pid) {
    return std::any_of(slots_.begin(), slots_.end(),
                       [&](const Slot& one) { return one.worker != nullptr && one.worker->pid() == pid; });
  };
  const core::LifeId life = died.worker->life();
  const bool was_ready = slot->port != 0;
  slot->worker = nullptr;
  slot->port = 0;
  const std::size_t orphans = process::end_orphans(is_worker);  // before the proof: they may act for their task
  announce_addresses();
  if (begun_) host_->post(core::event::WorkerDied{life});
  if (slot->stopped) return;
  const std::string what =
      fmt::format("worker {} (process {}) {}{}", number_of(*slot), died.worker->pid(),
                  slot->stalled ? "did not run for failure.stall, and was killed" : died.ending.text(),
                  orphans == 0 ? "" : fmt::format("; {} processes that it had started were ended", orphans));
  if (stopping_) {
    slot->stopped = true;
    return check_stopped();
  }
  runtime::log(LogLevel::warning, what);
  const bool outside = died.ending.kind == process::Ending::Kind::signalled && died.ending.number == SIGKILL;
  const core::TaskId place{static_cast<std::uint32_t>(number_of(*slot))};
  const auto why = restarts_.failed(place, outside ? core::Blame::outside : core::Blame::plugin, what, now);
  if (why.has_value() || (!was_ready && !outside)) {
    slot->stopped = true;
    return host_->give_up({.kind = runtime::JobOutcome::Kind::failed,
                           .reason = was_ready ? "worker" + why->substr(4) : what + " before it was ready"});
  }
  slot->restart_at = restarts_.restart_at(place);
  start_due(now);
}

Nursery::Slot* Nursery::slot_of(const WorkerProcess* worker) {
  const auto found =
      std::find_if(slots_.begin(), slots_.end(), [&](const Slot& slot) { return slot.worker == worker; });
  return found == slots_.end() ? nullptr : &*found;
}

void Nursery::close() {
  for (const auto& worker : workers_) worker->let_go();
  const core::Time end = runtime::now() + core::milliseconds(kLeaveMs);
  for (const auto& worker : workers_) worker->await(end);
  process::end_orphans([](pid_t) { return false; });
}

}  // namespace taskgraph::processes
