#include "host/config/quantities.hpp"

#include "tests/support/catch.hpp"

namespace taskgraph::config {
namespace {

std::int64_t ns(std::string_view text) {
  const auto duration = parse_duration(text);
  return duration ? duration->ns : -1;
}

TEST_CASE("durations are exact or none", "[config]") {
  CHECK(ns("100ms") == 100'000'000);
  CHECK(ns("1.5s") == 1'500'000'000);
  CHECK(ns("2m") == 120'000'000'000);
  CHECK(ns("0.5h") == 1'800'000'000'000);
  CHECK(ns("7us") == 7'000);
  CHECK(ns("0ns") == 0);
  CHECK(ns("1.000000001s") == 1'000'000'001);
  CHECK(ns("1.500000000000s") == 1'500'000'000);
  CHECK(ns("9223372036s") == 9'223'372'036'000'000'000);
  for (const char* bad : {"",
                          "s",
                          "1",
                          "1.s",
                          ".5s",
                          "1..5s",
                          "1.5.5s",
                          "-1s",
                          "+1s",
                          " 1s",
                          "1 s",
                          "1S",
                          "1sec",
                          "1d",
                          "1e3s",
                          "0.5ns",
                          "1.0000000001s",
                          "9223372037s",
                          "99999999999999999999s",
                          "3000000h"}) {
    CAPTURE(bad);
    CHECK(ns(bad) == -1);
  }
}

TEST_CASE("durations are shown in their shortest form", "[config]") {
  CHECK(to_text(core::Duration{0}) == "0s");
  CHECK(to_text(core::milliseconds(100)) == "100ms");
  CHECK(to_text(core::milliseconds(1'500)) == "1.5s");
  CHECK(to_text(core::seconds(60)) == "1m");
  CHECK(to_text(core::seconds(90)) == "90s");
  CHECK(to_text(core::seconds(7'200)) == "2h");
  CHECK(to_text(core::Duration{1'250'000}) == "1.25ms");
  CHECK(to_text(core::Duration{1'000'000'001}) == "1000000001ns");
  for (const std::int64_t value :
       {1LL, 999LL, 1'000LL, 1'001LL, 59'999'000'000LL, 61'000'000'000LL, 12'345'678'901LL}) {
    CHECK(ns(to_text(core::Duration{value})) == value);
  }
}

TEST_CASE("sizes are integers of binary units", "[config]") {
  CHECK(parse_size("64KiB") == 65'536U);
  CHECK(parse_size("1GiB") == 1'073'741'824U);
  CHECK(parse_size("3B") == 3U);
  CHECK(parse_size("8589934591GiB") == 8'589'934'591U * 1'073'741'824U);
  for (const char* bad : {"", "64", "64KB", "64kib", "1.5KiB", "-1B", "KiB", "8589934592GiB", "1 KiB"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_size(bad));
  }
  CHECK(size_to_text(65'536) == "64KiB");
  CHECK(size_to_text(1'000) == "1000");
  CHECK(size_to_text(0) == "0");
  CHECK(size_to_text(std::uint64_t{3} << 30) == "3GiB");
}

}  // namespace
}  // namespace taskgraph::config
