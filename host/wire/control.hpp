/// What a supervisor and the worker processes of its machine say to each other.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "host/config/log_settings.hpp"
#include "host/core/controller.hpp"
#include "host/core/ids.hpp"
#include "host/core/observation.hpp"
#include "host/core/outside_pull.hpp"
#include "host/core/worker.hpp"

namespace taskgraph::wire {

/// The first message to a worker: all that it needs to know of its job.
struct Setup {
  core::JobId job;
  core::LifeId life;
  std::string secret;              ///< of the data plane
  std::string topology_name;       ///< what messages call it
  std::string topology;            ///< canonical text, checked already
  std::string topology_directory;  ///< absolute
  std::string plugin_file;         ///< absolute
  std::string chaos;               ///< as given to --chaos; empty: none
  std::string journal_folder;      ///< for a journal of this life in every detail; empty: none
  std::uint32_t threads = 1;
  config::LogLevel log_level = config::LogLevel::info;
  config::LogFormat log_format = config::LogFormat::text;
  bool colour = true;
  friend bool operator==(const Setup&, const Setup&) = default;
};

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

/// The first message of a worker that has loaded its plugin and listens.
struct Ready {
  std::uint16_t port = 0;
  std::vector<std::string> read_only_methods;  ///< of the plugin
};
/// Or: why it cannot work for this job. It ends.
struct CannotStart {
  std::uint8_t exit_code = 0;
  std::string reason;
};

/// After a StopAll as `replaced`: no thread of this worker is between a check of its lease and what follows from it.
struct Fenced {};

/// Of one life, since its start.
struct Counters {
  std::uint32_t replicas = 0;  ///< now
  std::uint64_t pulls = 0;
  std::uint64_t failures = 0;
  std::uint64_t frames_dropped = 0;
  friend bool operator==(const Counters&, const Counters&) = default;
};

/// A pull from outside, and its answer. What is beyond the first kBodyPartBytesMax bytes of the body follows in parts
/// (body_joiner.hpp), with other messages between them: nothing else waits for a large body.
struct OutsideRequestStart {
  core::OutsideRequest request;  ///< as it is read: with the first part of the body
  std::uint64_t body_bytes = 0;  ///< of the whole; as it is written, `request` says it
};
struct OutsideReplyStart {
  core::OutsideReply reply;
  std::uint64_t body_bytes = 0;
};
/// Of the body that began last and is not whole yet.
struct BodyPart {
  std::string_view bytes;  ///< of the message that was read; 1 to kBodyPartBytesMax
};

/// At the end: the slowest pulls of this life, at most core::SlowPulls::kMax, the slowest first.
struct SlowPullsTold {
  std::vector<core::SlowPull> pulls;
};

using ToWorker = std::variant<core::event::ViewPushed, core::event::EpochPushed, core::event::StopAll, Addresses, Setup,
                              OutsideRequestStart, core::OutsideEnd, BodyPart>;
using ToSupervisor =
    std::variant<core::Resignation, core::AdvanceAsk, core::FinishAsk, core::effect::AllStopped, Fenced, Counters,
                 Ready, CannotStart, OutsideReplyStart, BodyPart, core::ReplicaMoment, SlowPullsTold>;

}  // namespace taskgraph::wire
