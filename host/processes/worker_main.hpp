/// A worker process: one life of a job's worker, told by its supervisor what to run.
#pragma once

#include <cstddef>

namespace taskgraph::processes {

/// The hidden argument by which the host's executable becomes a worker.
inline constexpr const char* kWorkerOption = "--worker-of-supervisor";
/// Where a worker finds the stream to its supervisor.
inline constexpr int kLinkDescriptor = 3;
/// And the memory of its BeatPage.
inline constexpr int kBeatDescriptor = 4;
/// And that of the job's core::ChaosLedger.
inline constexpr int kChaosDescriptor = 5;
/// And that of its core::Lease, which it cannot write.
inline constexpr int kLeaseDescriptor = 6;
inline constexpr std::size_t kLeasePageBytes = 4'096;

/// Main thread of a worker; returns its exit code when the job has ended. A worker whose supervisor is gone ends what
/// its plugin has started and leaves at once, by _Exit: what it does after that moment nobody has granted.
int worker_main();

}  // namespace taskgraph::processes
