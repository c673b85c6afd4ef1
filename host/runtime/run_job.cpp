#include "host/runtime/run_job.hpp"

#include <fmt/format.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstdlib>
#include <optional>
#include <utility>

#include "host/config/quantities.hpp"
#include "host/config/result_file.hpp"
#include "host/runtime/job_control.hpp"
#include "host/runtime/log.hpp"
#include "host/runtime/progress.hpp"
#include "host/runtime/random_uuid.hpp"
#include "host/runtime/signals.hpp"

namespace taskgraph::runtime {
namespace {

using config::ExitCode;

ExitCode exit_code(const JobOutcome& outcome) {
  if (outcome.exit_code.has_value()) return *outcome.exit_code;
  switch (outcome.kind) {
    case JobOutcome::Kind::done:
      return ExitCode::done;
    case JobOutcome::Kind::failed:
      return ExitCode::job_failed;
    case JobOutcome::Kind::stopped:
      return ExitCode::stopped;
    case JobOutcome::Kind::documents_lost:
      return ExitCode::documents_lost;
    case JobOutcome::Kind::refused:
      return ExitCode::refused;
  }
  return ExitCode::own_bug;
}

/// The number of epochs where the plugin's arguments say it the usual way.
std::optional<core::Epoch> last_epoch(const config::TopologyFile& topology) {
  for (const config::PluginArgument& arg : topology.args) {
    if (arg.name == "epochs" && arg.kind == config::PluginArgument::Kind::integer && arg.integer >= 0) {
      return core::Epoch{static_cast<std::uint64_t>(arg.integer)};
    }
  }
  return std::nullopt;
}

journal::JournalSettings journal_settings(const config::Options& options, const config::TopologyFile& topology,
                                          const control::StateDirectory& state) {
  return {.folder = state.path(),
          .host = random_uuid<core::HostId>(),
          .job_name = topology.spec.name,
          .digest = topology.digest,
          .tasks = topology.spec.topology->task_count(),
          .full = options.journal.value == config::JournalDetail::full,
          .warn = [](const std::string& why) {
            log(LogLevel::warning, fmt::format("events are missing from {}: {}", journal::Journal::kFileName, why));
          }};
}

/// Owned by run_job; all on the main thread but for the outcome, which is posted to it.
class Run {
 public:
  Run(const config::Options& options, const config::TopologyFile& topology, const control::StateDirectory& state,
      const MakeJob& make)
      : options_(options),
        topology_(topology),
        state_(state),
        journal_(journal_settings(options, topology, state)),
        job_(
            make(journal_, {[this](JobOutcome outcome) { on_main([this, now = std::move(outcome)] { decided(now); }); },
                            [this](JobOutcome outcome) { on_main([this, now = std::move(outcome)] { end(now); }); },
                            [this] { on_main([this] { announce(); }); }})),
        signals_(io_, [this](StopSignals::Request request, int) { asked_to_stop(request); }),
        progress_timer_(io_),
        drain_timer_(io_),
        progress_(progress_style(), now()),
        last_epoch_(last_epoch(topology)) {}

  ExitCode run() {
    auto control = JobControl::open(options_, topology_, state_, *job_, [this] { return journal_.failovers_json(); });
    if (!control) return log(LogLevel::error, control.error().text), control.error().code;
    control_ = *std::move(control);
    job_->start();
    tick();
    io_.run();
    return code_;
  }

 private:
  void tick() {
    progress_timer_.expires_after(std::chrono::nanoseconds(Job::kLookEvery.ns));
    progress_timer_.async_wait([this](const boost::system::error_code& error) {
      if (error || has_ended_) return;  // cancel() does not reach a timer that has fired and waits for its turn
      job_->look(now());
      ProgressFacts facts = job_->facts();
      facts.last_epoch = last_epoch_;
      if (auto line = progress_.tick(facts, now(), terminal_columns())) show_progress(progress_, *line);
      tick();
    });
  }

  template <typename F>
  void on_main(F fn) {
    boost::asio::post(io_, std::move(fn));
  }

  void asked_to_stop(StopSignals::Request request) {
    if (request == StopSignals::Request::stop_at_once) {
      log(LogLevel::warning, "stopped at once: the tasks had no time to save");
      leave();
    }
    const std::string limit = config::to_text(topology_.spec.failure.drain);
    const std::string what = decided_.has_value() ? "the job has ended and its tasks exit already"
                                                  : fmt::format("tasks have {} to save", limit);
    log(LogLevel::info, fmt::format("stopping: {}; a second signal stops at once", what));
    job_->drain();
    limit_exits();
  }

