/// What a worker leaves behind: processes that its plugin has forked. A death is proven only when they are gone, too,
/// as they may still write to what their task writes to.
#pragma once

#include <sys/types.h>

#include <functional>
#include <vector>

namespace taskgraph::process {

/// From here on orphans among the descendants of this process become its children. In the supervisor, and in each
/// worker: so a daemon of a plugin stays below its worker for as long as that lives, and comes to the supervisor then.
/// Throws std::system_error.
void become_subreaper();

/// Direct children of this process, zombies included. Throws std::system_error.
std::vector<pid_t> children();

/// Kills and reaps every child that `is_known` does not know, and what comes to this process by that, until there is
/// none. Returns how many were ended; blocks for the time that a SIGKILL takes. For the thread that reaps; throws
/// std::runtime_error after kRoundsMax rounds, against something that forks faster than it can be killed.
std::size_t end_orphans(const std::function<bool(pid_t)>& is_known);

inline constexpr int kRoundsMax = 1'000;

}  // namespace taskgraph::process
