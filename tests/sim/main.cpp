/// taskgraph-sim: seeds, mutants and stories of the simulator. `--help` says how.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/sim/cluster.hpp"
#include "tests/sim/mutants.hpp"
#include "tests/sim/story.hpp"

namespace taskgraph::sim {
namespace {

constexpr const char* kUsage =
    "usage: taskgraph-sim [--seeds A..B | --seed S [--trace]] [--trace-hash] [--mutants] [--mutant NAME]\n"
    "                     [--transcripts [FILE]...] [--counters]\n"
    "  --seeds A..B    seeds A to B; from 1,000 on, every kind of fault and branch must have happened.\n"
    "                  Without --trace-hash and --mutant the mutants and the stories come first\n"
    "  --seed S        one seed; --trace prints all that happens in it\n"
    "  --trace-hash    the last line is the hash of all that happened\n"
    "  --mutants       each deliberate defect of core and data plane must be found\n"
    "  --mutant NAME   one of them, in the seeds given (1..2000)\n"
    "  --transcripts   the stories, or those files\n"
    "  --counters      faults and branches, one a line\n"
    "A range of seeds, a mutant, a story and the check of the counters count as one test each.\n";

struct Options {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  bool one_seed = false;
  bool trace = false;
  bool trace_hash = false;
  bool mutants = false;
  bool transcripts = false;
  bool counters = false;
  std::string mutant;
  std::vector<std::string> files;
};

[[noreturn]] void usage_error(const std::string& what) {
  std::fprintf(stderr, "taskgraph-sim: %s\n%s", what.c_str(), kUsage);
  std::exit(64);
}

std::uint64_t number(std::string_view text) {
  std::uint64_t value = 0;
  if (text.empty() || text.size() > 15) usage_error("not a number: \"" + std::string(text) + "\"");
  for (const char c : text) {
    if (c < '0' || c > '9') usage_error("not a number: \"" + std::string(text) + "\"");
    value = value * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return value;
}

Options parse(const std::vector<std::string>& arguments) {
  Options options;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    const auto value = [&]() -> const std::string& {
      if (i + 1 == arguments.size()) usage_error(argument + " wants a value");
      return arguments[++i];
    };
    if (argument == "--seeds") {
      const std::string& range = value();
      const std::size_t dots = range.find("..");
      if (dots == std::string::npos) usage_error("--seeds wants A..B");
      options.first = number(std::string_view(range).substr(0, dots));
      options.last = number(std::string_view(range).substr(dots + 2));
      if (options.first > options.last) usage_error("--seeds wants A..B with A <= B");
    } else if (argument == "--seed") {
      options.first = options.last = number(value());
      options.one_seed = true;
    } else if (argument == "--trace") {
      options.trace = true;
    } else if (argument == "--trace-hash") {
      options.trace_hash = true;
    } else if (argument == "--mutants") {
      options.mutants = true;
    } else if (argument == "--mutant") {
      options.mutant = value();
    } else if (argument == "--transcripts") {
      options.transcripts = true;
      while (i + 1 < arguments.size() && arguments[i + 1][0] != '-') options.files.push_back(arguments[++i]);
    } else if (argument == "--counters") {
      options.counters = true;
    } else if (argument == "--help") {
      std::fputs(kUsage, stdout);
      std::exit(0);
    } else {
      usage_error("unknown option \"" + argument + "\"");
    }
  }
  return options;
}

std::uint64_t current_seed = 0;

/// An assert of the core ends the process: say which seed it was.
extern "C" void on_abort(int) {
  char line[96];
  const int size =
      std::snprintf(line, sizeof line, "FAILED: an assert; repeat it by: taskgraph-sim --seed %llu --trace\n",
                    static_cast<unsigned long long>(current_seed));
  std::fwrite(line, 1, static_cast<std::size_t>(size), stdout);
  std::fflush(stdout);
}

struct Totals {
  Counters counters;
  std::uint64_t seeds = 0;
  std::uint64_t hash = 0;
  double seconds = 0;
};

/// Nothing when the seed passed.
std::optional<Violation> run_seed(std::uint64_t seed, bool print, Totals& totals) {
  current_seed = seed;
  const Scenario scenario = make_scenario(seed);
  Cluster cluster(scenario, seed, print);
  std::optional<Violation> violation;
  try {
    cluster.run();
  } catch (const Violation& found) {
    violation = found;
  }
  totals.counters.add(cluster.counters());
  totals.hash = Random::mix(totals.hash ^ cluster.trace().hash());
  ++totals.seeds;
  return violation;
}

void print_counters(const Counters& counters) {
  for (std::size_t i = 0; i < kFaultKinds; ++i) {
    std::printf("  fault   %-36.*s %12llu\n", static_cast<int>(kFaultNames[i].size()), kFaultNames[i].data(),
                static_cast<unsigned long long>(counters.faults[i]));
  }
  for (std::size_t i = 0; i < kBranches; ++i) {
    std::printf("  branch  %-36.*s %12llu\n", static_cast<int>(kBranchNames[i].size()), kBranchNames[i].data(),
                static_cast<unsigned long long>(counters.branches[i]));
  }
}

/// Whether everything has happened at least once, and often enough on average.
bool check_counters(const Totals& totals) {
  bool good = true;
  const auto missing = [&](std::string_view what) {
    std::printf("FAILED: never happened: %.*s\n", static_cast<int>(what.size()), what.data());
    good = false;
  };
  for (std::size_t i = 0; i < kFaultKinds; ++i) {
    if (totals.counters.faults[i] == 0) missing(kFaultNames[i]);
  }
  for (std::size_t i = 0; i < kBranches; ++i) {
    if (totals.counters.branches[i] == 0) missing(kBranchNames[i]);
  }
  if (totals.counters.events < 1000 * totals.seeds) missing("1,000 events per seed on average");
  if (totals.counters.all_faults() < 5 * totals.seeds) missing("5 faults per seed on average");
  return good;
}

bool run_seeds(const Options& options, Totals& totals) {
  constexpr std::uint64_t kShownMax = 10;
  std::uint64_t failed = 0;
  const auto start = std::chrono::steady_clock::now();
  for (std::uint64_t seed = options.first; seed <= options.last; ++seed) {
    const auto violation = run_seed(seed, options.trace, totals);
    if (!violation.has_value()) continue;
    if (++failed <= kShownMax) {
      std::printf("FAILED: seed %llu: %s\n  repeat it by: taskgraph-sim --seed %llu --trace\n",
                  static_cast<unsigned long long>(seed), violation->what(), static_cast<unsigned long long>(seed));
    }
  }
  totals.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const auto seeds = static_cast<double>(totals.seeds);
  std::printf("seeds %llu..%llu: %llu violated; %.0f events and %.1f faults a seed; %.0f seeds/s\n",
              static_cast<unsigned long long>(options.first), static_cast<unsigned long long>(options.last),
              static_cast<unsigned long long>(failed), static_cast<double>(totals.counters.events) / seeds,
              static_cast<double>(totals.counters.all_faults()) / seeds, seeds / totals.seconds);
  return failed == 0;
}

/// Whether the seeds find it.
bool run_mutant(const NamedMutant& mutant, std::uint64_t first, std::uint64_t last) {
  const auto name = static_cast<int>(mutant.name.size());
  core::active_mutant = mutant.mutant;
  Totals totals;
  std::optional<Violation> found;
  std::uint64_t seed = first;
  for (; seed <= last && !found.has_value(); ++seed) found = run_seed(seed, false, totals);
  core::active_mutant = core::Mutant::none;
  if (found.has_value()) {
    std::printf("mutant %-26.*s caught by seed %llu: %s\n", name, mutant.name.data(),
                static_cast<unsigned long long>(seed - 1), found->what());
  } else {
    std::printf("FAILED: mutant %.*s is not caught by seeds %llu..%llu\n", name, mutant.name.data(),
                static_cast<unsigned long long>(first), static_cast<unsigned long long>(last));
  }
  return found.has_value();
}

struct Tally {
  int passed = 0;
  int failed = 0;
  void count(bool good) { ++(good ? passed : failed); }
};

void run_stories(const std::vector<std::string>& wanted, Tally& tally) {
  const std::vector<std::string> files = wanted.empty() ? find_stories(TASKGRAPH_STORIES_DIR) : wanted;
  if (files.empty()) {
    std::printf("FAILED: no stories in the source tree's tests/sim/stories\n");
    tally.count(false);
  }
  for (const std::string& file : files) {
    const StoryResult result = run_story(file);
    std::printf("%s: story \"%s\"%s%s\n", result.problem.empty() ? "passed" : "FAILED", result.title.c_str(),
                result.problem.empty() ? "" : ": ", result.problem.c_str());
    tally.count(result.problem.empty());
  }
}

int run(const Options& options) {
  constexpr std::uint64_t kMutantSeedsMax = 2000;
  constexpr std::uint64_t kCountersFrom = 1000;
  Tally tally;
  if (!options.mutant.empty()) {
    const NamedMutant* mutant = find_mutant(options.mutant);
    if (mutant == nullptr) usage_error("there is no mutant \"" + options.mutant + "\"; there are: " + mutant_names());
    if (options.one_seed && options.trace) {
      core::active_mutant = mutant->mutant;
      Totals totals;
      run_seeds(options, totals);
      return 0;
    }
    tally.count(
        run_mutant(*mutant, options.last == 0 ? 1 : options.first, options.last == 0 ? kMutantSeedsMax : options.last));
    std::printf("sim: %d passed, %d failed\n", tally.passed, tally.failed);
    return tally.failed == 0 ? 0 : 1;
  }
  const bool narrowed = options.mutants || options.transcripts || options.one_seed || options.trace_hash;
  const bool seeds = options.last != 0 || !narrowed;
  if (options.transcripts || !narrowed) run_stories(options.files, tally);
  if (options.mutants || !narrowed) {
    for (const NamedMutant& mutant : kMutants) tally.count(run_mutant(mutant, 1, kMutantSeedsMax));
  }
  Totals totals;
  if (seeds) {
    Options range = options;
    if (range.last == 0) {
      range.first = 1;
      range.last = kCountersFrom;
    }
    tally.count(run_seeds(range, totals));
    if (totals.seeds >= kCountersFrom) tally.count(check_counters(totals));
    if (options.counters) print_counters(totals.counters);
  }
  std::printf("sim: %d passed, %d failed\n", tally.passed, tally.failed);
  if (options.trace_hash) std::printf("%016llx\n", static_cast<unsigned long long>(totals.hash));
  return tally.failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace taskgraph::sim

int main(int argc, char** argv) {
  std::signal(SIGABRT, taskgraph::sim::on_abort);
  return taskgraph::sim::run(taskgraph::sim::parse({argv + 1, argv + argc}));
}
