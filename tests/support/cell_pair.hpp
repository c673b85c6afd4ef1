/// Two cells whose tasks are made of the hooks that a test needs.
#pragma once

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "tests/support/catch.hpp"
#include "tests/support/cell_world.hpp"

namespace taskgraph::tests {

/// Catch2's macros are for one thread; the strands' expectations are noted here and checked when they have stopped.
inline std::atomic<int> wrong_line{0};
#define EXPECT(condition) ((condition) ? void(0) : ::taskgraph::tests::wrong_line.store(__LINE__))

/// A task made of the hooks that a test needs.
struct Script {
  std::function<void(Task&, Host&)> init, enter_epoch, exit;
  std::function<void(Host&, std::string_view meta)> flag_raised;
  std::function<void(Host&, Pull)> serve;
};

class Scripted final : public Task {
 public:
  Scripted(Host host, const Script& script, CellWorld*& world) : Task(host), script_(script), world_(world) {}
  ~Scripted() { world_->note("destroyed " + std::to_string(host().task_id())); }
  void init() override {
    if (script_.init) script_.init(*this, host());
  }
  void enter_epoch(Epoch) override {
    if (script_.enter_epoch) script_.enter_epoch(*this, host());
  }
  void flag_raised(TaskId, std::string_view, std::string_view meta) override {
    if (script_.flag_raised) script_.flag_raised(host(), meta);
  }
  void serve(Pull pull) override {
    if (script_.serve) return script_.serve(host(), std::move(pull));
    pull.refuse(Code::no_such_method, "nothing");
  }
  void exit(ExitReason) noexcept override { world_->note("exit " + std::to_string(host().task_id())); }

 private:
  const Script& script_;
  CellWorld*& world_;
};

/// Two tasks, each with its script, on two threads.
struct Pair {
  Script scripts[2];
  CellWorld* self = nullptr;
  CellWorld world;
  explicit Pair(bool recorded = false)
      : world(
            2, 2, [this](TaskId id, Host host) { return std::make_unique<Scripted>(host, scripts[id], self); }, true,
            recorded) {
    self = &world;
    wrong_line = 0;
  }
  ~Pair() {
    world.executor().stop();
    CHECK(wrong_line == 0);
  }
  bool noted(const std::string& line) {
    const auto notes = world.notes();
    return std::find(notes.begin(), notes.end(), line) != notes.end();
  }
};

}  // namespace taskgraph::tests
