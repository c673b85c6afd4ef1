#include "host/runtime/worker_actor.hpp"

#include <fmt/format.h>

#include <utility>

#include "host/config/result_file.hpp"
#include "host/config/value_texts.hpp"
#include "host/runtime/log.hpp"

namespace taskgraph::runtime {

WorkerActor::WorkerActor(Executor& executor, const WorkerParts& parts, core::LifeId life, WorkerOutside& outside)
    : Mailbox(executor),
      outside_(outside),
      chaos_(parts.chaos),
      life_(life),
      shared_{parts.spec,   parts.lease, parts.plugin, &config::check_result_json, *this, config::uuid_text(life),
              parts.journal},
      worker_(life),
      cells_(parts.spec.topology->task_count()) {}

WorkerActor::~WorkerActor() {
  for (auto& cell : cells_) delete cell.load(std::memory_order_relaxed);
}

void WorkerActor::receive(core::Frame&& frame) {
  const core::TaskId task = frame.stamp.to;
  if (task.value < cells_.size()) post_to_replica(task, core::event::FrameArrived{std::move(frame)});
}

void WorkerActor::receive(core::SealAck&& ack) {
  if (ack.task.value >= cells_.size()) return;
  post_to_replica(ack.task, core::event::SealAcknowledged{ack.life, ack.term, std::move(ack.flags)});
}

void WorkerActor::post_to_replica(core::TaskId task, core::ReplicaEvent&& event) {
  Cell* cell = cells_[task.value].load(std::memory_order_acquire);
  if (cell != nullptr) cell->post(std::move(event));
}

void WorkerActor::after_all_cells(std::function<void()> then) {
  const std::shared_ptr<void> last_one(nullptr, [then = std::move(then)](void*) { then(); });
  for (const auto& slot : cells_) {
    if (Cell* cell = slot.load(std::memory_order_acquire)) cell->hold(last_one);
  }
}

std::uint64_t WorkerActor::sum_of_cells(std::uint64_t (Cell::*counter)() const) const {
  std::uint64_t sum = 0;
  for (const auto& slot : cells_) {
    if (const Cell* cell = slot.load(std::memory_order_acquire)) sum += (cell->*counter)();
  }
  return sum;
}

// ---------------------------------------------------------------- on the strand

void WorkerActor::handle(core::WorkerEvent event, core::Time now) {
  effects_.clear();
  worker_.handle(std::move(event), now, effects_);
  for (core::WorkerEffect& effect : effects_) {
    std::visit([this](auto& one) { perform(one); }, effect);
  }
  if (worker_.wakeup() != core::Time::never()) wake_at(worker_.wakeup());
}

void WorkerActor::ticked(core::Time now) {
  handle(core::event::Tick{}, now);
}

Cell& WorkerActor::cell(core::TaskId task) {
  std::atomic<Cell*>& slot = cells_[task.value];
  Cell* cell = slot.load(std::memory_order_relaxed);
  if (cell == nullptr) {
    cell = new Cell(executor(), shared_, task);
    slot.store(cell, std::memory_order_release);
  }
  return *cell;
}

void WorkerActor::perform(core::effect::CreateReplica& effect) {
  cell(effect.task).create({{outside_.job(), effect.task, effect.seat}, effect.view, effect.epoch});
}

void WorkerActor::perform(core::effect::ToReplica& effect) {
  if (auto* view = std::get_if<core::event::ApplyView>(&effect.event)) return cell(effect.task).apply(std::move(*view));
  cell(effect.task).post(std::move(effect.event));
}

void WorkerActor::perform(core::effect::SendSealAck& effect) {
  if (effect.to == life_) return receive(std::move(effect.ack));
  outside_.send(effect.to, std::move(effect.ack));
}

void WorkerActor::perform(core::effect::Resign& effect) {
  outside_.ask(std::move(effect.resignation));
}

void WorkerActor::perform(core::effect::ReplyOutside& effect) {
  outside_.reply(std::move(effect.reply));
}

void WorkerActor::perform(core::effect::AllStopped&) {
  if (shared_.journal != nullptr) shared_.journal->all_stopped(runtime::now());
  outside_.all_stopped();
}

// ---------------------------------------------------------------- on the strands of cells

void WorkerActor::send(core::LifeId to, core::Frame&& frame) {
  if (to == life_) return receive(std::move(frame));
  outside_.send(to, std::move(frame));
}

void WorkerActor::view_applied(core::TaskId task, core::ReplicaCounter counter, core::effect::ViewApplied&& applied) {
  post(core::event::ReplicaApplied{task, {life_, counter}, std::move(applied)});
}

void WorkerActor::ask_seal(core::TaskId task, core::effect::AskSeal&& ask) {
  const core::SealAsk question{task, ask.term, ask.version, life_};
  for (const core::LifeId life : ask.lives) {
    if (life == life_) {
      receive(question);
    } else {
      outside_.send(life, question);
    }
  }
}

void WorkerActor::ask_advance(core::TaskId task, core::effect::AskAdvance ask) {
  outside_.ask(core::AdvanceAsk{task, ask.term, ask.from});
}

void WorkerActor::ask_finish(core::TaskId task, core::effect::AskFinish&& ask) {
  outside_.ask(core::FinishAsk{task, ask.term, ask.epoch, ask.status, std::move(ask.result)});
}

void WorkerActor::slow_pulls(const core::SlowPulls& pulls) {
  const std::lock_guard lock(slow_pulls_mutex_);
  slow_pulls_.note(pulls);
}

core::SlowPulls WorkerActor::slow_pulls() const {
  const std::lock_guard lock(slow_pulls_mutex_);
  return slow_pulls_;
}

void WorkerActor::replica_ended(core::TaskId task, core::Seat seat, std::optional<core::effect::Failed> failed) {
  core::event::ReplicaEnded ended{task, seat, core::Blame::outside, {}};
  if (failed.has_value()) {
    outside_.replica_failed(task);
    outside_.replica_moment({core::ReplicaMoment::What::ended, task, seat, core::Term{}, runtime::now()});
    const auto level = failed->blame == core::Blame::plugin ? LogLevel::warning : LogLevel::info;
    runtime::log(level, fmt::format("task {} failed: {}", task.value, failed->reason),
                 {.task = task, .epoch = {}, .term = {}});
    ended.blame = failed->blame;
    ended.reason = std::move(failed->reason);
  }
  post(std::move(ended));
}

void WorkerActor::log(core::TaskId task, tg_log_level level, std::string_view text) {
  static constexpr LogLevel kLevels[] = {LogLevel::debug, LogLevel::info, LogLevel::warning, LogLevel::error};
  runtime::log(level <= TG_LOG_ERROR ? kLevels[level] : LogLevel::error, text, {.task = task, .epoch = {}, .term = {}});
}

std::optional<core::Fault> WorkerActor::before_event(core::TaskId task, core::EventClass kind) {
  return survived(chaos_.at_event(task, kind));
}

std::optional<core::Fault> WorkerActor::before_epoch(core::TaskId task, core::Epoch epoch) {
  return survived(chaos_.at_epoch(task, epoch));
}

/// What is left for the cell to perform.
std::optional<core::Fault> WorkerActor::survived(std::optional<core::Fault> fault) {
  if (!fault.has_value() || !core::hits_worker(fault->kind)) return fault;
  outside_.hit_by(fault->kind);
  return std::nullopt;
}

}  // namespace taskgraph::runtime
