/// Cells of one life without a worker around them: frames go from cell to cell, all else is written down. For tests and
/// benchmarks of runtime/cell.
#pragma once

#include <taskgraph/export.hpp>

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "host/runtime/cell.hpp"

namespace taskgraph::tests {

class EveryoneElse final : public core::Shape {
 public:
  explicit EveryoneElse(std::uint32_t tasks) : tasks_(tasks) {}
  void neighbours(core::TaskId task, core::Epoch, std::vector<core::TaskId>& out) const override {
    for (std::uint32_t i = 0; i < tasks_; ++i) {
      if (i != task.value) out.push_back({i});
    }
  }

 private:
  std::uint32_t tasks_;
};

class NoNeighbours final : public core::Shape {
 public:
  void neighbours(core::TaskId, core::Epoch, std::vector<core::TaskId>&) const override {}
};

class CellWorld final : public runtime::CellOutside {
 public:
  using Make = std::function<std::unique_ptr<Task>(TaskId, Host)>;
  using Chaos = std::function<std::optional<core::Fault>(core::TaskId, core::EventClass)>;

  /// `make` is called on strands.
  CellWorld(std::uint32_t tasks, unsigned threads, Make make, bool linked = true, bool recorded = false)
      : spec_(make_spec(tasks, linked)),
        shared_{spec_,
                lease_,
                plugin_,
                &check_result,
                *this,
                "00000000-0000-0000-0000-000000000001",
                recorded ? &journal_ : nullptr},
        slots_(threads),
        executor_(std::make_unique<runtime::Executor>(
            threads, [this](unsigned thread) { runtime::use_hook_slot(&slots_[thread]); })) {
    detail::api = &plugin::host_api();
    current_make() = std::move(make);
    cells_.reserve(tasks);
    for (std::uint32_t i = 0; i < tasks; ++i) {
      cells_.push_back(std::make_unique<runtime::Cell>(*executor_, shared_, core::TaskId{i}));
    }
  }
  ~CellWorld() {
    executor_->stop();
    cells_.clear();  // tasks that still live take notes as they are destroyed
  }
  CellWorld(const CellWorld&) = delete;
  CellWorld& operator=(const CellWorld&) = delete;

  /// Every task becomes primary at `term`; of a later one than 1 its seal is open.
  void start_all(core::Term term = core::Term{1}) {
    view_ = make_view(1, term);
    for (std::uint32_t i = 0; i < spec_.topology->task_count(); ++i) {
      cell(i).create({{kJob, {i}, {kLife, {1}}}, view_, core::Epoch{0}});
    }
  }

  runtime::Cell& cell(std::uint32_t task) { return *cells_[task]; }
  runtime::Executor& executor() { return *executor_; }
  const core::View& view() const { return view_; }
  std::optional<runtime::HookCall> running(unsigned thread) const { return slots_[thread].running(); }
  core::JobSpec& spec() { return spec_; }

  /// One line for each thing that happened, in order.
  void note(std::string line) {
    const std::lock_guard lock(mutex_);
    notes_.push_back(std::move(line));
    noted_.notify_all();
  }
  /// Waits for `line`; false when it has not come in 30 s.
  bool wait_for(const std::string& line) {
    std::unique_lock lock(mutex_);
    return noted_.wait_for(lock, std::chrono::seconds(30),
                           [&] { return std::find(notes_.begin(), notes_.end(), line) != notes_.end(); });
  }
  std::vector<std::string> notes() {
    const std::lock_guard lock(mutex_);
    return notes_;
  }

  std::vector<std::string> journal_lines() {
    const std::lock_guard lock(mutex_);
    return journal_lines_;
  }

  Chaos chaos;  ///< set before start_all

