#include "tests/sim/story.hpp"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>
#include <stdexcept>

#include "tests/sim/cluster.hpp"

namespace taskgraph::sim {
namespace {

using namespace core;

struct Step {
  std::size_t line = 0;
  std::string command;
  std::vector<std::string> expected;
};

struct Story {
  std::string title;
  std::uint32_t tasks = 2;
  std::string shape = "ring";
  std::uint32_t hosts = 2;
  std::uint32_t backups = 0;
  std::vector<Step> steps;
};

std::string trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(" \t") - first + 1));
}

/// Cuts at `separator` outside of quotes.
std::vector<std::string> split(std::string_view text, std::string_view separator) {
  std::vector<std::string> parts;
  bool quoted = false;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') quoted = !quoted;
    if (quoted || text.substr(i, separator.size()) != separator) continue;
    parts.push_back(trimmed(text.substr(begin, i - begin)));
    begin = i + separator.size();
    i = begin - 1;
  }
  parts.push_back(trimmed(text.substr(begin)));
  return parts;
}

/// Words, and "quoted words" without their quotes.
std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> found;
  for (const std::string& part : split(text, " ")) {
    if (part.empty()) continue;
    const bool quoted = part.size() >= 2 && part.front() == '"' && part.back() == '"';
    found.push_back(quoted ? part.substr(1, part.size() - 2) : part);
  }
  return found;
}

[[noreturn]] void bad(std::size_t line, const std::string& what) {
  throw std::runtime_error("line " + std::to_string(line) + ": " + what);
}

std::uint32_t number(std::size_t line, const std::string& text) {
  if (text.empty() || text.size() > 6 || text.find_first_not_of("0123456789") != std::string::npos) {
    bad(line, "\"" + text + "\" is no number");
  }
  return static_cast<std::uint32_t>(std::stoul(text));
}

bool header(Story& story, std::size_t line, const std::vector<std::string>& w) {
  if (w[0] == "tasks" && w.size() == 3) {
    story.tasks = number(line, w[1]);
    story.shape = w[2];
  } else if (w[0] == "hosts" && w.size() == 2) {
    story.hosts = number(line, w[1]);
  } else if (w[0] == "backups" && w.size() == 2) {
    story.backups = number(line, w[1]);
  } else {
    return false;
  }
  return true;
}

Story parse(const std::string& file) {
  std::ifstream in(file);
  if (!in) throw std::runtime_error("cannot be read");
  Story story;
  std::string text;
  for (std::size_t line = 1; std::getline(in, text); ++line) {
    if (story.title.empty() && text.rfind("# ", 0) == 0) {
      story.title = trimmed(text.substr(2));
      continue;
    }
    text = split(text, "#").front();
    if (text.empty()) continue;
    const std::vector<std::string> halves = split(text, "->");
    if (halves.size() > 2) bad(line, "more than one ->");
    if (!halves[0].empty()) {
      if (story.steps.empty() && halves.size() == 1 && header(story, line, words(halves[0]))) continue;
      story.steps.push_back({line, halves[0], {}});
    }
    if (story.steps.empty()) bad(line, "no command before ->");
    if (halves.size() == 1) continue;
    for (const std::string& what : split(halves[1], ";")) {
      if (!what.empty() && what != "(nothing)") story.steps.back().expected.push_back(what);
    }
  }
  if (story.title.empty()) throw std::runtime_error("line 1: a story begins with # and its title");
  return story;
}

