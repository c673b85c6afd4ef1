/// What a pull between two tasks of one worker costs, in CPU time of the whole process, and what an idle task weighs.
#include <benchmark/benchmark.h>
#include <malloc.h>
#include <time.h>

#include <atomic>
#include <memory>

#include "tests/support/cell_world.hpp"

namespace {

using namespace taskgraph;
using tests::CellWorld;

double cpu_seconds() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

/// Task 0 pulls from task 1 as soon as the answer before is there, `left` times.
class Ping final : public Task {
 public:
  Ping(Host host, std::atomic<std::int64_t>& left, CellWorld*& world) : Task(host), left_(left), world_(world) {}
  void enter_epoch(Epoch) override {
    if (host().task_id() == 0) ask();
  }
  void serve(Pull pull) override { pull.reply("pong"); }

 private:
  void ask() {
    host().pull(1, "ping", Buffer("ping"), [this](const Answer& answer) {
      if (answer.ok() && left_.fetch_sub(1, std::memory_order_relaxed) > 1) return ask();
      world_->note("done");
    });
  }
  std::atomic<std::int64_t>& left_;
  CellWorld*& world_;
};

void pull(benchmark::State& state) {
  constexpr std::int64_t kPulls = 500'000;
  double cpu = 0;
  for (auto _ : state) {
    std::atomic<std::int64_t> left = kPulls;
    CellWorld* shared = nullptr;
    CellWorld world(2, static_cast<unsigned>(state.range(0)),
                    [&](TaskId, Host host) { return std::make_unique<Ping>(host, left, shared); });
    shared = &world;
    const double before = cpu_seconds();
    world.start_all();
    if (!world.wait_for("done")) state.SkipWithError("the pulls did not end in 30 s");
    cpu += cpu_seconds() - before;
  }
  const auto pulls = static_cast<double>(kPulls) * static_cast<double>(state.iterations());
  state.counters["cpu_ns_per_pull"] = cpu * 1e9 / pulls;
  state.counters["pulls_per_s"] = benchmark::Counter(pulls, benchmark::Counter::kIsRate);
}
BENCHMARK(pull)
    ->ArgName("threads")
    ->Arg(1)
    ->Arg(2)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime()
    ->MeasureProcessCPUTime();

class Idle final : public Task {
 public:
  using Task::Task;
  void serve(Pull pull) override { pull.reply("x"); }
};

void idle_tasks(benchmark::State& state) {
  const auto tasks = static_cast<std::uint32_t>(state.range(0));
  for (auto _ : state) {
    const auto before = static_cast<double>(::mallinfo2().uordblks + ::mallinfo2().hblkhd);
    CellWorld world(
        tasks, 1, [](TaskId, Host host) { return std::make_unique<Idle>(host); }, false);
    world.start_all();
    for (std::uint32_t i = 0; i < tasks; ++i) {
      while (world.cell(i).events() == 0) std::this_thread::yield();
    }
    const auto after = static_cast<double>(::mallinfo2().uordblks + ::mallinfo2().hblkhd);
    state.counters["bytes_per_task"] = (after - before) / tasks;
  }
  state.counters["sizeof_cell"] = sizeof(runtime::Cell);
  state.counters["sizeof_replica"] = sizeof(core::Replica);
  state.counters["sizeof_bridge"] = sizeof(plugin::Bridge);
}
BENCHMARK(idle_tasks)->ArgName("tasks")->Arg(10'000)->Iterations(1)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
