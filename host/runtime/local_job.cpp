#include "host/runtime/local_job.hpp"

#include <algorithm>
#include <random>
#include <utility>
#include <vector>

#include "host/coordinator/embedded.hpp"
#include "host/runtime/worker_actor.hpp"

namespace taskgraph::runtime {
namespace {

template <typename Id>
Id random_uuid() {
  std::random_device device;
  const auto word = [&] { return std::uint64_t{device()} << 32 | device(); };
  return Id{(word() & ~std::uint64_t{0xf000}) | 0x4000, (word() & ~(std::uint64_t{3} << 62)) | std::uint64_t{2} << 62};
}

}  // namespace

/// In the order of construction; the threads end first.
struct LocalJob::Parts {
  Parts(LocalJobSettings settings, HostActor::Listener listener)
      : context(settings.spec, settings.chaos), executor(settings.threads) {
    const auto& backups = settings.spec.backups;
    const unsigned lives = 1U + (backups.empty() ? 0U : *std::max_element(backups.begin(), backups.end()));
    for (unsigned i = 0; i < lives; ++i) {
      workers.push_back(std::make_unique<WorkerActor>(executor, context, random_uuid<core::LifeId>(), settings.plugin));
      context.workers.push_back(workers.back().get());
    }
    host = std::make_unique<HostActor>(executor, context, coordinator, random_uuid<core::HostId>(),
                                       std::move(settings.digest), std::move(listener));
    context.host = host.get();
  }
  void close() {
    executor.stop();
    coordinator.close();
  }

  JobContext context;
  coordinator::Embedded coordinator;
  Executor executor;
  std::vector<std::unique_ptr<WorkerActor>> workers;
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
  for (const auto& worker : parts_->workers) parts_->host->post(core::event::WorkerStarted{worker->life()});
  parts_->host->post(core::event::Start{random_uuid<core::JobId>()});
}

void LocalJob::drain() {
  parts_->host->drain();
}

std::uint64_t LocalJob::chaos_faults() const {
  return parts_->context.chaos.faults();
}

std::uint64_t LocalJob::frames_dropped() const {
  std::uint64_t sum = 0;
  for (const WorkerActor* worker : parts_->context.workers) sum += worker->frames_dropped();
  return sum;
}

ProgressFacts LocalJob::facts() const {
  const JobContext& context = parts_->context;
  ProgressFacts facts;
  facts.epoch = core::Epoch{context.epoch.load(std::memory_order_relaxed)};
  facts.tasks_up = context.tasks_up.load(std::memory_order_relaxed);
  facts.tasks = context.spec.topology->task_count();
  for (const WorkerActor* worker : context.workers) facts.pulls += worker->pulls();
  facts.failures = context.failures.load(std::memory_order_relaxed);
  return facts;
}

}  // namespace taskgraph::runtime
