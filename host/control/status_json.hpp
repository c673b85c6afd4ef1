/// What GET /v1/status shows.
#pragma once

#include <string>
#include <string_view>

#include "host/core/ids.hpp"
#include "host/runtime/job_status.hpp"

namespace taskgraph::control {

/// What does not change while a job runs.
struct JobIdentity {
  std::string name;
  std::string digest;  ///< SHA-256 of the topology's canonical form
};

/// Empty when the job is ready: every task has a primary in a worker that is up, and the job has not ended. What is
/// asked of a primary that is about to act is held until it does. Else why not, for people.
std::string why_not_ready(const runtime::JobStatus& status);

/// `failovers`: a JSON array, the newest last; empty: none. `now`: CLOCK_BOOTTIME, beside the wall's clock as this is
/// called.
std::string status_json(const JobIdentity& identity, const runtime::JobStatus& status, std::string_view failovers,
                        core::Time now);

}  // namespace taskgraph::control
