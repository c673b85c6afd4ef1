/// Chaos of all tasks of a job, as the cells of its lives ask for it.
#pragma once

#include <optional>
#include <span>

#include "host/core/chaos.hpp"
#include "host/core/chaos_ledger.hpp"
#include "host/core/ids.hpp"

namespace taskgraph::runtime {

/// Asks the plan, writes the ledger, and tells the log. Any thread.
class Chaos {
 public:
  using Word = core::ChaosLedger::Word;

  /// `ledger`: the job's memory of it (core::ChaosLedger), shared with its other processes if there are any; outlives
  /// this object.
  Chaos(const core::ChaosPlan& plan, std::uint32_t tasks, std::span<Word> ledger);
  Chaos(const Chaos&) = delete;
  Chaos& operator=(const Chaos&) = delete;

  std::optional<core::Fault> at_event(core::TaskId task, core::EventClass kind);
  std::optional<core::Fault> at_epoch(core::TaskId task, core::Epoch epoch);
  /// Of the whole job.
  std::uint64_t faults() const { return ledger_.faults(); }

 private:
  const core::ChaosPlan plan_;
  core::ChaosLedger ledger_;
};

}  // namespace taskgraph::runtime
