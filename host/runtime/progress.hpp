/// The progress of a job for the people who watch it: a line redrawn in place on a terminal, a plain line now and then
/// elsewhere, nothing for a job that ends within a second.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "host/core/ids.hpp"

namespace taskgraph::runtime {

inline constexpr core::Duration kProgressFirst = core::seconds(1);          ///< nothing is shown before
inline constexpr core::Duration kProgressRedraw = core::milliseconds(200);  ///< on a terminal, at most so often
inline constexpr core::Duration kProgressPlainLine = core::seconds(10);     ///< elsewhere
inline constexpr std::size_t kProgressColumnsMax = 400;

/// How a job stands. Counters count from its start.
struct ProgressFacts {
  core::Epoch epoch;
  std::optional<core::Epoch> last_epoch;  ///< when it is known in advance
  std::uint32_t tasks_up = 0;
  std::uint32_t tasks = 0;
  std::uint64_t pulls = 0;
  std::uint64_t failures = 0;  ///< of replicas, backups and injected ones included
  friend bool operator==(const ProgressFacts&, const ProgressFacts&) = default;
};

/// One line of at most `columns` ASCII characters; parts at the end are left out before one is cut.
std::string format_progress(const ProgressFacts& facts, double pulls_per_second, std::optional<core::Duration> left,
                            std::size_t columns);

/// `12 s`, `3 min 20 s`, `2 h 5 min`, `4 d 3 h`.
std::string format_duration(core::Duration duration);

/// `950`, `12.3 k`, `4.56 M`, `7.89 G`.
std::string format_count(double count);

/// Decides when which line is shown. Owned and called by one thread; time comes in.
class Progress {
 public:
  enum class Style { terminal, plain, none };

  /// `start`: when the job began, at epoch `first`.
  Progress(Style style, core::Time start, core::Epoch first = {}) : style_(style), start_(start), first_(first) {
    older_.at = newer_.at = start;
  }

  /// Called a few times a second. The line to show now (in place, or as a line of the log), else nothing.
  std::optional<std::string> tick(const ProgressFacts& facts, core::Time now, std::size_t columns);

  Style style() const { return style_; }

 private:
  struct Sample {
    core::Time at;
    std::uint64_t pulls = 0;
  };

  double rate(std::uint64_t pulls, core::Time now);
  std::optional<core::Duration> time_left(const ProgressFacts& facts, core::Time now) const;

  const Style style_;
  const core::Time start_;
  const core::Epoch first_;
  std::optional<core::Time> shown_at_;
  ProgressFacts shown_;
  Sample older_;  ///< one to two seconds back: the rate counts from here
  Sample newer_;
};

/// What `stderr` allows.
Progress::Style progress_style();
/// Columns of the terminal behind stderr; 80 where that cannot be known.
std::size_t terminal_columns();

/// Performs a tick's line: a status line on a terminal, a log line elsewhere.
void show_progress(const Progress& progress, const std::string& line);
/// Removes the status line, if there is one; at the end of the job.
void end_progress(const Progress& progress);

}  // namespace taskgraph::runtime