  void announce() {
    if (!has_ended_) control_->announce();
  }

  /// All replicas exit now; one whose hook does not return must not keep the result back.
  void decided(const JobOutcome& outcome) {
    if (has_ended_) return;
    decided_ = outcome;
    limit_exits();
  }

  /// From the first of signal and end: a signal after the end, or an end after the signal, gives no more time.
  void limit_exits() {
    if (std::exchange(exits_limited_, true)) return;
    drain_timer_.expires_after(std::chrono::nanoseconds(topology_.spec.failure.drain.ns));
    drain_timer_.async_wait([this](const boost::system::error_code& error) {
      if (error || has_ended_) return;
      log(LogLevel::warning, "a hook did not return within failure.drain; stopped without it");
      leave();
    });
  }

  void end(const JobOutcome& outcome) {
    has_ended_ = true;
    control_.reset();
    code_ = report(outcome);
    journal_.close();
    signals_.cancel();
    progress_timer_.cancel();
    drain_timer_.cancel();
  }

  /// Without waiting for hooks that still run: nothing of this process is torn down under them.
  [[noreturn]] void leave() {
    if (control_ != nullptr) control_->withdraw();
    const JobOutcome stopped{
        .kind = JobOutcome::Kind::stopped, .epochs = job_->facts().epoch.value, .result = "{}", .reason = {}};
    const JobOutcome& outcome = decided_.has_value() ? *decided_ : stopped;
    journal_.job_ended(journal_end(outcome), now());
    const ExitCode code = report(outcome);
    journal_.close();
    job_->abandon();
    std::_Exit(static_cast<int>(code));
  }

  ExitCode report(const JobOutcome& outcome) {
    end_progress(progress_);
    const ProgressFacts facts = job_->facts();
    if (const std::uint64_t faults = job_->chaos_faults(); faults != 0)
      log(LogLevel::info, fmt::format("chaos: {} faults injected", faults));
    if (const std::uint64_t frames = job_->frames_dropped(); frames != 0)
      log(LogLevel::warning, fmt::format("{} frames were dropped, as too many waited for one task", frames));
    for (const std::string& line : journal_.summary()) log(LogLevel::info, line);
    const std::string reason = outcome.reason.empty() ? "" : ": " + outcome.reason;
    const bool good = outcome.kind == JobOutcome::Kind::done || outcome.kind == JobOutcome::Kind::stopped;
    log(good ? LogLevel::info : LogLevel::error,
        fmt::format("job \"{}\" {} in epoch {} ({} pulls, {} failures){}", topology_.spec.name, name(outcome.kind),
                    outcome.epochs, facts.pulls, facts.failures, reason));
    const bool ended = good || outcome.kind == JobOutcome::Kind::failed;
    if (!options_.result.value.has_value() || !ended) return exit_code(outcome);
    const config::JobResult result{topology_.spec.name, static_cast<config::JobStatus>(outcome.kind), outcome.epochs,
                                   outcome.reason, outcome.result};
    if (auto failure = config::write_result_file(*options_.result.value, result)) {
      log(LogLevel::error, failure->text);
      return failure->code;
    }
    return exit_code(outcome);
  }

  const config::Options& options_;
  const config::TopologyFile& topology_;
  const control::StateDirectory& state_;
  boost::asio::io_context io_;
  journal::Journal journal_;
  const std::unique_ptr<Job> job_;
  std::unique_ptr<JobControl> control_;  ///< from run() to the job's end
  StopSignals signals_;
  boost::asio::steady_timer progress_timer_;
  boost::asio::steady_timer drain_timer_;
  Progress progress_;
  const std::optional<core::Epoch> last_epoch_;
  std::optional<JobOutcome> decided_;  ///< known, while hooks may still run
  bool exits_limited_ = false;         ///< by drain_timer_
  bool has_ended_ = false;
  ExitCode code_ = ExitCode::own_bug;
};

}  // namespace

ExitCode run_job(const config::Options& options, const config::TopologyFile& topology, const MakeJob& make) {
  ignore_broken_pipes();
  const auto state = open_state(options, topology);
  if (!state) return log(LogLevel::error, state.error().text), state.error().code;
  return Run(options, topology, *state, make).run();
}

}  // namespace taskgraph::runtime
