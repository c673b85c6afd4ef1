#include "host/journal/journal.hpp"

#include <time.h>

#include <utility>

#include "host/journal/json_line.hpp"
#include "host/journal/line_file.hpp"
#include "host/journal/machine.hpp"
#include "host/journal/summary.hpp"

namespace taskgraph::journal {
namespace {

std::int64_t wall_time_ns() {
  timespec time{};
  ::clock_gettime(CLOCK_REALTIME, &time);
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

std::unique_ptr<LineWriter> open_writer(const JournalSettings& settings) {
  if (!settings.folder.has_value()) return nullptr;
  auto file = std::make_shared<LineFile>(*settings.folder / Journal::kFileName, Journal::kFileBytesMax);
  return std::make_unique<LineWriter>([file](std::string_view line) { return file->append(line); }, settings.warn);
}

Cause cause_of(const core::Resignation& resignation) {
  Cause cause{.kind = Cause::Kind::resigned, .number = 0, .detail = resignation.reason};
  if (resignation.blame == core::Blame::plugin) cause.kind = Cause::Kind::hook_threw;
  if (resignation.blame == core::Blame::injected) cause.kind = Cause::Kind::chaos;
  return cause;
}

}  // namespace

Journal::Journal(JournalSettings settings)
    : settings_(std::move(settings)), writer_(open_writer(settings_)), failovers_(settings_.tasks) {}

Journal::~Journal() = default;

std::optional<std::filesystem::path> Journal::life_folder() const {
  return settings_.full ? settings_.folder : std::nullopt;
}

void Journal::close() {
  std::unique_ptr<LineWriter> writer;
  {
    const std::lock_guard lock(mutex_);
    writer = std::move(writer_);
  }
  if (writer != nullptr) writer->close();
}

// ---------------------------------------------------------------- lines; with mutex_ held

void Journal::begin(JsonLine& line, const char* kind, core::Time now) const {
  line.add("v", kFormatVersion).add("time", config::wall_time_text(wall_time_ns())).add("ns", now);
  line.add("host", settings_.host).add("job", job_).add("kind", kind);
}

void Journal::write(JsonLine& line) {
  if (writer_ != nullptr && !ended_) writer_->write(line.take());
}

void Journal::write_worker(const char* what, const WorkerName& worker, core::Time now,
                           const std::function<void(JsonLine&)>& more) {
  JsonLine line;
  begin(line, "worker", now);
  line.add("what", what).add("worker", std::uint64_t{worker.number}).add("life", worker.life);
  if (worker.pid != 0) line.add_signed("pid", worker.pid);
  if (more) more(line);
  write(line);
}

void Journal::write_promotion(const Failover& failover, core::Time now) {
  JsonLine line;
  begin(line, "promotion", now);
  add_failover(line, failover);
  write(line);
}

// ---------------------------------------------------------------- the job

void Journal::job_opened(core::JobId job, bool created, core::Time now) {
  const std::lock_guard lock(mutex_);
  job_ = job;
  JsonLine line;
  begin(line, "job", now);
  line.add("what", created ? "started" : "joined").add("name", settings_.job_name).add("digest", settings_.digest);
  line.add("version", TASKGRAPH_VERSION).add("tasks", std::uint64_t{settings_.tasks});
  line.add("boot", boot_id()).add("journal", settings_.full ? "full" : "plain");
  write(line);
}

void Journal::view_committed(const core::Assignment& view, core::Time now) {
  const std::lock_guard lock(mutex_);
  std::vector<Failover> finished;
  const std::vector<Failover> granted = failovers_.view(view, now, finished);
  for (const Failover& failover : finished) write_promotion(failover, now);
  for (const Failover& claim : granted) {
    JsonLine line;
    begin(line, "claim", now);
    line.add("task", claim.task).add("term", claim.term).add("view", view.version());
    line.add("life", claim.primary.life).add("replica", claim.primary.counter);
    const auto worker = workers_.find(claim.primary.life);
    if (worker != workers_.end()) line.add("worker", std::uint64_t{worker->second});
    if (claim.term > core::Term{1}) line.add("cause", claim.cause.name());
    write(line);
  }
}

void Journal::epoch_entered(core::Epoch epoch, core::Time now) {
  const std::lock_guard lock(mutex_);
  if (std::exchange(epoch_, epoch) == epoch) return;
  JsonLine line;
  begin(line, "epoch", now);
  line.add("epoch", epoch);
  write(line);
}

void Journal::resigned(const core::Resignation& resignation, core::Time now) {
  const std::lock_guard lock(mutex_);
  failovers_.resigned(resignation.task, resignation.seat, cause_of(resignation), now);
}

void Journal::replica_moment(const core::ReplicaMoment& moment) {
  const std::lock_guard lock(mutex_);
  if (const auto finished = failovers_.moment(moment)) write_promotion(*finished, moment.at);
}

void Journal::job_ended(const End& end, core::Time now) {
  const std::lock_guard lock(mutex_);
  if (ended_) return;  // S11
  for (const Failover& failover : failovers_.finish()) write_promotion(failover, now);
  JsonLine line;
  begin(line, "ended", now);
  line.add("status", end.status).add("epoch", end.epoch).add("result_bytes", end.result_bytes);
  if (!end.reason.empty()) line.add("reason", end.reason);
  line.add("failovers", failovers_.count());
  write(line);
  ended_ = true;
}

// ---------------------------------------------------------------- workers

void Journal::worker_started(const WorkerName& worker, core::Time now) {
  const std::lock_guard lock(mutex_);
  workers_[worker.life] = worker.number;
  const auto before = last_lives_.find(worker.number);
  const bool again = before != last_lives_.end();
  write_worker(again ? "restarted" : "started", worker, now, [&](JsonLine& line) {
    if (again) line.add("after", before->second);
  });
  last_lives_[worker.number] = worker.life;
}

void Journal::worker_ready(const WorkerName& worker, core::Time now) {
  const std::lock_guard lock(mutex_);
  write_worker("ready", worker, now);
}

void Journal::worker_died(const WorkerName& worker, Cause cause, core::Time died, core::Time now) {
  const std::lock_guard lock(mutex_);
  cause.worker = worker.number;
  write_worker("died", worker, now, [&](JsonLine& line) {
    line.add("cause", cause.name()).add("died_ns", died);
    if (!cause.detail.empty()) line.add("detail", cause.detail);
  });
  workers_.erase(worker.life);
  failovers_.life_ended(worker.life, std::move(cause), died, now);
}

void Journal::worker_refused(const WorkerName& worker, int exit_code, const std::string& reason, core::Time now) {
  const std::lock_guard lock(mutex_);
  write_worker("refused", worker, now,
               [&](JsonLine& line) { line.add_signed("exit_code", exit_code).add("reason", reason); });
}

void Journal::slow_pulls(const core::SlowPulls& pulls) {
  const std::lock_guard lock(mutex_);
  slowest_.note(pulls);
}

// ---------------------------------------------------------------- what is known

std::string Journal::failovers_json() const {
  const std::lock_guard lock(mutex_);
  return to_json(failovers_.last());
}

std::vector<std::string> Journal::summary() const {
  const std::lock_guard lock(mutex_);
  return journal::summary(failovers_, slowest_);
}

}  // namespace taskgraph::journal
