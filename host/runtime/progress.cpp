#include "host/runtime/progress.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cinttypes>
#include <cstdio>
#include <vector>

#include "host/runtime/log.hpp"

namespace taskgraph::runtime {
namespace {

constexpr double kNsPerSecond = 1e9;
/// Further than that nobody plans.
constexpr std::int64_t kLeftSecondsMax = std::int64_t{999} * 24 * 3600;

std::string two_units(std::int64_t large, const char* large_unit, std::int64_t small, const char* small_unit) {
  std::string text = std::to_string(large) + " " + large_unit;
  if (small != 0) text += " " + std::to_string(small) + " " + small_unit;
  return text;
}

}  // namespace

std::string format_duration(core::Duration duration) {
  const std::int64_t seconds = std::max<std::int64_t>(duration.ns, 0) / 1'000'000'000;
  if (seconds < 60) return std::to_string(seconds) + " s";
  if (seconds < 3'600) return two_units(seconds / 60, "min", seconds % 60, "s");
  if (seconds < 86'400) return two_units(seconds / 3'600, "h", seconds % 3'600 / 60, "min");
  return two_units(seconds / 86'400, "d", seconds % 86'400 / 3'600, "h");
}

std::string format_count(double count) {
  constexpr std::array<const char*, 4> kUnits{"", " k", " M", " G"};
  std::size_t unit = 0;
  while (count >= 999.5 && unit + 1 < kUnits.size()) {
    count /= 1'000;
    ++unit;
  }
  const int decimals = unit == 0 || count >= 99.95 ? 0 : (count >= 9.995 ? 1 : 2);
  std::array<char, 64> text{};
  const int size =
      std::snprintf(text.data(), text.size(), "%.*f%s", decimals, std::clamp(count, 0.0, 1e15), kUnits[unit]);
  return {text.data(), static_cast<std::size_t>(std::max(size, 0))};
}

std::string format_progress(const ProgressFacts& facts, double pulls_per_second, std::optional<core::Duration> left,
                            std::size_t columns) {
  std::vector<std::string> parts;
  parts.push_back("epoch " + std::to_string(facts.epoch.value));
  if (facts.last_epoch) parts.back() += " of " + std::to_string(facts.last_epoch->value);
  parts.push_back(std::to_string(facts.tasks_up) + " of " + std::to_string(facts.tasks) + " tasks up");
  parts.push_back(format_count(pulls_per_second) + " pulls/s");
  if (facts.failures != 0)
    parts.push_back(std::to_string(facts.failures) + (facts.failures == 1 ? " failure" : " failures"));
  if (left) parts.push_back("about " + format_duration(*left) + " left");

  constexpr std::string_view kBetween = " | ";
  const std::size_t width = std::min(columns, kProgressColumnsMax);
  std::string line = parts.front().substr(0, width);
  for (std::size_t i = 1; i < parts.size(); ++i) {
    if (line.size() + kBetween.size() + parts[i].size() > width) break;
    line.append(kBetween).append(parts[i]);
  }
  return line;
}

std::optional<std::string> Progress::tick(const ProgressFacts& facts, core::Time now, std::size_t columns) {
  if (style_ == Style::none) return std::nullopt;
  const double pulls_per_second = rate(facts.pulls, now);
  if (now - start_ < kProgressFirst) return std::nullopt;
  const core::Duration pause = style_ == Style::terminal ? kProgressRedraw : kProgressPlainLine;
  if (shown_at_ && now - *shown_at_ < pause) return std::nullopt;
  if (shown_at_ && style_ == Style::plain && facts == shown_) return std::nullopt;
  shown_at_ = now;
  shown_ = facts;
  // A character in the last column would move some terminals to the next line.
  const std::size_t width = style_ == Style::terminal ? std::max<std::size_t>(columns, 1) - 1 : kProgressColumnsMax;
  return format_progress(facts, pulls_per_second, time_left(facts, now), width);
}

double Progress::rate(std::uint64_t pulls, core::Time now) {
  if (now - newer_.at >= core::seconds(1)) {
    older_ = newer_;
    newer_ = {now, pulls};
  }
  const std::int64_t ns = (now - older_.at).ns;
  if (ns <= 0 || pulls < older_.pulls) return 0;
  return static_cast<double>(pulls - older_.pulls) * kNsPerSecond / static_cast<double>(ns);
}

std::optional<core::Duration> Progress::time_left(const ProgressFacts& facts, core::Time now) const {
  if (!facts.last_epoch || facts.epoch <= first_ || *facts.last_epoch < facts.epoch) return std::nullopt;
  const auto passed = static_cast<double>(facts.epoch.value - first_.value);
  // The last epoch takes its time, too.
  const double to_come = static_cast<double>(facts.last_epoch->value - facts.epoch.value) + 1;
  const double seconds = static_cast<double>((now - start_).ns) / kNsPerSecond / passed * to_come;
  return core::seconds(static_cast<std::int64_t>(std::min(seconds, static_cast<double>(kLeftSecondsMax))));
}

Progress::Style progress_style() {
  return is_terminal(stderr) ? Progress::Style::terminal : Progress::Style::plain;
}

std::size_t terminal_columns() {
  constexpr std::size_t kDefault = 80;
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kDefault;
  return size.ws_col;
}

void show_progress(const Progress& progress, const std::string& line) {
  if (progress.style() == Progress::Style::terminal) {
    show_status_line(line);
  } else {
    log(LogLevel::info, line);
  }
}

void end_progress(const Progress& progress) {
  if (progress.style() == Progress::Style::terminal) show_status_line({});
}

}  // namespace taskgraph::runtime
