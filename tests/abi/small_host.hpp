/// The smallest host that abi.h allows, without any of TaskGraph's own code: one thread, a queue of what hooks asked
/// for, primaries only, a ring of tasks on the link "next".
#pragma once

#include <taskgraph/abi.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

class SmallHost;

/// The host's side of one replica.
struct tg_host {
  SmallHost* host;
  std::uint64_t id;
  std::vector<std::uint64_t> neighbours;
  tg_task task;
};

/// A pull until it is answered; kept until the host ends, so that a second answer is noticed.
struct tg_pull {
  SmallHost* host;
  tg_host* from;
  tg_completion done;
  std::uint64_t epoch;
  bool answered;
};

/// How a pull made by the test ended.
struct Ended {
  int calls = 0;
  tg_outcome outcome = TG_OUTCOME_CANCELLED;
  std::int32_t code = 0;
  std::string body;
};

class SmallHost {
 public:
  /// `args` by name; values that are all digits are integers, the others text.
  SmallHost(const tg_plugin& plugin, std::uint64_t tasks, const std::map<std::string, std::string>& args);
  ~SmallHost();
  SmallHost(const SmallHost&) = delete;
  SmallHost& operator=(const SmallHost&) = delete;

  /// "" or the text of the refusal.
  std::string init();
  /// Creates all tasks, enters epoch 0 and runs until nothing is left to do, at most `steps_max` steps.
  void run(int steps_max = 100'000);
  /// Pulls from task `to` as the outside world, and runs.
  Ended pull(std::uint64_t to, std::string_view method);

  std::string result;                 ///< of finish_job
  std::uint64_t epoch = 0;            ///< reached
  int bodies_open = 0;                ///< buffers taken from the plugin and not yet released: 0 at the end
  int answers_too_many = 0;           ///< second answers of one pull
  std::vector<std::string> failures;  ///< texts of failed hooks

 private:
  friend struct Api;
  void enqueue(std::function<void()> step) { queue_.push_back(std::move(step)); }
  void drain(int steps_max);
  void enter_epochs();
  void hook(tg_status status, const tg_error& error);
  void answer(tg_pull* pull, tg_outcome outcome, std::int32_t code, tg_buffer body);

  const tg_plugin& plugin_;
  std::map<std::string, std::string> texts_;
  std::vector<tg_arg> args_;
  std::string name_ = "small";
  tg_job job_{};
  std::vector<std::unique_ptr<tg_host>> replicas_;
  std::vector<std::unique_ptr<tg_pull>> pulls_;
  std::deque<std::function<void()>> queue_;
};
