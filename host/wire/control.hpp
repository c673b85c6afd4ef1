/// What a supervisor and the worker processes of its machine say to each other.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "host/config/log_settings.hpp"
#include "host/core/controller.hpp"
#include "host/core/ids.hpp"
#include "host/core/worker.hpp"

namespace taskgraph::wire {

/// Where a life listens for batches, on this machine.
struct Address {
  core::LifeId life;
  std::uint16_t port = 0;
  friend bool operator==(const Address&, const Address&) = default;
};
/// Of all lives that can be reached: takes the place of the list before.
struct Addresses {
  std::vector<Address> lives;
};

/// A line for the supervisor's log, which is the only one.
struct LogLine {
  config::LogLevel level = config::LogLevel::info;
  std::optional<core::TaskId> task;
  std::string text;  ///< any bytes; cut to kTextBytesMax as it is sent
};

/// Of one life, since its start.
struct Counters {
  std::uint32_t replicas = 0;  ///< now
  std::uint64_t pulls = 0;
  std::uint64_t failures = 0;
  std::uint64_t frames_dropped = 0;
  friend bool operator==(const Counters&, const Counters&) = default;
};

using ToWorker = std::variant<core::event::ViewPushed, core::event::EpochPushed, core::event::StopAll, Addresses>;
using ToSupervisor =
    std::variant<core::Resignation, core::AdvanceAsk, core::FinishAsk, core::effect::AllStopped, LogLine, Counters>;

}  // namespace taskgraph::wire
