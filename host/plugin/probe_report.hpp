/// What a probe tells the host that started it. Both are the same executable, so memory layout is the format.
#pragma once

#include <climits>
#include <cstdint>
#include <type_traits>

#include "host/plugin/entry.hpp"

namespace taskgraph::plugin {

/// The descriptor of the pipe in the probe's process.
inline constexpr int kReportFd = 3;

/// The first byte on the pipe: the probe's own start is over, what fails from here on is the plugin's.
inline constexpr char kStarted = 's';

enum class ReportKind : std::uint32_t {
  loaded = 1,   ///< the constructors have returned; `facts` stands
  refused = 2,  ///< the loader did not take it; `text` stands
};

/// The second and last thing on the pipe.
struct Report {
  ReportKind kind{};
  std::uint32_t text_size = 0;
  EntryFacts facts;
  char text[3'072] = {};
};
static_assert(std::is_trivially_copyable_v<Report>);
static_assert(sizeof(Report) <= PIPE_BUF, "one write, all or nothing");

}  // namespace taskgraph::plugin
