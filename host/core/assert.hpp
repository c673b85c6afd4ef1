/// Asserts are for our own bugs only, never for input, and stay on in release: a wrong state must not go on acting.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace taskgraph::core {

/// Ends the process by SIGABRT after one line on stderr: nothing can be trusted any more.
[[noreturn]] inline void assertion_failed(const char* what, const char* file, int line) {
  std::fprintf(stderr, "taskgraph: bug: %s does not hold (%s:%d); please report it\n", what, file, line);
  std::abort();
}

}  // namespace taskgraph::core

#define TG_ASSERT(condition) \
  (static_cast<bool>(condition) ? void(0) : ::taskgraph::core::assertion_failed(#condition, __FILE__, __LINE__))
