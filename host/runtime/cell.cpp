#include "host/runtime/cell.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <utility>

#include "host/core/assert.hpp"
#include "host/plugin/entry.hpp"

namespace taskgraph::runtime {

struct Cell::Event : Strand::Node {
  template <typename T>
  explicit Event(T&& one) : body(std::in_place_type<T>, std::move(one)) {}
  std::variant<core::ReplicaEvent, Create, Posted, Replied, Kill, ViewLatched, GoOn> body;
};

struct Cell::Live {
  Live(plugin::BridgeOutside& outside, const CellShared& shared, const core::Replica::Identity& identity,
       std::uint32_t serial)
      : core(identity, shared.spec, shared.lease), bridge(outside, core, shared.spec, shared.check_result, serial) {}

  const tg_task_hooks& hooks() const { return *task.hooks; }

  core::Replica core;
  plugin::Bridge bridge;
  tg_task task{nullptr, nullptr};
  std::uint64_t pulls_reported = 0;
  std::unique_ptr<core::effect::Failed> failure;  ///< of a hook, until the core knows
  plugin::Bridge::Commands put_off;               ///< over kCommandsPerEventMax
  bool has_view = false;                          ///< its first one
  bool goes_on = false;                           ///< a GoOn is in the mailbox
  bool ended = false;
};

namespace {

bool is_frame(const core::ReplicaEvent& event) {
  return std::holds_alternative<core::event::FrameArrived>(event);
}

/// Memory of the thread that runs a strand, so that an idle cell keeps none.
struct Scratch {
  core::ReplicaEffects effects;
  plugin::Bridge::Commands commands;
};
Scratch& scratch() {
  thread_local Scratch memory;
  return memory;
}
constexpr std::size_t kScratchKept = 4'096;

bool is_fatal(const core::Fault& fault) {
  return fault.kind == core::FaultKind::kill || fault.kind == core::FaultKind::throw_in_hook;
}
core::effect::Failed by_chaos(const core::Fault& fault) {
  const bool thrown = fault.kind == core::FaultKind::throw_in_hook;
  return {core::Blame::injected, thrown ? "a hook threw \"injected by --chaos\"" : "killed by --chaos"};
}

tg_view view_of(std::string_view text) {
  return {text.data(), text.size()};
}
std::string text_of(const tg_error& error) {
  return std::string(error.text, std::min<std::size_t>(error.size, TG_ERROR_BYTES_MAX));
}

}  // namespace

Cell::Cell(Executor& executor, const CellShared& shared, core::TaskId task)
    : Strand(executor), shared_(shared), task_(task) {}

Cell::~Cell() {
  if (live_ != nullptr) {
    live_->bridge.drop_all();
    live_->hooks().destroy(live_->task.object);
  }
  while (Node* node = take_rest()) {  // again and again: what is dropped may answer pulls
    while (node != nullptr) {
      const std::unique_ptr<Event> event(static_cast<Event*>(node));
      node = node->next;
      if (const auto* posted = std::get_if<Posted>(&event->body)) plugin::drop(posted->continuation);
    }
  }
}

// ---------------------------------------------------------------- any thread

void Cell::create(Create create) {
  Strand::post(new Event(std::move(create)));
}
void Cell::post(core::ReplicaEvent&& event) {
  if (is_frame(event) && !has_room_for_frame()) return;
  Strand::post(new Event(std::move(event)));
}
void Cell::apply(core::event::ApplyView&& view) {
  bool first = false;
  {
    const std::lock_guard lock(views_mutex_);
    first = views_.is_empty();
    views_.put(std::move(view));
    view_latched_.store(true, std::memory_order_release);
  }
  if (first) Strand::post(new Event(ViewLatched{}));
}
bool Cell::has_room_for_frame() {
  if (frames_queued_.fetch_add(1, std::memory_order_relaxed) < kFramesQueuedMax) return true;
  frames_queued_.fetch_sub(1, std::memory_order_relaxed);
  if (frames_dropped_.fetch_add(1, std::memory_order_relaxed) == 0) {
    log(task_, TG_LOG_WARNING,
        fmt::format(
            "{} frames wait for this task, a hook of which takes long; further ones are dropped, and sent again "
            "by who sent them",
            kFramesQueuedMax));
  }
  return false;
}
void Cell::kill(Kill kill) {
  Strand::post(new Event(std::move(kill)));
}
void Cell::post_reply(std::uint32_t serial, core::event::Reply reply) {
  Strand::post(new Event(Replied{serial, std::move(reply)}));
}
void Cell::post_continuation(std::uint32_t serial, tg_continuation continuation) {
  Strand::post(new Event(Posted{serial, continuation}));
}
void Cell::log(core::TaskId task, tg_log_level level, std::string_view text) const {
  shared_.outside.log(task, level, text);
}

/// Calls a hook unless one before it has failed. False: it was not called, or failed.
template <typename Hook>
bool Cell::call(const char* name, Hook hook) {
  if (live_->failure != nullptr || live_->ended) return false;
  plugin::Bridge::Commands& commands = scratch().commands;
  const std::size_t before = commands.size();
  tg_error error;
  error.size = 0;
  const tg_status status = hook(&error);
  now_is_old_ = true;
  if (status == TG_OK) return true;
  commands.erase(commands.begin() + static_cast<std::ptrdiff_t>(before), commands.end());
  live_->failure = std::make_unique<core::effect::Failed>(core::effect::Failed{
      core::Blame::plugin,
      fmt::format("hook {} threw \"{}\" at epoch {}", name, text_of(error), live_->bridge.task_epoch().value)});
  return false;
}

// ---------------------------------------------------------------- the strand

void Cell::run(Node* batch, bool, core::Time now) {
  now_ = now;
  now_is_old_ = false;
  std::uint64_t count = 0;
  std::uint32_t frames = 0;
  while (batch != nullptr) {
    const std::unique_ptr<Event> event(static_cast<Event*>(batch));
    batch = batch->next;
    ++count;
    if (const auto* of_core = std::get_if<core::ReplicaEvent>(&event->body)) frames += is_frame(*of_core) ? 1 : 0;
    std::visit([this](auto& one) { on(one); }, event->body);
    forget_ended();
  }
  if (frames != 0) frames_queued_.fetch_sub(frames, std::memory_order_relaxed);
  on_time();
  forget_ended();
  events_.store(events_.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
  if (live_ == nullptr) return;
  report_pulls();
  core::Time wake = std::min(live_->core.wakeup(), live_->bridge.next_timer());
  for (const Delayed& delayed : delayed_) wake = std::min(wake, delayed.until);
  if (wake != core::Time::never()) wake_at(wake);
}

void Cell::on_time() {
  if (live_ == nullptr) return;
  const core::Time due = now_;
  for (std::size_t i = 0; i < delayed_.size() && live_ != nullptr;) {
    if (delayed_[i].until > due) {
      ++i;
      continue;
    }
    core::Frame frame = std::move(delayed_[i].frame);
    delayed_.erase(delayed_.begin() + static_cast<std::ptrdiff_t>(i));
    drive(core::event::FrameArrived{std::move(frame)});
    forget_ended();
  }
  // Not those that these set: they come with the next activation.
  for (std::size_t left = shared_.spec.limits.timers_open; live_ != nullptr && left != 0; --left) {
    if (live_->bridge.next_timer() > due) break;
    run_continuation(*live_->bridge.take_timer(due));
    forget_ended();
  }
  if (live_ != nullptr && live_->core.wakeup() <= due) drive(core::event::Tick{});
}

void Cell::on(Create& create) {
  if (live_ != nullptr) {
    drive(core::event::Stop{core::ExitReason::replaced});
    forget_ended();
  }
  TG_ASSERT(live_ == nullptr);
  {
    const std::lock_guard lock(views_mutex_);
    views_.forget_up_to(create.view->version());
  }
  if (!start(create)) return;
  drive(core::event::EpochLearned{create.epoch});
  drive(core::event::ApplyView{std::move(create.view), nullptr});
  if (live_->ended) return;
  live_->has_view = true;
  on(ViewLatched{});
}

void Cell::on(core::ReplicaEvent& event) {
  if (live_ == nullptr || is_faulty(event)) return;
  drive(std::move(event));
}

void Cell::on(Posted& posted) {
  if (live_ == nullptr || live_->bridge.serial() != posted.serial) {
    plugin::drop(posted.continuation);
    return;
  }
  live_->bridge.post_arrived();
  run_continuation(posted.continuation);
}

void Cell::run_continuation(const tg_continuation& continuation) {
  const auto fault = chaos_at_event(core::EventClass::other);
  if (fault.has_value() && fail_by_chaos(*fault)) {
    plugin::drop(continuation);
    return;
  }
  const plugin::Bridge::OnStrand on_strand(live_->bridge, scratch().commands);
  scratch().commands.swap(live_->put_off);
  call("continuation", [&](tg_error* error) { return continuation.run(continuation.owner, error); });
  finish_commands();
}

void Cell::on(ViewLatched) {
  if (live_ == nullptr || live_->ended || !view_latched_.load(std::memory_order_acquire)) return;
  const plugin::Bridge::OnStrand on_strand(live_->bridge, scratch().commands);
  scratch().commands.swap(live_->put_off);
  apply_latched();
  finish_commands();
}

void Cell::on(GoOn&) {
  if (live_ == nullptr) return;
  live_->goes_on = false;
  const plugin::Bridge::OnStrand on_strand(live_->bridge, scratch().commands);
  scratch().commands.swap(live_->put_off);
  finish_commands();
}

void Cell::on(Replied& replied) {
  if (live_ == nullptr || live_->bridge.serial() != replied.serial) return;
  drive(std::move(replied.reply));
}

void Cell::on(Kill& kill) {
  if (live_ != nullptr) drive(core::event::Fail{kill.blame, std::move(kill.reason)});
}

// ---------------------------------------------------------------- chaos

/// A task's events are numbered frames and epochs (here), views, and continuations; ticks and bare acknowledgements
/// are not, which come as the clock has it. Whether a task's n-th event is a fault is the seed's matter alone while the
/// plan's budget lasts. Which event is the n-th, and for whom nothing is left of the budget, is that of the threads'
/// pace.
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
  const tg_status status = shared_.plugin.create_task(task_.value, &live_->bridge, &live_->task, &error);
  std::optional<std::string> wrong = fmt::format("create_task failed: \"{}\"", text_of(error));
  if (status == TG_OK) wrong = plugin::judge_hooks(live_->task.hooks);
  if (wrong.has_value()) {
    live_->task.hooks = nullptr;
    end(core::effect::Failed{core::Blame::plugin, *std::move(wrong)});
  } else if (live_->hooks().init != nullptr) {
    call("init", [&](tg_error* text) { return live_->hooks().init(live_->task.object, text); });
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
    core::ReplicaEvent command = std::move(commands[done]);
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
  core::ReplicaEffects& effects = scratch().effects;
  live_->core.handle(std::move(event), now_, effects);
  for (core::ReplicaEffect& effect : effects) {
    std::visit([this](auto& one) { perform(one); }, effect);
  }
  effects.clear();
  if (effects.capacity() > kScratchKept) effects = {};
}

void Cell::end(std::optional<core::effect::Failed> failed) {
  live_->ended = true;
  live_->bridge.drop_all();  // before the task, which they may refer to
  if (live_->task.hooks != nullptr) live_->hooks().destroy(live_->task.object);
  now_is_old_ = true;
  delayed_.clear();
  report_pulls();  // before the last word: who hears it may sum up
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

// ---------------------------------------------------------------- effects: hooks

void Cell::perform(core::effect::BecamePrimary& effect) {
  live_->bridge.became(TG_ROLE_PRIMARY, effect.term, live_->core.epoch());
  if (live_->hooks().became_primary == nullptr) return;
  call("became_primary", [&](tg_error* error) {
    return live_->hooks().became_primary(live_->task.object, effect.term.value, static_cast<tg_origin>(effect.origin),
                                         error);
  });
}

void Cell::perform(core::effect::BecameBackup&) {
  live_->bridge.became(TG_ROLE_BACKUP, core::Term{}, live_->core.epoch());
  if (live_->hooks().became_backup == nullptr) return;
  call("became_backup", [&](tg_error* error) { return live_->hooks().became_backup(live_->task.object, error); });
}

void Cell::perform(core::effect::EnterEpoch& effect) {
  if (live_->failure != nullptr) return;
  live_->bridge.enter_epoch(effect.epoch);
  const auto fault = shared_.outside.before_epoch(task_, effect.epoch);
  if (fault.has_value() && is_fatal(*fault)) {
    live_->failure = std::make_unique<core::effect::Failed>(by_chaos(*fault));
    return;
  }
  if (live_->hooks().enter_epoch == nullptr) return;
  call("enter_epoch",
       [&](tg_error* error) { return live_->hooks().enter_epoch(live_->task.object, effect.epoch.value, error); });
}

void Cell::perform(core::effect::DeliverFlag& effect) {
  if (live_->hooks().flag_raised == nullptr) return;
  const tg_view link = view_of(shared_.spec.topology->link(effect.link).name);
  call("flag_raised", [&](tg_error* error) {
    return live_->hooks().flag_raised(live_->task.object, effect.from.value, link, view_of(effect.meta.view()), error);
  });
}

void Cell::perform(core::effect::Serve& effect) {
  if (live_->hooks().serve == nullptr) {
    scratch().commands.push_back(core::event::Reply{effect.serve, core::Outcome::error, TG_CODE_NO_SUCH_METHOD,
                                                    core::Bytes("this task serves nothing")});
    return;
  }
  call("serve", [&](tg_error* error) {
    tg_pull* pull = live_->bridge.make_pull(effect.serve);  // the task's from here on
    return live_->hooks().serve(live_->task.object, pull, effect.from.value, view_of(effect.method),
                                view_of(effect.body.view()), error);
  });
}

void Cell::perform(core::effect::PullEnded& effect) {
  call("on_done of a pull", [&](tg_error* error) {
    const auto done = live_->bridge.take_completion(effect.token);
    TG_ASSERT(done.has_value());  // S8: one outcome each
    return done->run(done->owner, static_cast<tg_outcome>(effect.outcome), effect.code, view_of(effect.body.view()),
                     error);
  });
}

void Cell::perform(core::effect::NeighbourChanged& effect) {
  if (live_->hooks().neighbour_changed == nullptr) return;
  const tg_view link = view_of(shared_.spec.topology->link(effect.link).name);
  call("neighbour_changed", [&](tg_error* error) {
    return live_->hooks().neighbour_changed(live_->task.object, effect.neighbour.value, link,
                                            static_cast<tg_neighbour_change>(effect.change), error);
  });
}

void Cell::perform(core::effect::Exit& effect) {
  if (live_->failure != nullptr) return end(std::move(*live_->failure));
  live_->bridge.ending();
  if (live_->hooks().exit != nullptr) {
    live_->hooks().exit(live_->task.object, static_cast<tg_exit_reason>(effect.reason));
  }
  end(std::nullopt);
}

void Cell::perform(core::effect::Failed& effect) {
  end(std::move(effect));
}

// ---------------------------------------------------------------- effects: outward

void Cell::perform(core::effect::Send& effect) {
  shared_.outside.send(effect.to, std::move(effect.frame));
}
void Cell::perform(core::effect::ViewApplied& effect) {
  shared_.outside.view_applied(task_, live_->core.identity().seat.counter, std::move(effect));
}
void Cell::perform(core::effect::AskSeal& effect) {
  shared_.outside.ask_seal(task_, std::move(effect));
}
void Cell::perform(core::effect::AskAdvance& effect) {
  shared_.outside.ask_advance(task_, effect);
}
void Cell::perform(core::effect::AskFinish& effect) {
  shared_.outside.ask_finish(task_, std::move(effect));
}

}  // namespace taskgraph::runtime
