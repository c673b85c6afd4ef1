/// A test binary that starts itself as something else: a worker process is the executable of its supervisor.
#pragma once

#include <optional>

namespace taskgraph::tests {

/// Set by a static initialiser of a test. Called before the tests: an exit code takes their place.
using OtherMain = std::optional<int> (*)(int argc, char** argv);
inline constinit OtherMain other_main = nullptr;

}  // namespace taskgraph::tests
