/// How each task lost its primary and got the next one, with the times of that.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "host/core/assignment.hpp"
#include "host/core/ids.hpp"
#include "host/core/observation.hpp"
#include "host/journal/duration_histogram.hpp"

namespace taskgraph::journal {

/// Why a primary was lost.
struct Cause {
  enum class Kind : std::uint8_t {
    unknown,
    signal,      ///< its worker ended by `number`
    exit,        ///< its worker exited with `number`
    stall,       ///< its worker did not run for failure.stall
    hook_limit,  ///< a hook ran past limits.hook
    hook_threw,
    chaos,     ///< on purpose, by this program
    resigned,  ///< its worker gave the replica up
    drain
  };
  Kind kind = Kind::unknown;
  int number = 0;
  std::string detail;                     ///< for people; may be empty
  std::optional<std::uint32_t> worker{};  ///< the number of the one that died; of a failed replica none
  friend bool operator==(const Cause&, const Cause&) = default;

  std::string name() const;  ///< "signal 9", "exit 70", "hook threw", ...
};

enum class Phase : std::uint8_t { died, detected, decided, promoted, sealed, served };
inline constexpr std::size_t kPhases = 6;
inline constexpr std::array<const char*, kPhases> kPhaseNames{"died",     "detected", "decided",
                                                              "promoted", "sealed",   "served"};

/// One grant of a task. The phases that have happened have a time.
struct Failover {
  core::TaskId task;
  core::Term term;
  core::Seat primary;  ///< the new one
  Cause cause;
  /// `died` of a worker: the newest sign of life, no later than its death; `decided`: the view is committed; `served`:
  /// the first answer to a pull left, after the seal.
  std::array<std::optional<core::Time>, kPhases> phases{};

  std::optional<core::Time> at(Phase phase) const { return phases[static_cast<std::size_t>(phase)]; }
  /// From the first known phase to `phase`, if that has happened.
  std::optional<core::Duration> took(Phase phase) const;
  /// The last phase that has happened.
  Phase last() const;
};

/// A state machine: news in, finished records out; time comes in. Memory: one record per task, kLastMax finished ones,
/// kEndsMax lives that have ended, two histograms.
class Failovers {
 public:
  explicit Failovers(std::uint32_t tasks) : primaries_(tasks) {}

  // --- how primaries end; before the view that replaces them
  void life_ended(core::LifeId life, Cause cause, core::Time died, core::Time detected);
  /// `cause`: the first one counts.
  void resigned(core::TaskId task, const core::Seat& seat, Cause cause, core::Time detected);

  /// Returns what it grants, first terms (no failover, and not kept) included, in the order of tasks. A record that
  /// ends because its task has a still newer term goes to `finished`.
  std::vector<Failover> view(const core::Assignment& view, core::Time now, std::vector<Failover>& finished);
  /// A record, when this was its last phase.
  std::optional<Failover> moment(const core::ReplicaMoment& moment);
  /// The job ends: all that were under way, as far as they got.
  std::vector<Failover> finish();

  /// The newest first grants at the end; records under way are as they stand.
  const std::deque<Failover>& last() const { return last_; }
  /// The first of the job, in order of grants.
  const std::vector<Failover>& first() const { return first_; }
  std::uint64_t count() const { return count_; }
  /// By the cause's name, at most kCausesMax of them.
  const std::map<std::string, std::uint64_t>& by_cause() const { return by_cause_; }
  /// Of finished records: from `died` to their last phase, and from `detected`.
  const DurationHistogram& since_died() const { return since_died_; }
  const DurationHistogram& since_detected() const { return since_detected_; }

  static constexpr std::size_t kLastMax = 32;
  static constexpr std::size_t kFirstMax = 3;
  static constexpr std::size_t kEndsMax = 64;
  static constexpr std::size_t kCausesMax = 32;

 private:
  struct End {
    Cause cause;
    std::optional<core::Time> died;
    std::optional<core::Time> detected;
  };

  void fill_end(const core::Seat& lost, core::TaskId task, Failover& failover) const;
  void changed(const Failover& failover);
  void count_finished(const Failover& failover);

  std::vector<core::Seat> primaries_;                                      ///< by task; the newest that there was
  std::deque<std::pair<core::LifeId, End>> lives_;                         ///< ended, the newest last
  std::map<core::TaskId, std::pair<core::ReplicaCounter, End>> replicas_;  ///< the newest that failed, of each task
  std::map<core::TaskId, Failover> open_;
  std::deque<Failover> last_;
  std::vector<Failover> first_;
  std::uint64_t count_ = 0;
  std::map<std::string, std::uint64_t> by_cause_;
  DurationHistogram since_died_;
  DurationHistogram since_detected_;
};

/// A JSON array of `failovers`, in their order: the fields of the journal's promotions.
std::string to_json(const std::deque<Failover>& failovers);

class JsonLine;
/// The same fields, of one.
void add_failover(JsonLine& line, const Failover& failover);

}  // namespace taskgraph::journal
