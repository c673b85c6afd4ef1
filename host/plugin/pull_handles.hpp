/// What a tg_pull* of abi.h really is: no address but a slot and the slot's generation, so that a pull that a plugin
/// answers twice, or long after its replica has gone, is recognised, and never one of somebody else's.
///
/// Any thread. Memory: that of the most pulls that were ever open at once, 24 bytes each; it is used again and never
/// given back.
#pragma once

#include <taskgraph/abi.h>

#include <cstdint>
#include <optional>

namespace taskgraph::plugin {

class BridgeOutside;

/// One pull to be answered: names its serve in one replica life of one cell.
struct OpenPull {
  BridgeOutside* outside;
  std::uint64_t serve;
  std::uint32_t replica_serial;
};

tg_pull* open_pull(const OpenPull& pull);
/// Gives the pull up to the caller, once; nothing when it was taken before.
std::optional<OpenPull> take_pull(tg_pull* handle);

}  // namespace taskgraph::plugin
