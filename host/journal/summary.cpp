#include "host/journal/summary.hpp"

#include <fmt/format.h>

namespace taskgraph::journal {
namespace {

std::string causes(const Failovers& failovers) {
  std::string text;
  for (const auto& [name, count] : failovers.by_cause()) {
    text += fmt::format("{}{} by {}", text.empty() ? "" : ", ", count, name);
  }
  return text;
}

std::string times(const char* from, const DurationHistogram& histogram) {
  return fmt::format("from {} p50 {}, max {}", from, short_duration(histogram.percentile(50)),
                     short_duration(histogram.max()));
}

std::string one(const Failover& failover) {
  std::string text =
      fmt::format("  task {} term {}: {}", failover.task.value, failover.term.value, failover.cause.name());
  if (failover.cause.worker.has_value()) text += fmt::format(" of worker {}", *failover.cause.worker);
  const char* before = ": ";
  for (std::size_t i = 1; i < kPhases; ++i) {
    const auto took = failover.took(static_cast<Phase>(i));
    if (!took.has_value()) continue;
    text += fmt::format("{}{} {}", before, kPhaseNames[i], short_duration(*took));
    before = ", ";
  }
  return text;
}

}  // namespace

std::string short_duration(core::Duration duration) {
  const auto us = static_cast<double>(duration.ns) / 1e3;
  if (us < 1e3) return fmt::format("{:.0f} us", us);
  if (us < 1e6) return fmt::format("{:.1f} ms", us / 1e3);
  return fmt::format("{:.2f} s", us / 1e6);
}

std::vector<std::string> summary(const Failovers& failovers, const core::SlowPulls& slowest) {
  std::vector<std::string> lines;
  if (failovers.count() != 0) {
    std::string line = fmt::format("{} failovers ({})", failovers.count(), causes(failovers));
    if (failovers.since_died().count() != 0) line += "; " + times("the last sign of life", failovers.since_died());
    if (failovers.since_detected().count() != 0) line += "; " + times("detection", failovers.since_detected());
    lines.push_back(std::move(line));
    for (const Failover& failover : failovers.first()) lines.push_back(one(failover));
    if (failovers.count() > failovers.first().size()) {
      lines.push_back(fmt::format("  and {} more", failovers.count() - failovers.first().size()));
    }
  }
  std::string pulls;
  for (const core::SlowPull& pull : slowest.list()) {
    pulls += fmt::format("{}{} of task {} to {} \"{}\" in epoch {}", pulls.empty() ? "slowest pulls: " : "; ",
                         short_duration(pull.took), pull.from.value, pull.to.value, pull.method, pull.epoch.value);
  }
  if (!pulls.empty()) lines.push_back(std::move(pulls));
  return lines;
}

}  // namespace taskgraph::journal
