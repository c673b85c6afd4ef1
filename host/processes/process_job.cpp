#include "host/processes/process_job.hpp"

#include <utility>

#include "host/coordinator/embedded.hpp"
#include "host/process/descendants.hpp"
#include "host/processes/chaos_memory.hpp"
#include "host/processes/nursery.hpp"
#include "host/runtime/executor.hpp"
#include "host/runtime/host_actor.hpp"
#include "host/runtime/outside_actor.hpp"
#include "host/runtime/random_uuid.hpp"

namespace taskgraph::processes {

/// In the order of construction; the thread ends first. One thread is enough: no hook runs here.
struct ProcessJob::Parts {
  Parts(ProcessJobSettings settings, runtime::HostActor::Listener listener)
      : topology(settings.topology),
        chaos_plan(std::move(settings.chaos)),
        chaos_memory(core::ChaosLedger::words(chaos_plan, topology.spec.topology->task_count())),
        chaos(chaos_plan, topology.spec.topology->task_count(), chaos_memory.words()),
        executor(1),
        nursery(executor, topology.spec, std::move(settings.setup), settings.workers, chaos_memory.descriptor(),
                settings.journal),
        outside(executor, settings.journal.host(), topology.spec, nursery),
        host(executor, topology.spec, coordinator, settings.journal.host(), topology.digest, nursery, settings.journal,
             std::move(listener)) {
    nursery.set_host(host, outside);
  }

  const config::TopologyFile& topology;
  const core::ChaosPlan chaos_plan;
  const ChaosMemory chaos_memory;
  const core::ChaosLedger chaos;
  coordinator::Embedded coordinator;
  runtime::Executor executor;
  Nursery nursery;
  runtime::OutsideActor outside;
  runtime::HostActor host;
};

namespace {

ProcessJobSettings with_job(ProcessJobSettings settings) {
  // The coordinator ends with this process, so that the fresh name is the job's.
  settings.setup.job = runtime::random_uuid<core::JobId>();
  settings.setup.journal_folder = settings.journal.life_folder().value_or("").string();
  return settings;
}

}  // namespace

ProcessJob::ProcessJob(ProcessJobSettings settings, runtime::HostActor::Listener listener)
    : parts_(std::make_unique<Parts>(with_job(std::move(settings)), std::move(listener))) {
  process::become_subreaper();
}

ProcessJob::~ProcessJob() {
  parts_->executor.stop();
  parts_->outside.drop_all();
  parts_->nursery.close();
  parts_->coordinator.close();
}

void ProcessJob::start() {
  parts_->host.open();
  parts_->nursery.begin();
}

void ProcessJob::drain() {
  parts_->host.drain();
}

void ProcessJob::abandon() {
  parts_->executor.stop();  // no user code runs here: at once
  parts_->nursery.abandon();
}

runtime::ProgressFacts ProcessJob::facts() const {
  runtime::ProgressFacts facts;
  facts.epoch = parts_->host.epoch();
  facts.tasks_up = parts_->host.tasks_up();
  facts.tasks = parts_->topology.spec.topology->task_count();
  facts.pulls = parts_->nursery.pulls();
  facts.failures = parts_->nursery.failures();
  return facts;
}

std::uint64_t ProcessJob::chaos_faults() const {
  return parts_->chaos.faults();
}

runtime::OutsidePulls& ProcessJob::outside_pulls() {
  return parts_->outside;
}

bool ProcessJob::is_read_only(std::string_view method) const {
  return parts_->nursery.is_read_only(method);
}

std::uint64_t ProcessJob::frames_dropped() const {
  return parts_->nursery.frames_dropped();
}

runtime::JobStatus ProcessJob::status() const {
  runtime::JobStatus status;
  parts_->host.describe(status);
  status.lives = parts_->nursery.lives();
  status.facts = facts();
  status.frames_dropped = frames_dropped();
  return status;
}

}  // namespace taskgraph::processes
