/// A job as it stands at one moment, for those who watch it from outside.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "host/core/assignment.hpp"
#include "host/core/ids.hpp"
#include "host/runtime/progress.hpp"

namespace taskgraph::runtime {

/// A life that lives, and the process that it is in.
struct LifeStatus {
  core::LifeId life;
  std::uint32_t worker = 0;  ///< number of the worker, which its successor has, too
  std::int32_t process = 0;  ///< its pid
  core::Time since;          ///< CLOCK_BOOTTIME
};

/// A copy of its own.
struct JobStatus {
  /// `starting`: not every task has had a primary yet. From `done` on: how it ended; hooks may still run.
  enum class State : std::uint8_t { starting, running, stopping, done, failed, stopped, documents_lost, refused };

  State state = State::starting;
  std::string reason;       ///< of a bad end
  core::JobId job;          ///< nil before the first view
  core::HostId host;        ///< this one
  core::HostId controller;  ///< nil: none that this host knows of
  core::View view;          ///< the newest that the workers were told; nullptr: none
  std::vector<LifeStatus> lives;
  ProgressFacts facts;
  std::uint64_t frames_dropped = 0;
};

}  // namespace taskgraph::runtime
