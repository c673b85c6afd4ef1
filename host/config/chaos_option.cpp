#include "host/config/chaos_option.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "host/config/words.hpp"

namespace taskgraph::config {
namespace {

constexpr std::size_t kRateDigitsMax = 18;
constexpr std::array<std::string_view, 4> kSpecKeys{"seed", "rate", "max", "workers"};

Failure wrong_spec(const std::string& what) {
  return {ExitCode::usage, "--chaos: " + what +
                               "\nexpected seed=N,rate=R,max=M,workers=W (max and workers may be left out), or a JSON "
                               "file"};
}

template <typename Number>
std::optional<Number> whole_number(std::string_view text) {
  Number number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

Failure wrong_share(std::string_view key, std::string_view value) {
  return wrong_spec(std::string(key) + " " + quote(value) +
                    ": expected a number from 0 to 1 such as 0.05, with at most " + std::to_string(kRateDigitsMax) +
                    " digits behind the point");
}

/// "0.05" and the like as a fraction of whole numbers, so that nothing is rounded.
std::optional<core::FaultRate> decimal_share(std::string_view text) {
  const std::size_t point = std::min(text.find('.'), text.size());
  const std::string_view whole = text.substr(0, point);
  const std::string_view digits = point == text.size() ? std::string_view() : text.substr(point + 1);
  if (whole != "0" && whole != "1" && !(whole.empty() && !digits.empty())) return std::nullopt;
  if (point + 1 == text.size() || digits.size() > kRateDigitsMax) return std::nullopt;
  std::uint64_t numerator = whole == "1" ? 1 : 0;
  std::uint64_t denominator = 1;
  for (const char digit : digits) {
    if (digit < '0' || digit > '9') return std::nullopt;
    numerator = numerator * 10 + static_cast<std::uint64_t>(digit - '0');
    denominator *= 10;
  }
  if (numerator > denominator) return std::nullopt;
  return core::fault_rate(numerator, denominator);
}

std::string position(std::string_view file, const ChaosTaskPlace& place) {
  return std::string(file) + ":" + std::to_string(place.line) + ":" + std::to_string(place.column) + ": ";
}

}  // namespace

Result<ChaosOption> parse_chaos_spec(std::string_view spec) {
  std::optional<std::uint64_t> seed;
  std::optional<core::FaultRate> rate;
  std::optional<core::FaultRate> workers;
  std::optional<std::uint32_t> faults_max;
  std::array<bool, kSpecKeys.size()> seen{};
  for (std::size_t at = 0; at <= spec.size();) {
    const std::size_t end = std::min(spec.find(',', at), spec.size());
    const std::string_view part = spec.substr(at, end - at);
    at = end + 1;
    const std::size_t equals = std::min(part.find('='), part.size());
    const std::string_view key = part.substr(0, equals);
    const std::string_view value = equals == part.size() ? std::string_view() : part.substr(equals + 1);
    const auto known = std::find(kSpecKeys.begin(), kSpecKeys.end(), key);
    if (known == kSpecKeys.end()) {
      return wrong_spec("unknown key " + quote(key) + did_you_mean(key, kSpecKeys));
    }
    bool& again = seen[static_cast<std::size_t>(known - kSpecKeys.begin())];
    if (again) return wrong_spec(std::string(key) + " is given twice");
    again = true;
    if (key == "seed") {
      seed = whole_number<std::uint64_t>(value);
      if (!seed) return wrong_spec("seed " + quote(value) + ": expected a whole number from 0 to 2^64 - 1");
    } else if (key == "rate") {
      rate = decimal_share(value);
      if (!rate) return wrong_share(key, value);
    } else if (key == "workers") {
      workers = decimal_share(value);
      if (!workers) return wrong_share(key, value);
    } else {
      faults_max = whole_number<std::uint32_t>(value);
      if (!faults_max) return wrong_spec("max " + quote(value) + ": expected a whole number from 0 to 2^32 - 1");
    }
  }
  if (!seed) return wrong_spec("seed=N is missing");
  if (!rate) return wrong_spec("rate=R is missing");
  return ChaosOption{core::ChaosPlan::seeded(*seed, *rate, faults_max.value_or(core::kSeededFaultsDefault),
                                             workers.value_or(core::FaultRate{})),
                     {},
                     std::string(spec),
                     {}};
}

Result<ChaosOption> read_chaos(std::string_view value) {
  if (value.substr(0, value.find('/')).find('=') != std::string_view::npos) return parse_chaos_spec(value);
  const std::filesystem::path file(value);
  std::error_code error;
  const bool regular = std::filesystem::is_regular_file(file, error);
  std::ifstream stream(file, std::ios::binary);
  if (!regular || !stream) {
    const std::string why = error ? error.message() : (regular ? "cannot be read" : "is no regular file");
    return Failure{ExitCode::file_missing, "--chaos " + quote(value) + ": " + why};
  }
  std::string text(kChaosFileBytesMax + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (stream.bad()) return Failure{ExitCode::file_missing, "--chaos " + quote(value) + ": reading it failed"};
  text.resize(static_cast<std::size_t>(stream.gcount()));
  return parse_chaos_file(value, text);
}

Result<ChaosOption> parse_chaos_text(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  const bool is_list = first != std::string_view::npos && text[first] == '[';
  return is_list ? parse_chaos_file("--chaos", text) : parse_chaos_spec(text);
}

std::optional<Failure> check_chaos_needs_no_workers(const ChaosOption& chaos) {
  if (!chaos.plan.hits_workers()) return std::nullopt;
  constexpr const char* kCure = " needs worker processes; leave --local away";
  for (const ChaosTaskPlace& place : chaos.places) {
    if (place.of_worker) return Failure{ExitCode::usage, position(chaos.file, place) + "\"worker of\"" + kCure};
  }
  return Failure{ExitCode::usage, std::string("--chaos: workers=") + kCure};
}

std::optional<Failure> check_chaos_tasks(const ChaosOption& chaos, std::uint32_t task_count) {
  constexpr std::size_t kErrorsShownMax = 10;
  std::string text;
  std::size_t errors = 0;
  for (const ChaosTaskPlace& place : chaos.places) {
    if (place.task.value < task_count) continue;
    if (++errors > kErrorsShownMax) continue;
    text += (text.empty() ? "" : "\n") + position(chaos.file, place) + "there is no task " +
            std::to_string(place.task.value) + "; the topology has tasks 0 to " + std::to_string(task_count - 1);
  }
  if (errors == 0) return std::nullopt;
  if (errors > kErrorsShownMax) text += "\n... and " + std::to_string(errors - kErrorsShownMax) + " more";
  return Failure{ExitCode::topology_invalid, text};
}

}  // namespace taskgraph::config
