#include "host/config/topology_policies.hpp"

#include <fmt/format.h>

#include <array>

#include "host/config/quantities.hpp"

namespace taskgraph::config {
namespace {

using core::milliseconds;
using core::seconds;

constexpr core::Duration kHour = seconds(3'600);
constexpr core::Duration kDay = seconds(86'400);
constexpr std::uint64_t kKiB = 1'024;
constexpr std::uint64_t kGiB = kKiB * kKiB * kKiB;
constexpr std::uint32_t kCountMax = 1'000'000;

/// One member of a section: the struct's field, whose initial value is the default, and its range.
template <typename Struct>
struct DurationField {
  std::string_view name;
  core::Duration Struct::*field;
  core::Duration min;
  core::Duration max;
};
template <typename Struct, typename Number>
struct NumberField {
  std::string_view name;
  Number Struct::*field;
  std::uint64_t min;
  std::uint64_t max;
};

template <typename Struct, std::size_t N>
void read_durations(Section& section, Struct& out, const std::array<DurationField<Struct>, N>& fields) {
  for (const auto& f : fields) {
    out.*f.field = section.duration(f.name, f.min, f.max, out.*f.field).value_or(out.*f.field);
  }
}
template <typename Struct, std::size_t N>
void read_counts(Section& section, Struct& out, const std::array<NumberField<Struct, std::uint32_t>, N>& fields) {
  for (const auto& f : fields) {
    const auto value = section.number(f.name, f.min, f.max, out.*f.field);
    if (value) out.*f.field = static_cast<std::uint32_t>(*value);
  }
}

/// Two durations that depend on each other.
void check_order(Section& section, std::string_view smaller, core::Duration small, std::int64_t times,
                 std::string_view larger, core::Duration large) {
  if (small * times <= large) return;
  const std::string factor = times == 1 ? "" : fmt::format(" {} times", times);
  section.reading().out.error(
      section.offset_of(larger), section.pointer_to_member(larger),
      fmt::format("{} is less than{} {} ({})", to_text(large), factor, smaller, to_text(small)));
}

constexpr std::array<DurationField<core::FailureLimits>, 6> kFailure{{
    {"heartbeat", &core::FailureLimits::heartbeat, milliseconds(10), seconds(60)},
    {"suspect", &core::FailureLimits::suspect, milliseconds(20), seconds(600)},
    {"lease", &core::FailureLimits::lease, milliseconds(100), seconds(600)},
    {"stall", &core::FailureLimits::stall, milliseconds(50), seconds(600)},
    {"rejoin_window", &core::FailureLimits::rejoin_window, milliseconds(0), seconds(600)},
    {"drain", &core::FailureLimits::drain, milliseconds(0), seconds(10)},
}};
constexpr std::array<DurationField<core::RestartLimits>, 3> kRestart{{
    {"window", &core::RestartLimits::window, milliseconds(100), kDay},
    {"backoff", &core::RestartLimits::backoff, milliseconds(0), kHour},
    {"backoff_max", &core::RestartLimits::backoff_max, milliseconds(0), kHour},
}};
constexpr std::array<NumberField<core::Limits, std::uint32_t>, 5> kLimitCounts{{
    {"pulls_open", &core::Limits::pulls_open, 1, kCountMax},
    {"serves_open", &core::Limits::serves_open, 1, kCountMax},
    {"flags_per_epoch", &core::Limits::flags_per_epoch, 1, kCountMax},
    {"channel_frames", &core::Limits::channel_frames, 16, kCountMax},
    {"timers_open", &core::Limits::timers_open, 1, kCountMax},
}};
constexpr std::array<NumberField<core::Limits, std::uint64_t>, 2> kLimitSizes{{
    {"message_bytes", &core::Limits::message_bytes, kKiB, 16 * kGiB},
    {"channel_bytes", &core::Limits::channel_bytes, kKiB, 64 * kGiB},
}};
constexpr std::array<DurationField<core::Limits>, 2> kLimitDurations{{
    {"pull_deadline", &core::Limits::pull_deadline, milliseconds(1), kDay},
    {"hook", &core::Limits::hook, milliseconds(10), kDay},
}};
constexpr std::uint64_t kFlagBytesMax = 64 * kKiB;
constexpr core::Duration kStartTimeout = seconds(60);

}  // namespace

core::FailureLimits read_failure(TopologyReading& reading, std::optional<JsonValue> value) {
  Section section(reading, value, "/failure");
  core::FailureLimits out;
  read_durations(section, out, kFailure);
  check_order(section, "heartbeat", out.heartbeat, 2, "suspect", out.suspect);
  check_order(section, "suspect", out.suspect, 1, "lease", out.lease);
  section.finish();
  return out;
}

core::RestartLimits read_restart(TopologyReading& reading, std::optional<JsonValue> value) {
  Section section(reading, value, "/restart");
  core::RestartLimits out;
  out.max = static_cast<std::uint32_t>(section.number("max", 0, kCountMax, out.max).value_or(out.max));
  read_durations(section, out, kRestart);
  check_order(section, "backoff", out.backoff, 1, "backoff_max", out.backoff_max);
  section.finish();
  return out;
}

core::Limits read_limits(TopologyReading& reading, std::optional<JsonValue> value) {
  Section section(reading, value, "/limits");
  core::Limits out;
  read_counts(section, out, kLimitCounts);
  out.flag_bytes = static_cast<std::uint32_t>(section.size("flag_bytes", 0, kFlagBytesMax, out.flag_bytes).value_or(0));
  for (const auto& f : kLimitSizes) {
    out.*f.field = section.size(f.name, f.min, f.max, out.*f.field).value_or(out.*f.field);
  }
  read_durations(section, out, kLimitDurations);
  if (out.channel_bytes < out.message_bytes) {
    reading.out.error(section.offset_of("channel_bytes"), section.pointer_to_member("channel_bytes"),
                      size_to_text(out.channel_bytes) + " is less than message_bytes (" +
                          size_to_text(out.message_bytes) + "): the largest message could never be sent");
  }
  section.finish();
  return out;
}

core::Duration read_placement(TopologyReading& reading, std::optional<JsonValue> value) {
  Section section(reading, value, "/placement");
  section.number("hosts_min", 1, 1, 1, " in this version, which runs a job on one host");
  const auto timeout = section.duration("start_timeout", seconds(1), kDay, kStartTimeout);
  section.finish();
  return timeout.value_or(kStartTimeout);
}

void read_coordinator(TopologyReading& reading, std::optional<JsonValue> value) {
  constexpr std::array<std::string_view, 1> kKinds{"embedded"};
  Section section(reading, value, "/coordinator");
  const auto kind = section.member("kind");
  const bool is_later = kind && kind->is(JsonKind::text) && (kind->text() == "consul" || kind->text() == "etcd");
  if (is_later) {
    section.error(*kind, "kind", "coordinator " + shown(*kind) + " is not in this version (kinds: embedded)");
    return;
  }
  section.word("kind", "kind", kKinds, 0);
  section.finish();
}

}  // namespace taskgraph::config
