/// Why a worker has died, and who is to blame: what its ending, its page and its supervisor know, put together.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "host/core/ids.hpp"
#include "host/core/replica_event.hpp"
#include "host/process/child.hpp"
#include "host/processes/beat_page.hpp"

namespace taskgraph::processes {

/// Why the supervisor has killed a worker, if it has.
struct KilledFor {
  enum class Why : std::uint8_t { nothing, stall, no_fence, hook } why = Why::nothing;
  runtime::OverlongHook hook;  ///< of `hook`
};

struct Death {
  /// "ended by SIGSEGV in hook serve of task 3; core dump: /tmp/core.4711".
  std::string cause;
  /// Of the worker. What comes from outside or from chaos does not count as a failure.
  core::Blame blame = core::Blame::plugin;
  struct Blamed {
    core::TaskId task;
    std::string reason;  ///< "hook serve ended its worker by SIGSEGV"
  };
  std::optional<Blamed> blamed;
};

/// Of a process that has ended. The page may hold anything, as a plugin could write there.
struct DeathFacts {
  pid_t pid = 0;
  process::Ending ending;
  const BeatPage& page;
  KilledFor killed;
  core::Duration hook_limit;
  unsigned threads = 0;     ///< of its executor
  std::uint32_t tasks = 0;  ///< of the job
};
Death death_of(const DeathFacts& facts);

}  // namespace taskgraph::processes