  // CellOutside
  void send(core::LifeId, core::Frame&& frame) override {
    runtime::Cell& to = *cells_[frame.stamp.to.value];
    to.post(core::event::FrameArrived{std::move(frame)});
  }
  void view_applied(core::TaskId, core::ReplicaCounter, core::effect::ViewApplied&&) override {}
  void ask_seal(core::TaskId, core::effect::AskSeal&&) override {}
  void reply(core::OutsideReply&& reply) override {
    const char* const kinds[] = {"answer", "busy", "not here"};
    note("outside " + std::to_string(reply.name.number) + " " + kinds[static_cast<int>(reply.kind)] + " " +
         std::string(reply.body.view()));
  }
  void ask_advance(core::TaskId task, core::effect::AskAdvance ask) override {
    note("advance " + std::to_string(task.value) + " " + std::to_string(ask.from.value));
  }
  void ask_finish(core::TaskId task, core::effect::AskFinish&& ask) override {
    note("finish " + std::to_string(task.value) + " " + ask.result);
  }
  void replica_moment(const core::ReplicaMoment& moment) override {
    const char* const words[] = {"ended", "promoted", "sealed", "served"};
    note(std::string(words[static_cast<int>(moment.what)]) + " " + std::to_string(moment.task.value) + " t" +
         std::to_string(moment.term.value));
  }
  void slow_pulls(const core::SlowPulls&) override {}
  void replica_ended(core::TaskId task, core::Seat, std::optional<core::effect::Failed> failed) override {
    const char* const blames[] = {"plugin", "injected", "outside"};
    note("ended " + std::to_string(task.value) +
         (failed ? std::string(" ") + blames[static_cast<int>(failed->blame)] + ": " + failed->reason : ""));
  }
  void log(core::TaskId task, tg_log_level, std::string_view text) override {
    note("log " + std::to_string(task.value) + " " + std::string(text));
  }
  std::optional<core::Fault> before_event(core::TaskId task, core::EventClass kind) override {
    return chaos ? chaos(task, kind) : std::nullopt;
  }
  std::optional<core::Fault> before_epoch(core::TaskId, core::Epoch) override { return std::nullopt; }

  static constexpr core::JobId kJob{1, 2};
  static constexpr core::LifeId kLife{3, 4};

 private:
  static Make& current_make() {
    static Make make;
    return make;
  }
  static tg_status create_task(std::uint64_t id, tg_host* host, tg_task* out, tg_error* error) noexcept {
    return detail::guarded(error, [&] { *out = {current_make()(id, Host(host)).release(), &detail::kHooks}; });
  }
  static std::optional<std::string> check_result(std::string_view json) {
    if (!json.empty() && json.front() == '{') return std::nullopt;
    return "no JSON object";
  }
  static core::JobSpec make_spec(std::uint32_t tasks, bool linked) {
    core::JobSpec spec;
    spec.name = "cells";
    std::shared_ptr<const core::Shape> shape;
    if (linked) {
      shape = std::make_shared<EveryoneElse>(tasks);
    } else {
      shape = std::make_shared<NoNeighbours>();
    }
    spec.topology =
        std::make_shared<core::Topology>(tasks, std::vector<core::Link>{{"peers", core::LinkIndex{0}, shape}});
    spec.backups.assign(tasks, 0);
    return spec;
  }
  core::View make_view(std::uint64_t version, core::Term term) const {
    std::vector<core::TaskAssignment> tasks(spec_.topology->task_count());
    for (core::TaskAssignment& task : tasks) {
      task.term = term;
      task.primary = {kLife, {1}};
      task.next_counter = {2};
    }
    return std::make_shared<core::Assignment>(core::ViewVersion{version}, std::vector<core::HostId>{},
                                              std::move(tasks));
  }

  core::JobSpec spec_;
  const core::Lease lease_ = core::Lease::open_ended();
  const tg_plugin plugin_{.magic = TG_PLUGIN_MAGIC,
                          .abi_major = TG_ABI_MAJOR,
                          .abi_minor = TG_ABI_MINOR,
                          .struct_size = sizeof(tg_plugin),
                          .name = "cells",
                          .version = "0",
                          .read_only_methods = nullptr,
                          .init = nullptr,
                          .create_task = &create_task,
                          .deinit = nullptr,
                          .extension = nullptr};
  std::mutex mutex_;
  std::condition_variable noted_;
  std::vector<std::string> notes_;          ///< guarded by mutex_
  std::vector<std::string> journal_lines_;  ///< guarded by mutex_
  journal::LifeJournal journal_{[this](std::string_view line) {
                                  const std::lock_guard lock(mutex_);
                                  journal_lines_.emplace_back(line);
                                  return 0;
                                },
                                kJob, kLife, [](const std::string&) {}};
  const runtime::CellShared shared_;
  core::View view_;
  std::vector<std::unique_ptr<runtime::Cell>> cells_;
  std::vector<runtime::HookSlot> slots_;         // by thread, as in a job
  std::unique_ptr<runtime::Executor> executor_;  // its threads end before the cells
};

}  // namespace taskgraph::tests
