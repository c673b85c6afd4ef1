/// Pulls by those who are no tasks: people and other programs, by way of the control listener.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "host/core/bytes.hpp"
#include "host/core/frame.hpp"
#include "host/core/ids.hpp"

namespace taskgraph::runtime {

struct OutsidePull {
  core::TaskId task;   ///< one that the job has
  std::string method;  ///< at most core::kMethodBytesMax
  core::Bytes body;
  core::Time deadline;  ///< when it is answered at the latest
};

struct OutsideAnswer {
  enum class Kind : std::uint8_t {
    answered,    ///< by the task: `outcome` is value or error
    no_primary,  ///< the deadline came while the task had no primary; it may or may not have run
    deadline,    ///< the deadline came while a primary had it
    busy,        ///< too many are open: it did not run
    closed,      ///< the job ends
  };
  Kind kind = Kind::closed;
  core::Outcome outcome = core::Outcome::value;
  std::int32_t code = 0;  ///< of an error: those of abi.h
  core::Bytes body;       ///< the value, or the error's text
};

/// A pull whose task loses its primary is sent again to the next one at once: it runs at least once, and at most once
/// in each term.
class OutsidePulls {
 public:
  /// Any thread. `done` is called once, on any thread, also within this call; it does not block.
  virtual void pull(OutsidePull pull, std::function<void(OutsideAnswer)> done) = 0;

 protected:
  ~OutsidePulls() = default;
};

}  // namespace taskgraph::runtime
