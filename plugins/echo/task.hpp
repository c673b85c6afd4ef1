/// A task that answers pulls and does nothing else; the job never ends by itself.
#pragma once

#include <taskgraph/task.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace taskgraph::echo {

/// Longest answer of `bytes`.
inline constexpr std::uint64_t kAnswerBytesMax = 256ULL << 20;

/// Byte i of an answer of `bytes`: a pattern whose period is no power of two, so that a piece that went missing or came
/// twice shows.
constexpr char pattern_byte(std::uint64_t i) {
  return static_cast<char>('a' + i % 23);
}

/// Holds no state: every life answers the same, but for `whoami`.
class EchoTask final : public Task {
 public:
  using Task::Task;
  /// Methods: `echo`, `bytes`, `whoami`; see the README.
  void serve(Pull pull) override;

 private:
  std::string whoami() const;
};

/// Takes no arguments.
class EchoBuilder final : public TaskBuilder {
 public:
  explicit EchoBuilder(const Job& job) { job.args.allow_only({}); }
  std::unique_ptr<Task> build(TaskId, Host host) override { return std::make_unique<EchoTask>(host); }
};

}  // namespace taskgraph::echo
