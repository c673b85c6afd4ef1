#include "host/runtime/local_job.hpp"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <utility>
#include <vector>

#include "host/coordinator/embedded.hpp"
#include "host/core/assert.hpp"
#include "host/plugin/read_only_methods.hpp"
#include "host/runtime/hook_slots.hpp"
#include "host/runtime/log.hpp"
#include "host/runtime/outside_actor.hpp"
#include "host/runtime/random_uuid.hpp"
#include "host/runtime/worker_actor.hpp"

namespace taskgraph::runtime {
/// In the order of construction; the threads end first.
struct LocalJob::Parts final : Workers, WorkerOutside, OutsideRoute {
  Parts(LocalJobSettings settings, HostActor::Listener listener)
      : spec(settings.spec),
        read_only_methods(settings.plugin),
        journal(settings.journal),
        chaos_words(core::ChaosLedger::words(settings.chaos, settings.spec.topology->task_count())),
        chaos(settings.chaos, settings.spec.topology->task_count(), chaos_words),
        slots(settings.threads),
        watch(slots, settings.spec.limits.hook, kLookEvery),
        executor(settings.threads, [this](unsigned thread) { use_hook_slot(&slots[thread]); }) {
    const auto& backups = settings.spec.backups;
    const unsigned lives = 1U + (backups.empty() ? 0U : *std::max_element(backups.begin(), backups.end()));
    for (unsigned i = 0; i < lives; ++i) {
      const auto life = random_uuid<core::LifeId>();
      const WorkerParts parts{settings.spec, lease, settings.plugin, chaos, open_life_journal(life)};
      workers.push_back(std::make_unique<WorkerActor>(executor, parts, life, *this));
    }
    running = workers.size();
    outside = std::make_unique<OutsideActor>(executor, journal.host(), settings.spec, *this);
    host = std::make_unique<HostActor>(executor, settings.spec, coordinator, journal.host(), std::move(settings.digest),
                                       *this, journal, std::move(listener));
  }
  /// nullptr unless it is wanted.
  journal::LifeJournal* open_life_journal(core::LifeId life) {
    const auto folder = journal.life_folder();
    if (!folder.has_value()) return nullptr;
    const auto warn = [](const std::string& why) { log(LogLevel::warning, "the journal of a life: " + why); };
    life_journals.push_back(std::make_unique<journal::LifeJournal>(*folder, job_id, life, warn));
    return life_journals.back().get();
  }
  void close() {
    executor.stop();
    outside->drop_all();
    coordinator.close();
  }
  WorkerActor* find(core::LifeId life) const {
    for (const auto& worker : workers) {
      if (worker->life() == life) return worker.get();
    }
    return nullptr;
  }

