/// The asker's end of every pull from outside: sends it to the task's primary, again to the next one, and answers it
/// exactly once. A state machine: (event, now) in, effects out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <variant>
#include <vector>

#include "host/core/assignment.hpp"
#include "host/core/job.hpp"
#include "host/core/outside_pull.hpp"

namespace taskgraph::core {

namespace effect {
/// To the worker `to`, behind the view that named it.
struct SendOutside {
  LifeId to;
  OutsideRequest request;
};
struct SendOutsideEnd {
  LifeId to;
  OutsideEnd end;
};
/// Once for each pull.
struct OutsideAnswered {
  std::uint64_t number = 0;  ///< as ask() returned
  OutsideAnswer answer;
};
}  // namespace effect

using OutsideEffect = std::variant<effect::SendOutside, effect::SendOutsideEnd, effect::OutsideAnswered>;
using OutsideEffects = std::vector<OutsideEffect>;

/// Owned by its adapter, on one strand. Memory: at most kPullsMax pulls, whose methods and bodies have at most
/// limits.channel_bytes altogether; over it: busy.
class OutsideAsker {
 public:
  /// `self` names this asker for ever; `spec` outlives it.
  OutsideAsker(HostId self, const JobSpec& spec) : self_(self), spec_(spec) {}

  /// Returns the pull's number. What can be answered at once is answered in `out` already.
  std::uint64_t ask(OutsidePull pull, Time now, OutsideEffects& out);
  /// Pulls whose task has a new primary go there, in the order of their asking. Older views than the newest are
  /// dropped.
  void learn(View view, Time now, OutsideEffects& out);
  /// Late, doubled and foreign replies are dropped, and those of a term that is not the newest known (S2).
  void replied(OutsideReply reply, Time now, OutsideEffects& out);
  /// When wakeup() has come; early ones do no harm.
  void tick(Time now, OutsideEffects& out);
  /// The job ends: all that are open, and all that still come, are answered `closed`.
  void close(OutsideEffects& out);

  Time wakeup() const { return wakeup_; }
  std::size_t size() const { return open_.size(); }

  static constexpr std::size_t kPullsMax = 4'096;
  /// How long a pull that a worker did not take waits before it goes there again, if no view comes before: doubled each
  /// time. A replica that is made anew in the same worker is late by this.
  static constexpr Duration kAgainFirst = milliseconds(5);
  static constexpr Duration kAgainMax = milliseconds(200);

 private:
  struct Sent {
    LifeId life;
    Term term;
    friend bool operator==(const Sent&, const Sent&) = default;
  };
  struct Open {
    OutsidePull pull;
    std::optional<Sent> sent;  ///< a replica has it, or will
    Time again_at = Time::never();
    Duration again_after = kAgainFirst;
  };
  using Pulls = std::map<std::uint64_t, Open>;

  void send(std::uint64_t number, Open& open, Time now, OutsideEffects& out);
  Pulls::iterator end(Pulls::iterator at, OutsideAnswer answer, OutsideEffects& out);
  void wake_at(Time time) { wakeup_ = time < wakeup_ ? time : wakeup_; }
  static std::size_t kept_bytes(const OutsidePull& pull) { return pull.method.size() + pull.body.size(); }

  const HostId self_;
  const JobSpec& spec_;
  View view_;
  bool closed_ = false;
  std::uint64_t next_number_ = 1;
  Pulls open_;  ///< by number: in the order of asking
  std::size_t open_bytes_ = 0;
  Time wakeup_ = Time::never();
};

}  // namespace taskgraph::core
