/// Loads a plugin in a process of its own first, so that a constructor that aborts, exits, crashes or hangs costs that
/// process and becomes a refusal with a reason. Guards against accidents, not against a plugin that wants to deceive.
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <optional>

#include "host/plugin/entry.hpp"

namespace taskgraph::plugin {

/// The hidden argument by which the host's executable becomes a probe.
inline constexpr const char* kProbeOption = "--probe-plugin";
/// What a probe writes on stderr (a failed assert, say) is shown with the refusal, up to this many bytes of its last
/// line.
inline constexpr std::size_t kProbeOutputBytesMax = 512;

struct ProbeOptions {
  /// A program whose `main` hands kProbeOption on to probe_main: the host itself.
  std::filesystem::path executable = "/proc/self/exe";
  /// How long the constructors may take; then the probe is killed.
  std::chrono::milliseconds limit{10'000};
};

/// Loads the library at `path` (absolute) in a probe process and judges steps 2 to 5. Blocks until the probe is gone,
/// at most `limit` and the time of a SIGKILL. The calling thread must live on meanwhile; the probe does not outlive it.
/// It inherits the environment and no descriptor; its stdin and stdout are /dev/null. Any thread.
std::optional<StepRefusal> probe(const std::filesystem::path& path, const ProbeOptions& options = {});

/// The other side, in the probe's process: call it first thing in `main` when argv[1] is kProbeOption; it does not
/// return.
[[noreturn]] void probe_main(int argc, char** argv);

}  // namespace taskgraph::plugin
