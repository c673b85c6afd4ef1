/// Cell: the replica from its creation to its end, and the chaos that may end it.
#include <algorithm>
#include <cstddef>
#include <utility>

#include "host/plugin/entry.hpp"
#include "host/runtime/cell.hpp"
#include "host/runtime/cell_live.hpp"

namespace taskgraph::runtime {
// ---------------------------------------------------------------- chaos

/// A task's events are numbered frames and epochs (here), views, and continuations; ticks, bare acknowledgements and
/// pulls from outside are not, which come as the clock and people have it. Whether a task's n-th event is a fault is
/// the seed's matter alone while the plan's budget lasts. Which event is the n-th, and for whom nothing is left of the
/// budget, is that of the threads' pace.
bool Cell::is_faulty(core::ReplicaEvent& event) {
  auto* arrived = std::get_if<core::event::FrameArrived>(&event);
  if (arrived != nullptr && arrived->frame.stamp.sequence == 0) return false;
  if (arrived == nullptr && !std::holds_alternative<core::event::EpochLearned>(event)) return false;
  const auto kind = arrived != nullptr ? core::EventClass::message : core::EventClass::other;
  const auto fault = chaos_at_event(kind);
  if (!fault.has_value()) return false;
  if (arrived != nullptr && fault->kind == core::FaultKind::drop) return true;
  if (arrived != nullptr && fault->kind == core::FaultKind::delay) {
    delayed_.push_back({now_ + fault->delay, std::move(arrived->frame)});
    return true;
  }
  return fail_by_chaos(*fault);
}

/// Only what reaches a primary counts, so that a seed means the same whatever the backups' strands do.
std::optional<core::Fault> Cell::chaos_at_event(core::EventClass kind) {
  if (live_->core.role() != core::Role::primary) return std::nullopt;
  return shared_.outside.before_event(task_, kind);
}

bool Cell::fail_by_chaos(const core::Fault& fault) {
  if (!is_fatal(fault)) return false;
  core::effect::Failed failed = by_chaos(fault);
  drive(core::event::Fail{failed.blame, std::move(failed.reason)});
  return true;
}

// ---------------------------------------------------------------- a replica's life

bool Cell::start(const Create& create) {
  auto live =
      std::make_unique<Live>(static_cast<plugin::BridgeOutside&>(*this), shared_, create.identity, next_serial_++);
  live_ = std::move(live);
  const plugin::Bridge::OnStrand on_strand(live_->bridge, scratch().commands);
  tg_error error;
  error.size = 0;
  tg_status status = TG_OK;
  {
    const InHook in_hook(task_, Hook::create_task);
    status = shared_.plugin.create_task(task_.value, &live_->bridge, &live_->task, &error);
  }
  std::optional<std::string> wrong = fmt::format("create_task failed: \"{}\"", text_of(error));
  if (status == TG_OK) wrong = plugin::judge_hooks(live_->task.hooks);
  if (wrong.has_value()) {
    live_->task.hooks = nullptr;
    end(core::effect::Failed{core::Blame::plugin, *std::move(wrong)});
  } else if (live_->hooks().init != nullptr) {
    call(Hook::init, [&](tg_error* text) { return live_->hooks().init(live_->task.object, text); });
    finish_commands();
  }
  const bool started = !live_->ended;
  if (!started) scratch().commands.clear();
  return started;
}

void Cell::drive(core::ReplicaEvent&& event) {
  on(ViewLatched{});  // first, with all that its hooks ask for: the event may end their epoch
  if (live_->ended) return;
  const plugin::Bridge::OnStrand on_strand(live_->bridge, scratch().commands);
  scratch().commands.swap(live_->put_off);  // what this event asks for comes after it
  step(std::move(event));
  finish_commands();
}

/// What the hooks asked for goes to the core in order, and what the hooks ask for that follow from it.
void Cell::finish_commands() {
  plugin::Bridge::Commands& commands = scratch().commands;
  std::size_t done = 0;
  for (; done < commands.size() && done < kCommandsPerEventMax && !live_->ended; ++done) {
    // Hooks of this step count what is still queued, so what is taken is no flag any more.
    core::ReplicaEvent command = std::exchange(commands[done], core::event::Tick{});
    step(std::move(command));
  }
  if (live_->failure != nullptr && !live_->ended) {
    core::effect::Failed failed = *std::move(live_->failure);
    step(core::event::Fail{failed.blame, std::move(failed.reason)});
  }
  if (!live_->ended && done < commands.size()) {
    live_->put_off.assign(std::make_move_iterator(commands.begin() + static_cast<std::ptrdiff_t>(done)),
                          std::make_move_iterator(commands.end()));
    if (!std::exchange(live_->goes_on, true)) Strand::post(new Event(GoOn{}));
  }
  commands.clear();
  if (commands.capacity() > kScratchKept) commands = {};
}

void Cell::step(core::ReplicaEvent&& event) {
  if (view_latched_.load(std::memory_order_acquire)) apply_latched();
  if (!live_->ended) handle(std::move(event));
}

void Cell::apply_latched() {
  if (!live_->has_view) return;
  std::optional<core::event::ApplyView> view;
  {
    const std::lock_guard lock(views_mutex_);
    view = views_.take();
    view_latched_.store(false, std::memory_order_relaxed);
  }
  if (!view.has_value()) return;
  const auto fault = chaos_at_event(core::EventClass::other);
  if (!fault.has_value() || !is_fatal(*fault)) return handle(*std::move(view));
  core::effect::Failed failed = by_chaos(*fault);
  handle(core::event::Fail{failed.blame, std::move(failed.reason)});
}

void Cell::handle(core::ReplicaEvent&& event) {
  if (std::exchange(now_is_old_, false)) now_ = runtime::now();  // a hook may have run for long: the lease counts
  if (live_->watched) [[unlikely]]
    return handle_watched(std::move(event));
  core::ReplicaEffects& effects = scratch().effects;
  live_->core.handle(std::move(event), now_, effects);
  perform_all(effects);
}

void Cell::perform_all(core::ReplicaEffects& effects) {
  for (core::ReplicaEffect& effect : effects) {
    std::visit([this](auto& one) { perform(one); }, effect);
  }
  effects.clear();
  if (effects.capacity() > kScratchKept) effects = {};
}

void Cell::end(std::optional<core::effect::Failed> failed) {
  live_->ended = true;
  {
    const InHook in_hook(task_, Hook::destroy);
    live_->bridge.drop_all();  // before the task, which they may refer to
    if (live_->task.hooks != nullptr) live_->hooks().destroy(live_->task.object);
  }
  now_is_old_ = true;
  delayed_.clear();
  report_pulls();  // before the last word: who hears it may sum up
  shared_.outside.slow_pulls(live_->core.slow_pulls());
  shared_.outside.replica_ended(task_, live_->core.identity().seat, std::move(failed));
}

void Cell::forget_ended() {
  if (live_ != nullptr && live_->ended) live_.reset();
}

void Cell::report_pulls() {
  const std::uint64_t pulls = live_->core.counters().pulls;
  pulls_.store(pulls_.load(std::memory_order_relaxed) + pulls - live_->pulls_reported, std::memory_order_relaxed);
  live_->pulls_reported = pulls;
}

}  // namespace taskgraph::runtime
