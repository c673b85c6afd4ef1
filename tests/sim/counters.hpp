/// How often each kind of fault and each branch of interest happened.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "host/core/replica.hpp"

namespace taskgraph::sim {

enum class FaultKind : std::uint8_t {
  message_delayed,
  message_lost,
  message_doubled,
  message_reordered,
  one_way_cut,
  connection_reset,
  connection_broken,
  connection_silent,
  bytes_delayed,
  bytes_split,
  reader_held_up,
  stranger,
  foreign_frame,
  forged_term,
  flood,
  slow_hook,
  replica_killed,
  hook_threw,
  worker_killed,
  host_crashed,
  coordinator_slow,
  request_lost,
  reply_lost,
  outcome_unknown,
  executed_later,
  read_failed,
  notice_late,
  count_,
};
inline constexpr std::size_t kFaultKinds = static_cast<std::size_t>(FaultKind::count_);
inline constexpr std::array<std::string_view, kFaultKinds> kFaultNames = {
    "message delayed",  "message lost",      "message doubled",   "message reordered", "one-way cut",
    "connection reset", "connection broken", "connection silent", "bytes delayed",     "bytes split",
    "reader held up",   "stranger",          "foreign frame",     "forged term",       "flood",
    "slow hook",        "replica killed",    "hook threw",        "worker killed",     "host crashed",
    "coordinator slow", "request lost",      "reply lost",        "outcome unknown",   "executed later",
    "read failed",      "notice late"};

enum class Branch : std::uint8_t {
  promoted,
  restarted,
  first_grant,
  seal_asked,
  seal_repeated_flags,
  office_taken,
  candidates_replaced,
  gave_up,
  job_done,
  transaction_refused,
  pull_value,
  pull_error,
  pull_busy,
  pull_too_large,
  pull_epoch_passed,
  pull_cancelled,
  pull_deadline,
  foreign_job,
  misaddressed,
  stale_term,
  ahead_of_view,
  duplicate,
  over_limit,
  held,
  epoch_passed,
  late_answer,
  late_reply,
  resent,
  wrong_life,
  no_proof,
  port_reused,
  silence_given_up,
  not_queued,
  blob_asked,
  blob_gone,
  outside_answered,
  outside_no_primary,
  outside_deadline,
  outside_busy,
  outside_closed,
  outside_not_here,
  outside_repeated,
  outside_forgotten,
  count_,
};
inline constexpr std::size_t kBranches = static_cast<std::size_t>(Branch::count_);
inline constexpr std::array<std::string_view, kBranches> kBranchNames = {"backup promoted",
                                                                         "replica made anew",
                                                                         "first grant",
                                                                         "seal asked for again",
                                                                         "flags in a seal's acknowledgement",
                                                                         "office taken over",
                                                                         "all candidates replaced",
                                                                         "job gave up",
                                                                         "job done",
                                                                         "transaction refused",
                                                                         "pull: value",
                                                                         "pull: error",
                                                                         "pull: busy",
                                                                         "pull: too large",
                                                                         "pull: epoch passed",
                                                                         "pull: cancelled",
                                                                         "pull: deadline",
                                                                         "drop: foreign job",
                                                                         "drop: misaddressed",
                                                                         "drop: stale term",
                                                                         "drop: ahead of view",
                                                                         "drop: duplicate",
                                                                         "drop: over limit",
                                                                         "frame held",
                                                                         "drop: epoch passed",
                                                                         "drop: late answer",
                                                                         "drop: late reply",
                                                                         "frame re-sent",
                                                                         "wire: another life was meant",
                                                                         "wire: no proof",
                                                                         "wire: port taken again",
                                                                         "wire: silence given up",
                                                                         "wire: not queued",
                                                                         "wire: body asked for",
                                                                         "wire: body gone",
                                                                         "outside: answered",
                                                                         "outside: no primary",
                                                                         "outside: deadline",
                                                                         "outside: busy",
                                                                         "outside: closed",
                                                                         "outside: not here",
                                                                         "outside: repeated",
                                                                         "outside: forgotten"};

struct Counters {
  std::array<std::uint64_t, kFaultKinds> faults{};
  std::array<std::uint64_t, kBranches> branches{};
  std::uint64_t events = 0;

  void count(FaultKind kind) { ++faults[static_cast<std::size_t>(kind)]; }
  void count(Branch branch, std::uint64_t times = 1) { branches[static_cast<std::size_t>(branch)] += times; }
  std::uint64_t all_faults() const {
    std::uint64_t sum = 0;
    for (const std::uint64_t one : faults) sum += one;
    return sum - faults[static_cast<std::size_t>(FaultKind::message_reordered)];  // most of it is plain jitter
  }
  void add(const Counters& other) {
    for (std::size_t i = 0; i < kFaultKinds; ++i) faults[i] += other.faults[i];
    for (std::size_t i = 0; i < kBranches; ++i) branches[i] += other.branches[i];
    events += other.events;
  }
  void add(const core::ReplicaCounters& c) {
    count(Branch::foreign_job, c.foreign_job);
    count(Branch::misaddressed, c.misaddressed);
    count(Branch::stale_term, c.stale_term);
    count(Branch::ahead_of_view, c.ahead_of_view);
    count(Branch::duplicate, c.duplicates);
    count(Branch::over_limit, c.over_limit);
    count(Branch::held, c.held);
    count(Branch::epoch_passed, c.epoch_passed);
    count(Branch::late_answer, c.late_answers);
    count(Branch::late_reply, c.late_replies);
    count(Branch::resent, c.resent);
    count(Branch::outside_not_here, c.outside_not_here);
    count(Branch::outside_repeated, c.outside_repeated);
    count(Branch::outside_forgotten, c.outside_forgotten);
  }
};

}  // namespace taskgraph::sim
