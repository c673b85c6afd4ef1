// What the data plane of real workers does, measured inside of a task; run by run_benchmarks.py. plugin.args:
//   mode       "pull": task 0 pulls from task 1; "epochs": the tasks go through epochs in step
//   count      how many pulls or epochs are measured; as many again, at most kWarmUpMax, go before and are not
//   in_flight  pulls that are open at once (1)
//   bytes      of each answer (64); a request has min(bytes, 64)
// An epoch step is a barrier: each task tells task 0 by a flag that it has entered the epoch, and task 0 asks for the
// next one when all have.
// Result: {"count", "seconds", "p50_ns"}; p50_ns: the median time of one pull or epoch.
#include <taskgraph/export.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace taskgraph;

constexpr std::int64_t kWarmUpMax = 200;

struct Settings {
  explicit Settings(const Job& job)
      : mode(job.args.text("mode")),
        count(job.args.integer("count")),
        in_flight(job.args.integer("in_flight", 1)),
        bytes(static_cast<std::size_t>(job.args.integer("bytes", 64))),
        tasks(job.task_count) {
    job.args.allow_only({"mode", "count", "in_flight", "bytes"});
    if (mode != "pull" && mode != "epochs") throw std::invalid_argument(R"(argument "mode" is none of: pull epochs)");
    if (count < 1 || in_flight < 1) throw std::invalid_argument("arguments \"count\" and \"in_flight\" start at 1");
  }
  std::string mode;
  std::int64_t count;
  std::int64_t in_flight;
  std::size_t bytes;
  std::uint64_t tasks;
};

/// Of single operations and of all of them.
class Stopwatch {
 public:
  explicit Stopwatch(std::int64_t count) : warm_up_(std::min(count, kWarmUpMax)), left_(count + warm_up_) {
    times_.reserve(static_cast<std::size_t>(count));
  }
  /// One has ended that began at `since`. False: that was the last.
  bool ended(Duration since, Duration now) {
    if (warm_up_ != 0) {
      if (--warm_up_ == 0) begin_ = now;
    } else {
      times_.push_back(now - since);
      end_ = now;
    }
    return --left_ > 0;
  }
  std::string json() {
    const auto middle = times_.begin() + static_cast<std::ptrdiff_t>(times_.size() / 2);
    std::nth_element(times_.begin(), middle, times_.end());
    const double seconds = static_cast<double>((end_ - begin_).count()) * 1e-9;
    return "{\"count\":" + std::to_string(times_.size()) + ",\"seconds\":" + std::to_string(seconds) +
           ",\"p50_ns\":" + std::to_string(middle->count()) + "}";
  }

 private:
  std::int64_t warm_up_;
  std::int64_t left_;
  Duration begin_{0};
  Duration end_{0};
  std::vector<Duration> times_;
};

class Puller : public Task {
 public:
  Puller(Host host, const Settings& settings) : Task(host), settings_(settings), watch_(settings.count) {}

  void enter_epoch(Epoch) override {
    if (host().task_id() != 0) return;
    for (std::int64_t i = 0; i < settings_.in_flight; ++i) ask(host().now());
  }
  void serve(Pull pull) override {
    if (answer_ == nullptr) answer_ = std::make_shared<const std::string>(settings_.bytes, 'a');
    pull.reply(answer_);
  }

 private:
  void ask(Duration since) {
    host().pull(1, "probe", Buffer(std::string(std::min<std::size_t>(settings_.bytes, 64), 'q')),
                [this, since](const Answer& answer) { answered(since, answer); });
  }
  void answered(Duration since, const Answer& answer) {
    if (ended_) return;
    if (!answer.ok() || answer.body.size() != settings_.bytes) throw std::runtime_error("a pull gave no answer");
    const Duration now = host().now();
    if (watch_.ended(since, now)) return ask(now);
    ended_ = true;
    (void)host().finish_job(JobStatus::done, watch_.json());
  }

  const Settings& settings_;
  Stopwatch watch_;
  bool ended_ = false;
  std::shared_ptr<const std::string> answer_;
};

class Stepper : public Task {
 public:
  Stepper(Host host, const Settings& settings) : Task(host), settings_(settings), watch_(settings.count) {}

  void enter_epoch(Epoch epoch) override {
    here_ = epoch;
    arrived_ = 1;
    if (host().task_id() != 0) {
      (void)host().raise_flag("hub");
    } else if (epoch == 0) {
      since_ = host().now();
    }
  }
  void flag_raised(TaskId, std::string_view, std::string_view) override {
    if (host().task_id() != 0 || ++arrived_ != settings_.tasks) return;
    const Duration now = host().now();
    if (watch_.ended(since_, now)) {
      since_ = now;
      (void)host().advance_epoch(here_);
    } else {
      (void)host().finish_job(JobStatus::done, watch_.json());
    }
  }

 private:
  const Settings& settings_;
  Stopwatch watch_;
  Duration since_{0};
  Epoch here_ = 0;
  std::uint64_t arrived_ = 0;
};

class Builder : public TaskBuilder {
 public:
  explicit Builder(const Job& job) : settings_(job) {}
  std::unique_ptr<Task> build(TaskId, Host host) override {
    if (settings_.mode == "pull") return std::make_unique<Puller>(host, settings_);
    return std::make_unique<Stepper>(host, settings_);
  }

 private:
  Settings settings_;
};

}  // namespace

TASKGRAPH_PLUGIN(Builder, .name = "plane_probe", .version = "1");
