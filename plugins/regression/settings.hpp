/// The arguments of the regression job and what follows from them.
#pragma once

#include <taskgraph/task.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace taskgraph::regression {

/// Room for `{"sums":[...]}`: a job's result holds 256 KiB, of which 1 KiB is left to what stands around it in the
/// file.
inline constexpr std::size_t kResultBytesMax = 255 * 1'024;
inline constexpr std::int64_t kPauseMsMax = 3'600'000;

/// Values that pass between two tasks. Whole numbers below 2^53, so that sums are exact in any order.
using Values = std::vector<double>;

/// Immutable; shared by all tasks.
struct Settings {
  std::uint64_t task_count = 1;
  Epoch epochs_last = 0;  ///< the job runs epochs 0 to this one
  std::chrono::milliseconds pause{0};
  std::size_t parameter_width = 1;
  std::size_t gradient_width = 1;
};

/// Throws std::invalid_argument with what is wrong and what would be right.
Settings read_settings(const Job& job);

/// The parameter of an epoch: what the root would step to. Known to the root alone until it is sent.
Values parameter_of(Epoch epoch, const Settings& settings);
/// Task k's gradient at a parameter: a pure function, so that any life of the task gives the same.
Values gradient_of(TaskId task, const Values& parameter, const Settings& settings);
/// The number that all values of a sum agree on; throws std::runtime_error when they do not.
double agreed_value(const Values& sum);

/// `{"sums":[0,105]}`; the sums are whole numbers below 2^53.
std::string print_result(const std::vector<double>& sums);
/// The last epoch up to which the sums of `task_count` tasks print into kResultBytesMax.
Epoch epochs_that_fit(std::uint64_t task_count);

}  // namespace taskgraph::regression
