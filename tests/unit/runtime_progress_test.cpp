#include "host/runtime/progress.hpp"

#include "tests/support/catch.hpp"

using Catch::Matchers::Contains;

namespace taskgraph::runtime {
namespace {

constexpr core::Time kStart{5'000'000'000'000};

core::Time after_ms(std::int64_t ms) {
  return kStart + core::milliseconds(ms);
}

ProgressFacts facts(std::uint64_t epoch, std::uint64_t pulls = 0, std::optional<core::Epoch> last = std::nullopt) {
  return {core::Epoch{epoch}, last, 15, 15, pulls, 0};
}

TEST_CASE("progress line: all parts, or as many as fit") {
  const ProgressFacts all{core::Epoch{12}, core::Epoch{100}, 14, 15, 0, 2};
  const std::string line = format_progress(all, 12'345, core::seconds(80), 200);
  CHECK(line == "epoch 12 of 100 | 14 of 15 tasks up | 12.3 k pulls/s | 2 failures | about 1 min 20 s left");
  CHECK(format_progress(all, 12'345, core::seconds(80), line.size()) == line);
  CHECK(format_progress(all, 12'345, core::seconds(80), line.size() - 1) ==
        "epoch 12 of 100 | 14 of 15 tasks up | 12.3 k pulls/s | 2 failures");
  for (std::size_t columns = 0; columns < 200; ++columns) {
    const std::string shown = format_progress(all, 12'345, core::seconds(80), columns);
    CHECK(shown.size() <= columns);
    CHECK(line.starts_with(shown));
  }
  CHECK(format_progress(facts(0), 0, std::nullopt, 200) == "epoch 0 | 15 of 15 tasks up | 0 pulls/s");
  CHECK_THAT(format_progress({{}, {}, 1, 1, 0, 1}, 0, std::nullopt, 200), Contains("| 1 failure"));
  constexpr std::uint64_t kMost = UINT64_MAX;
  const ProgressFacts huge{core::Epoch{kMost}, core::Epoch{kMost}, UINT32_MAX, UINT32_MAX, kMost, kMost};
  CHECK(format_progress(huge, 1e300, core::Duration{INT64_MAX}, 10'000).size() <= kProgressColumnsMax);
}

TEST_CASE("durations and counts for people") {
  CHECK(format_duration(core::Duration{-5}) == "0 s");
  CHECK(format_duration(core::milliseconds(59'999)) == "59 s");
  CHECK(format_duration(core::seconds(60)) == "1 min");
  CHECK(format_duration(core::seconds(3'599)) == "59 min 59 s");
  CHECK(format_duration(core::seconds(7'500)) == "2 h 5 min");
  CHECK(format_duration(core::seconds(90'000)) == "1 d 1 h");
  CHECK(format_count(0) == "0");
  CHECK(format_count(999) == "999");
  CHECK(format_count(999.7) == "1.00 k");
  CHECK(format_count(1'234) == "1.23 k");
  CHECK(format_count(99'960) == "100 k");
  CHECK(format_count(999'600) == "1.00 M");
  CHECK(format_count(45'600'000) == "45.6 M");
  CHECK(format_count(7.89e9) == "7.89 G");
  CHECK(format_count(-1) == "0");
}

TEST_CASE("progress: nothing within the first second") {
  for (const Progress::Style style : {Progress::Style::terminal, Progress::Style::plain}) {
    Progress progress(style, kStart);
    for (std::int64_t ms = 0; ms < 1'000; ms += 50)
      CHECK_FALSE(progress.tick(facts(static_cast<std::uint64_t>(ms)), after_ms(ms), 80));
    CHECK(progress.tick(facts(7), after_ms(1'000), 80));
  }
  Progress none(Progress::Style::none, kStart);
  CHECK_FALSE(none.tick(facts(1), after_ms(60'000), 80));
}

TEST_CASE("progress: on a terminal at most five times a second, also when nothing changes") {
  Progress progress(Progress::Style::terminal, kStart);
  int shown = 0;
  for (std::int64_t ms = 0; ms < 11'000; ms += 10) shown += progress.tick(facts(1), after_ms(ms), 80) ? 1 : 0;
  CHECK(shown == 50);
}

TEST_CASE("progress: elsewhere a line at most every 10 s, and only when something changed") {
  Progress progress(Progress::Style::plain, kStart);
  std::vector<std::int64_t> shown;
  for (std::int64_t ms = 0; ms <= 60'000; ms += 500) {
    const std::uint64_t epoch = ms < 30'000 ? static_cast<std::uint64_t>(ms) : 30'000;
    if (progress.tick(facts(epoch), after_ms(ms), 80)) shown.push_back(ms);
  }
  CHECK(shown == std::vector<std::int64_t>{1'000, 11'000, 21'000, 31'000});
  CHECK(progress.tick(facts(30'001), after_ms(60'500), 80));
}

TEST_CASE("progress: the terminal's last column stays free; a plain line is not clipped to it") {
  Progress terminal(Progress::Style::terminal, kStart);
  CHECK(terminal.tick(facts(123), after_ms(1'000), 10) == "epoch 123");
  Progress narrow(Progress::Style::terminal, kStart);
  CHECK(narrow.tick(facts(123), after_ms(1'000), 0) == "");
  Progress plain(Progress::Style::plain, kStart);
  CHECK(plain.tick(facts(123), after_ms(1'000), 10)->size() > 30);
}

TEST_CASE("progress: the rate is that of the last one to two seconds") {
  Progress progress(Progress::Style::terminal, kStart);
  std::string line;
  for (std::int64_t ms = 0; ms <= 5'000; ms += 100) {
    if (auto shown = progress.tick(facts(1, static_cast<std::uint64_t>(ms)), after_ms(ms), 80)) line = *shown;
  }
  CHECK_THAT(line, Contains(" 1.00 k pulls/s"));
  for (std::int64_t ms = 5'100; ms <= 8'000; ms += 100) {  // no pulls any more
    if (auto shown = progress.tick(facts(1, 5'000), after_ms(ms), 80)) line = *shown;
  }
  CHECK_THAT(line, Contains(" 0 pulls/s"));
}

TEST_CASE("progress: no division by zero and no step back when time stands still or counters fall") {
  Progress progress(Progress::Style::terminal, kStart);
  CHECK_THAT(*progress.tick(facts(0, 50, core::Epoch{0}), after_ms(1'000), 200), Contains("pulls/s"));
  CHECK_FALSE(progress.tick(facts(0, 50), after_ms(1'000), 200));
  CHECK_THAT(*progress.tick(facts(0, 10), after_ms(1'900), 200), Contains("pulls/s"));
  CHECK_THAT(*progress.tick(facts(0, 0), after_ms(4'000), 200), Contains(" 0 pulls/s"));
}

TEST_CASE("progress: the time left follows from the epochs that passed") {
  const auto line = [](std::uint64_t epoch, std::optional<core::Epoch> last, core::Epoch first = {}) {
    Progress progress(Progress::Style::terminal, kStart, first);
    return *progress.tick(facts(epoch, 0, last), after_ms(10'000), 200);
  };
  CHECK_THAT(line(10, core::Epoch{99}), Contains("about 1 min 30 s left"));  // 90 epochs of 1 s
  CHECK_THAT(line(99, core::Epoch{99}), Contains("about 0 s left"));
  CHECK_THAT(line(15, core::Epoch{19}, core::Epoch{5}), Contains("about 5 s left"));
  CHECK_THAT(line(1, core::Epoch{UINT64_MAX}), Contains("about 999 d left"));
  CHECK_THAT(line(10, std::nullopt), !Contains("left"));
  CHECK_THAT(line(0, core::Epoch{10}), !Contains("left"));
  CHECK_THAT(line(11, core::Epoch{10}), !Contains("left"));
}

}  // namespace
}  // namespace taskgraph::runtime
