/// Pulls by those who are no tasks, between their asker (a supervisor) and the primary of the task.
#pragma once

#include <compare>
#include <cstdint>
#include <string>

#include "host/core/bytes.hpp"
#include "host/core/frame.hpp"
#include "host/core/ids.hpp"

namespace taskgraph::core {

/// What somebody wants of a task.
struct OutsidePull {
  TaskId task;         ///< one that the job has
  std::string method;  ///< at most kMethodBytesMax
  Bytes body;
  Time deadline;  ///< when it is answered at the latest
};

/// What it comes to, once.
struct OutsideAnswer {
  enum class Kind : std::uint8_t {
    answered,    ///< by the task: `outcome` is value or error
    no_primary,  ///< the deadline came while the task had no primary; it may or may not have run
    deadline,    ///< the deadline came while a primary had it; it may or may not have run
    busy,        ///< too many are open: it did not run in the newest term
    closed,      ///< the job ends
  };
  Kind kind = Kind::closed;
  Outcome outcome = Outcome::value;
  std::int32_t code = 0;  ///< of an error: those of abi.h
  Bytes body;             ///< the value, or the error's text
};

/// Names a pull for ever, whichever primary gets it.
struct OutsideName {
  HostId asker;
  std::uint64_t number = 0;  ///< 1, 2, ... of this asker
  friend auto operator<=>(const OutsideName&, const OutsideName&) = default;
};

/// To the primary of `task` at `term`, and to no other.
struct OutsideRequest {
  OutsideName name;
  TaskId task;
  Term term;
  Duration deadline;  ///< what is left of it
  std::string method;
  Bytes body;
};

/// What the worker at the other end makes of a request. It comes for each request but for those whose replica or life
/// has ended, which a view tells, and those that the asker has ended. Whatever loses a request or a reply on its way,
/// and both ends live on, says `not_here` in its place.
struct OutsideReply {
  enum class Kind : std::uint8_t {
    answered,  ///< by the task: `outcome` is value or error
    busy,      ///< limits.serves_open is reached; it did not run in this term
    not_here,  ///< no primary at this term takes it now: it is to be sent again, later or elsewhere
  };
  Kind kind = Kind::not_here;
  OutsideName name;
  TaskId task;
  Term term;  ///< of the request
  Outcome outcome = Outcome::value;
  std::int32_t code = 0;
  Bytes body;

  static OutsideReply not_here(const OutsideRequest& request) {
    return {Kind::not_here, request.name, request.task, request.term, Outcome::value, 0, {}};
  }
};

/// The asker has its answer, or waits no more: the replica may forget the pull. Requests and ends of one asker reach a
/// replica in the order of their sending.
struct OutsideEnd {
  OutsideName name;
  TaskId task;
};

}  // namespace taskgraph::core