/// Plays one story; remembers what each task has asked for.
class Player {
 public:
  explicit Player(const Story& story) : story_(story) {
    scenario_.hosts = story.hosts;
    scenario_.workers_per_host = 1;
    scenario_.spec.name = "story";
    scenario_.spec.topology = make_topology(story.shape, story.tasks);
    if (scenario_.spec.topology == nullptr) throw std::runtime_error("there is no shape \"" + story.shape + "\"");
    scenario_.spec.backups.assign(story.tasks, static_cast<std::uint8_t>(story.backups));
    scenario_.spec.hosts_min = story.hosts;
    scenario_.spec.failure.lease = milliseconds(500);
    scenario_.network_per_mille = 0;
    scenario_.storm = Duration{0};
    scenario_.calm_at = Duration{0};
    scenario_.fault_every = seconds(1'000);
    scenario_.ends_in_storm = false;
    scenario_.blame_plugin = false;
    scenario_.large_bodies = false;
    scenario_.plane.message_bytes_max = scenario_.spec.limits.message_bytes;
    cluster_.emplace(scenario_, 1, false, [this](TaskId task, const std::string& what) {
      const std::string who = task.value == UINT32_MAX       ? "job"
                              : task.value == UINT32_MAX - 1 ? "wire"
                                                             : std::to_string(task.value);
      seen_.push_back(who + ": " + what);
      if (what.rfind("serve ", 0) == 0) ++serves_[task];
    });
  }

  void play() {
    for (const Step& step : story_.steps) {
      seen_.clear();
      perform(step);
      cluster_->run_for(seconds(4));
      compare(step);
    }
  }

 private:
  void perform(const Step& step) {
    const std::size_t colon = step.command.find(": ");
    const std::vector<std::string> w =
        words(colon == std::string::npos ? step.command : step.command.substr(colon + 2));
    if (colon != std::string::npos) return asks(step, TaskId{number(step.line, step.command.substr(0, colon))}, w);
    const auto task = [&](std::size_t i) { return TaskId{number(step.line, w.size() > i ? w[i] : "")}; };
    if (w[0] == "start") return;
    if (w[0] == "release") return cluster_->release();
    if (w[0] == "kill") return cluster_->command(task(1), event::Fail{Blame::injected, "killed"});
    if (w[0] == "fail" && w.size() == 3) return cluster_->command(task(1), event::Fail{Blame::plugin, w[2]});
    if (w[0] == "kill-worker-of") return cluster_->kill_worker_of(task(1));
    if (w[0] == "crash-host-of") return cluster_->crash_host_of(task(1));
    if (w[0] == "hold") return cluster_->hold(task(1), w.size() > 2 ? std::optional(task(2)) : std::nullopt);
    if (w[0] == "hold-addresses") return cluster_->hold_addresses();
    if (w[0] == "lose-response") return cluster_->lose_response(task(1), task(2));
    if (w[0] == "cut-batch") return cluster_->cut_batch(task(1), task(2), number(step.line, w.size() > 3 ? w[3] : ""));
    if (w[0] == "wait") return cluster_->run_for(seconds(number(step.line, w.size() > 1 ? w[1] : "")));
    bad(step.line, "unknown command \"" + step.command + "\"");
  }

  void asks(const Step& step, TaskId task, const std::vector<std::string>& w) {
    const Replica* replica = cluster_->primary(task);
    if (replica == nullptr) bad(step.line, "the task has no primary");
    const Epoch epoch = replica->epoch();
    if (w[0] == "raise" && w.size() == 3) {
      const auto link = scenario_.spec.topology->find(w[1]);
      if (!link.has_value()) bad(step.line, "there is no link \"" + w[1] + "\"");
      return cluster_->command(task, event::RaiseFlag{epoch, *link, Bytes(w[2])});
    }
    if (w[0] == "pull" && w.size() == 3) {
      const std::uint64_t token = kFirstToken + ++pulls_;
      last_pull_[task] = token;
      return cluster_->command(
          task, event::StartPull{epoch, token, TaskId{number(step.line, w[1])}, w[2], Bytes("row"), seconds(60)});
    }
    if (w[0] == "reply" && w.size() == 2)
      return cluster_->command(task, event::Reply{kFirstServe, Outcome::value, 0, Bytes(w[1])});
    if (w[0] == "cancel") return cluster_->command(task, event::CancelPull{last_pull_[task]});
    if (w[0] == "advance") return cluster_->command(task, event::AdvanceEpoch{epoch});
    if (w[0] == "finish") return cluster_->command(task, event::FinishJob{epoch, JobStatus::done, "{}"});
    bad(step.line, "unknown command \"" + step.command + "\"");
  }

  void compare(const Step& step) const {
    // What different tasks see is not ordered; what one task sees is.
    const auto by_task = [](const std::string& a, const std::string& b) {
      return a.substr(0, a.find(':')) < b.substr(0, b.find(':'));
    };
    std::vector<std::string> seen = seen_;
    std::vector<std::string> expected = step.expected;
    std::stable_sort(seen.begin(), seen.end(), by_task);
    std::stable_sort(expected.begin(), expected.end(), by_task);
    // A frame that is sent again is dropped again, and a connection is tried again: told once.
    const auto same_drop = [](const std::string& a, const std::string& b) {
      return a == b && (a.find(": drops ") != std::string::npos || a.starts_with("wire: "));
    };
    seen.erase(std::unique(seen.begin(), seen.end(), same_drop), seen.end());
    if (seen == expected) return;
    std::ostringstream text;
    text << step.command << "\n    told:";
    for (const std::string& what : expected) text << "\n      " << what;
    text << "\n    seen:";
    for (const std::string& what : seen) text << "\n      " << what;
    bad(step.line, text.str());
  }

  static constexpr std::uint64_t kFirstToken = 1'000'000;
  static constexpr std::uint64_t kFirstServe = std::uint64_t{1} << 32;  ///< a replica's first name for a pull it serves

  const Story& story_;
  Scenario scenario_;
  std::optional<Cluster> cluster_;
  std::vector<std::string> seen_;
  std::uint64_t pulls_ = 0;
  std::map<TaskId, std::uint64_t> last_pull_;
  std::map<TaskId, std::uint64_t> serves_;
};

}  // namespace

StoryResult run_story(const std::string& file) {
  StoryResult result{file, {}};
  try {
    const Story story = parse(file);
    result.title = story.title;
    Player(story).play();
  } catch (const std::exception& problem) {
    result.problem = file + ": " + problem.what();
  }
  return result;
}

std::vector<std::string> find_stories(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (entry.path().extension() == ".txt") files.push_back(entry.path().string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace taskgraph::sim
