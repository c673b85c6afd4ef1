// Copy this folder. Task 0 asks all other tasks for a reading, ten times, and ends the job with the last average.
#include <taskgraph/export.hpp>

#include <chrono>
#include <map>
#include <stdexcept>
#include <string>

using namespace taskgraph;

class Average final : public Task {
 public:
  using Task::Task;

  // A new epoch: forget the last one. A fresh replica, after a crash, comes in here, too: it has nothing to restore.
  void enter_epoch(Epoch epoch) override {
    epoch_ = epoch;
    readings_.clear();
    if (host().task_id() != 0 && host().raise_flag("star") != Status::ok) throw std::runtime_error("no link \"star\"");
  }

  // "I have something": task 0 decides to fetch it. The pull survives a crash of the other side.
  void flag_raised(TaskId from, std::string_view, std::string_view) override {
    if (host().task_id() != 0) return;
    host().pull(from, "reading", "", [this, from](const Answer& answer) {
      if (answer.outcome == Outcome::epoch_passed) return;
      if (!answer.ok()) throw std::runtime_error("no reading from task " + std::to_string(from));
      // By sender: an answer that comes a second time, from another life, changes nothing.
      readings_[from] = std::stod(std::string(answer.body));
      if (readings_.size() == host().neighbours("star").size()) end_epoch();
    });
  }

  // A neighbour pulls; the answer may also be kept and given later.
  void serve(Pull pull) override {
    const TaskId degrees = 10 * host().task_id() + epoch_;
    pull.reply(std::to_string(degrees));
  }

 private:
  void end_epoch() {
    double sum = 0;
    for (const auto& [task, reading] : readings_) sum += reading;
    const std::string result = "{\"average\": " + std::to_string(sum / static_cast<double>(readings_.size())) + "}";
    host().log(LogLevel::info, "epoch " + std::to_string(epoch_) + ": " + result);
    // Slow enough to watch. What is asked for twice, or too late, does no harm: it names the epoch that it leaves.
    (void)host().after(std::chrono::milliseconds(100), [this, result, epoch = epoch_] {
      (void)(epoch < 9 ? host().advance_epoch(epoch) : host().finish_job(JobStatus::done, result));
    });
  }

  Epoch epoch_ = 0;
  std::map<TaskId, double> readings_;
};

// Once per process: reads and checks `plugin.args`, and makes a task for each id.
class AverageBuilder final : public TaskBuilder {
 public:
  explicit AverageBuilder(const Job& job) {
    job.args.allow_only({});
    if (job.task_count < 2) throw std::invalid_argument("tasks.count is 1; task 0 needs somebody to ask");
  }
  std::unique_ptr<Task> build(TaskId, Host host) override { return std::make_unique<Average>(host); }
};

TASKGRAPH_PLUGIN(AverageBuilder, .name = "template", .version = "1.0");