  // Workers
  void post(const core::WorkerEvent& event) override {
    for (const auto& worker : workers) worker->post(event);
    outside->heard(event);
  }
  // WorkerOutside
  core::JobId job() const override { return host->job(); }
  void send(core::LifeId to, core::Frame&& frame) override {
    if (WorkerActor* worker = find(to)) worker->receive(std::move(frame));
  }
  void send(core::LifeId to, const core::SealAsk& ask) override {
    if (WorkerActor* worker = find(to)) worker->receive(ask);
  }
  void send(core::LifeId to, core::SealAck&& ack) override {
    if (WorkerActor* worker = find(to)) worker->receive(std::move(ack));
  }
  void ask(WorkerRequest&& request) override { host->post(core::event::FromWorker{std::move(request)}); }
  void reply(core::OutsideReply&& reply) override { outside->replied(std::move(reply)); }
  // OutsideRoute; lives end with the job
  void send(core::LifeId to, core::OutsideRequest&& request) override { find(to)->receive(std::move(request)); }
  void send(core::LifeId to, const core::OutsideEnd& end) override { find(to)->receive(end); }
  void replica_failed(core::TaskId) override { failures.fetch_add(1, std::memory_order_relaxed); }
  void hit_by(core::FaultKind) override { TG_ASSERT(!"workers here are no processes"); }
  void replica_moment(const core::ReplicaMoment& moment) override { journal.replica_moment(moment); }
  void all_stopped() override {
    if (running.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    for (const auto& worker : workers) journal.slow_pulls(worker->slow_pulls());
    host->all_stopped();
  }

  const core::JobSpec& spec;
  const plugin::ReadOnlyMethods read_only_methods;
  const core::Time since = now();
  journal::Journal& journal;
  const core::JobId job_id = random_uuid<core::JobId>();  ///< unless the job is there already
  const core::Lease lease = core::Lease::open_ended();    ///< the coordinator shares this process, and ends with it
  std::vector<Chaos::Word> chaos_words;
  Chaos chaos;
  coordinator::Embedded coordinator;
  std::atomic<std::uint64_t> failures{0};  ///< of replicas, injected ones included
  std::atomic<std::size_t> running{0};     ///< workers whose replicas have not all exited
  std::vector<HookSlot> slots;             ///< by thread
  HookWatch watch;
  std::vector<std::unique_ptr<journal::LifeJournal>> life_journals;
  Executor executor;
  std::vector<std::unique_ptr<WorkerActor>> workers;
  std::unique_ptr<OutsideActor> outside;
  std::unique_ptr<HostActor> host;
};

LocalJob::LocalJob(LocalJobSettings settings, HostActor::Listener listener)
    : parts_(std::make_unique<Parts>(std::move(settings), std::move(listener))) {}

/// The parts stay: until the process ends, a thread of the plugin's own may answer a pull, which is posted to its cell.
LocalJob::~LocalJob() {
  parts_->close();
  static auto* const kept = new std::vector<std::unique_ptr<Parts>>;
  kept->push_back(std::move(parts_));
}

void LocalJob::start() {
  parts_->host->open();
  std::uint32_t number = 0;
  for (const auto& worker : parts_->workers) {
    parts_->journal.worker_started({number++, worker->life()}, now());
    parts_->host->post(core::event::WorkerStarted{worker->life()});
  }
  parts_->host->post(core::event::Start{parts_->job_id});
}

void LocalJob::drain() {
  parts_->host->drain();
}

/// A thread cannot be ended without its process, which is this one: a user is told, once for each call.
void LocalJob::look(core::Time now) {
  while (const auto overlong = parts_->watch.look(now)) {
    const core::TaskId task = overlong->call.task;
    log(LogLevel::warning,
        text_of(*overlong, parts_->spec.limits.hook) +
            "; it holds up its task and a thread (without --local it would be ended)",
        {.task = task == kNoTask ? std::nullopt : std::optional(task), .epoch = {}, .term = {}});
  }
}

std::uint64_t LocalJob::chaos_faults() const {
  return parts_->chaos.faults();
}

std::uint64_t LocalJob::frames_dropped() const {
  std::uint64_t sum = 0;
  for (const auto& worker : parts_->workers) sum += worker->frames_dropped();
  return sum;
}

OutsidePulls& LocalJob::outside_pulls() {
  return *parts_->outside;
}

bool LocalJob::is_read_only(std::string_view method) const {
  return parts_->read_only_methods.contains(method);
}

ProgressFacts LocalJob::facts() const {
  ProgressFacts facts;
  facts.epoch = parts_->host->epoch();
  facts.tasks_up = parts_->host->tasks_up();
  facts.tasks = parts_->spec.topology->task_count();
  for (const auto& worker : parts_->workers) facts.pulls += worker->pulls();
  facts.failures = parts_->failures.load(std::memory_order_relaxed);
  return facts;
}

JobStatus LocalJob::status() const {
  JobStatus status;
  parts_->host->describe(status);
  for (std::uint32_t i = 0; i < parts_->workers.size(); ++i) {
    status.lives.push_back({parts_->workers[i]->life(), i, ::getpid(), parts_->since});
  }
  status.facts = facts();
  status.frames_dropped = frames_dropped();
  return status;
}

}  // namespace taskgraph::runtime
