/// Where the kernel has put the core dump of a process.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "host/process/child.hpp"

namespace taskgraph::process {

/// What is known of a process that has left a core dump.
struct DumpedProcess {
  pid_t pid = 0;
  pid_t thread = 0;  ///< the one that got the signal; 0: unknown
  int signal = 0;
  std::string executable;  ///< absolute
  std::string directory;   ///< its working directory, as far as is known: that of a relative pattern
  std::string host_name;
};

/// `pattern`: of /proc/sys/kernel/core_pattern (core(5)); `uses_pid`: core_uses_pid is set. "core dump: FILE", with *
/// for what is not known, or "core dump handed to |PROGRAM".
std::string core_dump_place(std::string_view pattern, bool uses_pid, const DumpedProcess& process);

/// The same with this machine's settings, for a child of this process' executable and directory.
std::string core_dump_place(pid_t pid, pid_t thread, int signal);

}  // namespace taskgraph::process
