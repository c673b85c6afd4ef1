#include "plugins/pagerank/task.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>

#include "plugins/common/patient_pull.hpp"

namespace taskgraph::pagerank {
namespace {

using common::ensure;
using common::pull_patiently;

constexpr std::int32_t kCodeOtherLife = TG_CODE_USER;
/// In a pull of `ranks`: from whatever life there is.
constexpr Term kAnyTerm = 0;

/// Two runs that stop at the same step may stop on two sides of the fixed point. After a fault the path differs from
/// the one of a run without, so the step has to be smaller before the ranks are as close to that run's as its own error
/// allows: step * d / (1 - d), for each.
constexpr double kToleranceDivisorAfterFaults = 8;

template <typename T>
std::string bytes_of(const T& value) {
  return std::string(reinterpret_cast<const char*>(&value), sizeof(T));
}

template <typename T>
T value_of(std::string_view bytes) {
  const std::vector<T> values = values_of<T>(bytes);
  if (values.size() != 1) throw std::length_error("expected one value of " + std::to_string(sizeof(T)) + " bytes");
  return values[0];
}

}  // namespace

PagerankTask::PagerankTask(Host host, const Settings& settings, std::shared_ptr<const Partition> partition)
    : Task(host),
      settings_(settings),
      partition_(std::move(partition)),
      index_(static_cast<std::size_t>(host.task_id())),
      block_(*partition_, index_, settings.damping) {}

void PagerankTask::enter_epoch(Epoch epoch) {
  const std::size_t parts = partition_->part_count();
  if (host().neighbours("peers").size() != parts - 1) {
    throw std::runtime_error("the link \"peers\" must join each task to all others (shape \"full\")");
  }
  if (report_) block_.accept();
  epoch_ = epoch;
  // The first life of a task has no predecessor whose ranks others could have used in this epoch.
  began_anew_ = std::exchange(is_first_epoch_, false) && host().term() > 1;
  report_.reset();
  waiting_.clear();
  asked_.assign(parts, false);
  shares_missing_ = parts - 1;
  if (is_leader()) {
    lead_ = Lead{};
    lead_.reports.resize(parts);
    lead_.reports_missing = parts;
    for (std::size_t part = 1; part < parts; ++part) {
      pull_patiently(host(), epoch_, part, "report", "",
                     [this, part](const Answer& answer) { take_report(part, value_of<Report>(answer.body)); });
    }
  }
  block_.begin();
  if (parts > 1) {
    ensure(host().raise_flag("peers"), "raise_flag");
  } else {
    iterate();
  }
}

void PagerankTask::flag_raised(TaskId from, std::string_view, std::string_view) {
  const auto part = static_cast<std::size_t>(from);
  if (asked_.at(part)) return;
  asked_[part] = true;
  pull_patiently(host(), epoch_, from, "shares", "", [this, part](const Answer& answer) {
    block_.take(part, answer.body);
    if (--shares_missing_ == 0) iterate();
  });
}

void PagerankTask::iterate() {
  report_ = Report{block_.iterate(), host().term(), began_anew_ ? 1U : 0U};
  for (Waiting& one : std::exchange(waiting_, {})) answer(one.pull, one.wants_ranks);
  if (is_leader()) take_report(index_, *report_);
}

void PagerankTask::serve(Pull pull) {
  if (pull.method() == "shares") {
    if (pull.from() >= partition_->part_count())
      return pull.refuse(Code::failed, "shares: for the tasks of this job only");
    return pull.reply(block_.message_for(static_cast<std::size_t>(pull.from())));
  }
  const bool wants_ranks = pull.method() == "ranks";
  if (!wants_ranks && pull.method() != "report") {
    return pull.refuse(Code::no_such_method, "there is no such method (methods: shares report ranks)");
  }
  if (wants_ranks && !pull.body().empty()) {
    if (pull.body().size() != sizeof(Term)) return pull.refuse(Code::failed, "ranks: expected a term or nothing");
    const Term term = value_of<Term>(pull.body());
    if (term != kAnyTerm && term != host().term()) return pull.refuse(kCodeOtherLife, "another life reported");
  }
  if (report_) return answer(pull, wants_ranks);
  waiting_.push_back({std::move(pull), wants_ranks});
}

void PagerankTask::answer(Pull& pull, bool wants_ranks) {
  if (wants_ranks) {
    pull.reply(block_.next());
  } else {
    pull.reply(bytes_of(*report_));
  }
}

void PagerankTask::take_report(std::size_t part, const Report& report) {
  lead_.reports[part] = report;
  if (--lead_.reports_missing == 0) decide();
}

void PagerankTask::decide() {
  double step = 0;
  bool is_settled = true;
  std::uint64_t restarts = 0;
  for (const std::optional<Report>& report : lead_.reports) {
    step += report->step;
    is_settled = is_settled && report->began_anew == 0;
    restarts += report->term - 1;
  }
  const double tolerance = restarts != 0 ? settings_.tolerance / kToleranceDivisorAfterFaults : settings_.tolerance;
  lead_.summary = {.iterations = epoch_ + 1,
                   .vertices = partition_->vertex_count(),
                   .edges = partition_->edge_count(),
                   .step = step,
                   .converged = is_settled && step < tolerance,
                   .restarts = restarts};
  if (lead_.summary.converged || is_last_iteration()) {
    gather();
  } else {
    ensure(host().advance_epoch(epoch_), "advance_epoch");
  }
}

void PagerankTask::gather() {
  lead_.gathering = true;
  lead_.blocks_missing = partition_->part_count();
  lead_.ranks.resize(partition_->vertex_count());
  for (std::size_t part = 1; part < partition_->part_count(); ++part) {
    gather_from(part, lead_.summary.converged ? lead_.reports[part]->term : kAnyTerm);
  }
  const std::vector<double>& own = block_.next();
  take_block(index_, {reinterpret_cast<const char*>(own.data()), own.size() * sizeof(double)});
}

void PagerankTask::gather_from(std::size_t part, Term term) {
  pull_patiently(host(), epoch_, part, "ranks", bytes_of(term), [this, part](const Answer& answer) {
    if (!lead_.gathering) return;
    if (answer.ok()) return take_block(part, answer.body);
    other_life(part);
  });
}

void PagerankTask::other_life(std::size_t part) {
  lead_.summary.converged = false;
  if (is_last_iteration()) return gather_from(part, kAnyTerm);
  lead_.gathering = false;
  ensure(host().advance_epoch(epoch_), "advance_epoch");
}

void PagerankTask::take_block(std::size_t part, std::string_view bytes) {
  const Part& block = partition_->part(part);
  if (bytes.size() != block.count * sizeof(double)) {
    throw std::length_error("part " + std::to_string(part) + " sent " + std::to_string(bytes.size()) +
                            " bytes of ranks where " + std::to_string(block.count * sizeof(double)) +
                            " are due: it has read another graph");
  }
  if (!bytes.empty()) std::memcpy(lead_.ranks.data() + block.first, bytes.data(), bytes.size());
  if (--lead_.blocks_missing == 0) finish();
}

void PagerankTask::finish() {
  try {
    write_ranks(settings_.output, ".part-" + std::to_string(host().term()), partition_->ids(), lead_.ranks);
  } catch (const std::runtime_error& e) {
    // Another life would fail in the same way, after all iterations again.
    host().log(LogLevel::error, e.what());
    return ensure(host().finish_job(JobStatus::failed, print_error(e.what())), "finish_job");
  }
  ensure(host().finish_job(JobStatus::done, print_summary(lead_.summary)), "finish_job");
}

PagerankBuilder::PagerankBuilder(const Job& job) : settings_(read_settings(job)) {
  if (job.task_count > kPartsMax) {
    throw std::invalid_argument("tasks.count is " + std::to_string(job.task_count) +
                                "; each task exchanges shares with each other one, which is for at most " +
                                std::to_string(kPartsMax));
  }
  partition_ =
      std::make_shared<const Partition>(Graph(read_edges(settings_.input)), static_cast<std::size_t>(job.task_count));
}

std::unique_ptr<Task> PagerankBuilder::build(TaskId, Host host) {
  return std::make_unique<PagerankTask>(host, settings_, partition_);
}

}  // namespace taskgraph::pagerank
