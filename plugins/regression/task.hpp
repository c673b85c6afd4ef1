/// A task of the regression job: a parameter goes down a tree, gradients are summed up on the way back.
#pragma once

#include <taskgraph/task.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "plugins/regression/settings.hpp"

namespace taskgraph::regression {

/// In each epoch a task learns the parameter from its parent, computes its own gradient, adds its children's sums, and
/// offers the sum to its parent; the root notes it and advances. It holds nothing that is not a pure function of (task,
/// epoch) but the root's list of past sums, and that can be computed again: so a fresh replica needs no saved state.
///
/// A flag says only "there is something to pull", and the pull waits at the other side until it is there. So a flag
/// that comes twice, or from a life that has ended since, does no harm.
class RegressionTask final : public Task {
 public:
  /// `settings` outlives the task.
  RegressionTask(Host host, const Settings& settings) : Task(host), settings_(settings) {}

  void enter_epoch(Epoch epoch) override;
  void flag_raised(TaskId from, std::string_view link, std::string_view meta) override;
  /// Methods: `parameter`, `sum` (of the current epoch; they wait until it is known), `sums` (of past epochs).
  void serve(Pull pull) override;

 private:
  struct Range {
    Epoch first;
    std::uint64_t count;
  };

  void learn_parameter(Values parameter);
  void add_to_sum(const Values& part);
  void serve_sums(Pull pull);
  /// This subtree's sums of past epochs, computed again here and below; `done` gets them, once, unless the epoch
  /// passes.
  void compute_sums(Range range, std::function<void(std::vector<double>)> done);
  void advance_if_complete();
  bool is_root() const { return host().neighbours("parents").empty(); }

  const Settings& settings_;

  // Of the current epoch.
  Epoch epoch_ = 0;
  std::optional<Values> parameter_;
  bool parameter_asked_ = false;
  Values sum_;
  std::size_t parts_missing_ = 0;  ///< of sum_: the own gradient and the children's sums
  std::vector<bool> child_asked_;  ///< by place among the children
  std::vector<Pull> parameter_waiting_;
  std::vector<Pull> sum_waiting_;

  std::vector<double> sums_;  ///< the root's, of epochs 0, 1, ...
};

/// Reads the arguments and makes the tasks.
class RegressionBuilder final : public TaskBuilder {
 public:
  explicit RegressionBuilder(const Job& job) : settings_(read_settings(job)) {}
  std::unique_ptr<Task> build(TaskId, Host host) override { return std::make_unique<RegressionTask>(host, settings_); }

 private:
  const Settings settings_;
};

}  // namespace taskgraph::regression
