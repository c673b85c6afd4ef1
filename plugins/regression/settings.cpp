#include "plugins/regression/settings.hpp"

#include <algorithm>
#include <charconv>
#include <stdexcept>
#include <string_view>

namespace taskgraph::regression {
namespace {

constexpr std::string_view kHead = "{\"sums\":[";
constexpr std::string_view kTail = "]}";

std::size_t digits(std::uint64_t number) {
  std::size_t count = 1;
  for (; number >= 10; number /= 10) ++count;
  return count;
}

}  // namespace

Settings read_settings(const Job& job) {
  job.args.allow_only({"epochs", "pause_ms", "payload"});
  const std::int64_t epochs = job.args.integer("epochs", 10);
  const std::int64_t pause_ms = job.args.integer("pause_ms", 0);
  const std::string payload = job.args.text("payload", "scalar");

  if (epochs < 0)
    throw std::invalid_argument("argument \"epochs\" is " + std::to_string(epochs) + "; expected 0 or more");
  const Epoch fit = epochs_that_fit(job.task_count);
  if (static_cast<Epoch>(epochs) > fit) {
    throw std::invalid_argument("argument \"epochs\" is " + std::to_string(epochs) + "; the sums of " +
                                std::to_string(job.task_count) + " tasks fit into a job's result (256 KiB) up to " +
                                std::to_string(fit) + " epochs: ask for fewer");
  }
  if (pause_ms < 0 || pause_ms > kPauseMsMax) {
    throw std::invalid_argument("argument \"pause_ms\" is " + std::to_string(pause_ms) + "; expected 0 to " +
                                std::to_string(kPauseMsMax));
  }
  if (payload != "scalar" && payload != "wide") {
    throw std::invalid_argument("argument \"payload\" is \"" + payload + "\"; expected \"scalar\" or \"wide\"");
  }

  Settings settings{.task_count = job.task_count,
                    .epochs_last = static_cast<Epoch>(epochs),
                    .pause = std::chrono::milliseconds(pause_ms)};
  if (payload == "wide") {
    settings.parameter_width = 8;
    settings.gradient_width = 16 * settings.parameter_width;
  }
  return settings;
}

Values parameter_of(Epoch epoch, const Settings& settings) {
  return Values(settings.parameter_width, static_cast<double>(epoch));
}

Values gradient_of(TaskId task, const Values& parameter, const Settings& settings) {
  Values gradient(settings.gradient_width);
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    gradient[i] = static_cast<double>(task) * parameter[i % parameter.size()];
  }
  return gradient;
}

double agreed_value(const Values& sum) {
  if (std::any_of(sum.begin(), sum.end(), [&](double value) { return value != sum.front(); })) {
    throw std::runtime_error("the values of one sum differ: a part of it was lost or counted twice");
  }
  return sum.front();
}

std::string print_result(const std::vector<double>& sums) {
  std::string text(kHead);
  char digits_of_one[24];
  for (std::size_t i = 0; i < sums.size(); ++i) {
    if (i != 0) text += ',';
    const auto printed =
        std::to_chars(digits_of_one, digits_of_one + sizeof(digits_of_one), static_cast<std::uint64_t>(sums[i]));
    text.append(digits_of_one, printed.ptr);
  }
  return text.append(kTail);
}

Epoch epochs_that_fit(std::uint64_t task_count) {
  // At least two bytes for each epoch: the loop ends. 100,000 tasks stay far below 2^53.
  const std::uint64_t ids = task_count * (task_count - 1) / 2;
  std::size_t bytes = kHead.size() + kTail.size() + 1;
  for (Epoch epoch = 1;; ++epoch) {
    bytes += 1 + digits(ids * epoch);
    if (bytes > kResultBytesMax) return epoch - 1;
  }
}

}  // namespace taskgraph::regression
