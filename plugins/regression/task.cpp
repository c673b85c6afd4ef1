#include "plugins/regression/task.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

#include "plugins/common/patient_pull.hpp"

namespace taskgraph::regression {
namespace {

using common::ensure;
using common::pull_patiently;

Values values_from(const Answer& answer, std::size_t width) {
  Values values = values_of<double>(answer.body);
  if (values.size() != width) {
    throw std::runtime_error("expected " + std::to_string(width) + " values and got " + std::to_string(values.size()));
  }
  return values;
}

void add(Values& to, const Values& part) {
  for (std::size_t i = 0; i < to.size(); ++i) to[i] += part[i];
}

/// The sums of a range of epochs on their way together.
struct Gathering {
  std::vector<double> sums;
  std::size_t children_missing;
  std::function<void(std::vector<double>)> done;
};

}  // namespace

void RegressionTask::enter_epoch(Epoch epoch) {
  const auto children = host().neighbours("children");
  if (is_root() && children.empty() && settings_.task_count > 1) {
    throw std::runtime_error(
        "this task has neither parents nor children: the job needs the links \"parents\" and \"children\" of one tree");
  }
  epoch_ = epoch;
  parameter_.reset();
  parameter_asked_ = false;
  sum_.assign(settings_.gradient_width, 0.0);
  parts_missing_ = children.size() + 1;
  child_asked_.assign(children.size(), false);
  parameter_waiting_.clear();
  sum_waiting_.clear();
  if (!is_root()) return;

  if (sums_.size() < epoch) {
    // A fresh root, or one that missed epochs: they are computed again below, before this one counts.
    const Range missed{sums_.size(), epoch - sums_.size()};
    compute_sums(missed, [this](const std::vector<double>& sums) {
      sums_.insert(sums_.end(), sums.begin(), sums.end());
      advance_if_complete();
    });
  }
  learn_parameter(parameter_of(epoch, settings_));
}

void RegressionTask::flag_raised(TaskId from, std::string_view link, std::string_view) {
  if (link == "parents") {
    if (std::exchange(parameter_asked_, true)) return;
    pull_patiently(host(), epoch_, from, "parameter", "",
                   [this](const Answer& answer) { learn_parameter(values_from(answer, settings_.parameter_width)); });
    return;
  }
  const auto children = host().neighbours("children");
  const auto place = std::lower_bound(children.begin(), children.end(), from) - children.begin();
  const auto child = static_cast<std::size_t>(place);
  if (child_asked_.at(child)) return;
  child_asked_[child] = true;
  pull_patiently(host(), epoch_, from, "sum", "",
                 [this](const Answer& answer) { add_to_sum(values_from(answer, settings_.gradient_width)); });
}

void RegressionTask::serve(Pull pull) {
  if (pull.method() == "parameter") {
    if (parameter_) return pull.reply(*parameter_);
    parameter_waiting_.push_back(std::move(pull));
  } else if (pull.method() == "sum") {
    if (parts_missing_ == 0) return pull.reply(sum_);
    sum_waiting_.push_back(std::move(pull));
  } else if (pull.method() == "sums") {
    serve_sums(std::move(pull));
  } else {
    pull.refuse(Code::no_such_method, "there is no such method (methods: parameter sum sums)");
  }
}

void RegressionTask::learn_parameter(Values parameter) {
  parameter_ = std::move(parameter);
  for (Pull& pull : std::exchange(parameter_waiting_, {})) pull.reply(*parameter_);
  if (!child_asked_.empty()) ensure(host().raise_flag("children"), "raise_flag");
  add_to_sum(gradient_of(host().task_id(), *parameter_, settings_));
}

void RegressionTask::add_to_sum(const Values& part) {
  add(sum_, part);
  if (--parts_missing_ != 0) return;
  for (Pull& pull : std::exchange(sum_waiting_, {})) pull.reply(sum_);
  if (is_root()) {
    advance_if_complete();
  } else {
    ensure(host().raise_flag("parents"), "raise_flag");
  }
}

void RegressionTask::serve_sums(Pull pull) {
  // Anybody may ask: bytes that are no range are refused, and fail nobody.
  const bool is_range = pull.body().size() == sizeof(Range);
  const std::vector<Range> ranges = is_range ? values_of<Range>(pull.body()) : std::vector<Range>{};
  if (ranges.empty() || ranges[0].first > settings_.epochs_last ||
      ranges[0].count > settings_.epochs_last - ranges[0].first + 1) {
    return pull.refuse(Code::failed, "expected one range within epochs 0 to " + std::to_string(settings_.epochs_last));
  }
  auto waiting = std::make_shared<Pull>(std::move(pull));
  compute_sums(ranges[0], [waiting](std::vector<double> sums) { waiting->reply(std::move(sums)); });
}

void RegressionTask::compute_sums(Range range, std::function<void(std::vector<double>)> done) {
  const auto children = host().neighbours("children");
  auto gathering = std::make_shared<Gathering>(Gathering{{}, children.size(), std::move(done)});
  gathering->sums.reserve(range.count);
  for (Epoch epoch = range.first; epoch < range.first + range.count; ++epoch) {
    gathering->sums.push_back(agreed_value(gradient_of(host().task_id(), parameter_of(epoch, settings_), settings_)));
  }
  if (children.empty()) return gathering->done(std::move(gathering->sums));
  const std::string body(Buffer(std::vector<Range>{range}).bytes());
  for (const TaskId child : children) {
    pull_patiently(host(), epoch_, child, "sums", body, [gathering](const Answer& answer) {
      add(gathering->sums, values_from(answer, gathering->sums.size()));
      if (--gathering->children_missing == 0) gathering->done(std::move(gathering->sums));
    });
  }
}

void RegressionTask::advance_if_complete() {
  if (parts_missing_ != 0 || sums_.size() != epoch_) return;
  sums_.push_back(agreed_value(sum_));
  if (epoch_ == settings_.epochs_last) {
    ensure(host().finish_job(JobStatus::done, print_result(sums_)), "finish_job");
  } else if (settings_.pause.count() == 0) {
    ensure(host().advance_epoch(epoch_), "advance_epoch");
  } else {
    ensure(
        host().after(settings_.pause, [this, from = epoch_] { ensure(host().advance_epoch(from), "advance_epoch"); }),
        "after");
  }
}

}  // namespace taskgraph::regression
