/// Limits of the wire. Part of the format: a sender keeps them and a receiver refuses what is beyond.
#pragma once

#include <cstddef>
#include <cstdint>

#include "host/core/frame.hpp"

namespace taskgraph::wire {

/// The version that is written. Versions from kWireVersionOldest on are read: of two releases that follow each other,
/// each understands the other, so that hosts can be upgraded one by one.
inline constexpr std::uint16_t kWireVersion = 1;
inline constexpr std::uint16_t kWireVersionOldest = 1;
static_assert(kWireVersionOldest + 1 >= kWireVersion, "the window is N and N-1");

// --- between workers
inline constexpr std::size_t kEagerBytesMax = std::size_t{64} * 1024;  ///< of a body that is sent along
inline constexpr std::size_t kMethodBytesMax = core::kMethodBytesMax;
/// One message, its own length not counted: the largest body and what stands around it.
inline constexpr std::size_t kMessageBytesMax = kEagerBytesMax + std::size_t{2} * 1024;
inline constexpr std::size_t kBatchBytesMax = std::size_t{4} * 1024 * 1024;  ///< header included
inline constexpr std::size_t kBatchMessagesMax = 16'384;
inline constexpr std::uint32_t kSealPartsMax = 4'096;     ///< of one acknowledgement
inline constexpr std::size_t kSealPartFlagsMax = 16'384;  ///< of one part

// --- between a supervisor and its workers
inline constexpr std::size_t kControlBytesMax = std::size_t{64} * 1024 * 1024;  ///< one message, its length not counted
inline constexpr std::size_t kViewTasksMax = 100'000;
inline constexpr std::size_t kViewLivesMax = 16'384;
inline constexpr std::size_t kViewSeatsMax = 16;  ///< backups of one task, and members of its in-sync set
inline constexpr std::size_t kAddressesMax = 16'384;
inline constexpr std::size_t kTextBytesMax =
    4'096;  ///< of a log line or a reason; longer ones are cut as they are sent
inline constexpr std::size_t kSetupTextBytesMax = std::size_t{16} * 1024 * 1024;  ///< each text of a setup
/// Of a body that goes in parts: small enough that what comes behind one part does not wait long.
inline constexpr std::size_t kBodyPartBytesMax = std::size_t{256} * 1024;
inline constexpr std::size_t kReadOnlyMethodsMax = 1'024;
inline constexpr std::size_t kResultBytesMax = std::size_t{256} * 1024;  ///< of a job

}  // namespace taskgraph::wire
