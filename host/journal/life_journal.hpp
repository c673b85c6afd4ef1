/// The journal of one life in every detail, for tests and soaks: each pull, each change of a role, who acted and
/// accepted as which term and when. tests/support/check_journals.py reads it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "host/core/replica.hpp"
#include "host/journal/line_file.hpp"

namespace taskgraph::journal {

class JsonLine;

/// STATE/events.LIFE.jsonl. Any thread. Each line is in the file when the call returns, so that it is not lost with the
/// process, and stands there before what it tells of has an effect elsewhere: slow, by one write per line. Beyond
/// kBytesMax there is one last line that says so, and no more.
class LifeJournal {
 public:
  using Append = std::function<int(std::string_view)>;

  /// `warn`: told once, when a line cannot be written.
  LifeJournal(const std::filesystem::path& folder, core::JobId job, core::LifeId life,
              std::function<void(const std::string&)> warn);
  LifeJournal(Append append, core::JobId job, core::LifeId life, std::function<void(const std::string&)> warn);

  /// All replicas have ended: from here on nothing happens in this life.
  void all_stopped(core::Time now);
  void write(JsonLine& line);

  static constexpr std::uint64_t kBytesMax = std::uint64_t{512} * 1024 * 1024;

 private:
  const std::function<void(const std::string&)> warn_;
  std::mutex mutex_;
  const Append append_;  // guarded by mutex_, as all below
  std::uint64_t bytes_ = 0;
  bool cut_ = false;
};

/// What one replica does. Owned by it, on its strand; watches the core from outside. Memory: one entry per peer.
class ReplicaRecorder {
 public:
  ReplicaRecorder(LifeJournal& journal, const core::Replica& core) : journal_(journal), core_(core) {}

  /// Right before the core handles `event`.
  void handling(const core::ReplicaEvent& event, core::Time now);
  /// Right after, before any effect is performed. `now`: what the core was given.
  void handled(const core::ReplicaEffects& effects, core::Time now);

 private:
  /// The first and the last of many of one kind.
  struct Span {
    core::Term term;
    core::Time first;
    core::Time last;
    std::uint64_t count = 0;
    std::uint64_t told = 0;  ///< of `count`
  };

  void begin(JsonLine& line, const char* kind, core::Time now) const;
  void note(Span& span, core::Term term, core::Time now, std::optional<core::TaskId> peer);
  void tell(Span& span, core::Time now, std::optional<core::TaskId> peer);
  void tell_all(core::Time now);
  void ended(const char* how, core::Time now);

  // One for each effect that is told; the others are not.
  void on(const core::effect::BecamePrimary& effect, core::Time now);
  void on(const core::effect::BecameBackup& effect, core::Time now);
  void on(const core::effect::EnterEpoch& effect, core::Time now);
  void on(const core::effect::PullEnded& effect, core::Time now);
  void on(const core::effect::Send& effect, core::Time now);
  void on(const core::effect::AskAdvance& effect, core::Time now);
  void on(const core::effect::AskFinish& effect, core::Time now);
  void on(const core::effect::Exit& effect, core::Time now);
  void on(const core::effect::Failed& effect, core::Time now);
  template <typename Effect>
  void on(const Effect&, core::Time) {}

  LifeJournal& journal_;
  const core::Replica& core_;
  std::optional<core::Stamp> arrived_;  ///< of the frame that is being handled
  std::uint64_t accepted_ = 0;          ///< by the core, before it
  Span acts_;
  std::map<core::TaskId, Span> accepts_;  ///< by the sender
};

}  // namespace taskgraph::journal
