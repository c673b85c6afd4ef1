/// How many files, sockets among them, this process may have open.
#pragma once

#include <cstdint>

namespace taskgraph::control {

/// Raises the soft limit of RLIMIT_NOFILE to `wanted`, or to the hard limit if that is less; never lowers it. Returns
/// what holds now. It is inherited by children. Any thread.
std::uint64_t raise_descriptor_limit(std::uint64_t wanted);

}  // namespace taskgraph::control
