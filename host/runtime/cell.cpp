#include "host/runtime/cell.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "host/core/assert.hpp"
#include "host/runtime/cell_live.hpp"

namespace taskgraph::runtime {
namespace {

bool is_frame(const core::ReplicaEvent& event) {
  return std::holds_alternative<core::event::FrameArrived>(event);
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
void Cell::hold(std::shared_ptr<void> token) {
  Strand::post(new Event(std::move(token)));
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
  if (live_ == nullptr) {
    const auto* const asked = std::get_if<core::event::OutsideArrived>(&event);
    if (asked != nullptr) shared_.outside.reply(core::OutsideReply::not_here(asked->request));
    return;
  }
  if (is_faulty(event)) return;
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
  call(Hook::continuation, [&](tg_error* error) { return continuation.run(continuation.owner, error); });
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

}  // namespace taskgraph::runtime
