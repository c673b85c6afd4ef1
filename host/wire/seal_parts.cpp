#include "host/wire/seal_parts.hpp"

#include <algorithm>
#include <iterator>
#include <tuple>
#include <utility>

#include "host/wire/encoder.hpp"
#include "host/wire/fields.hpp"
#include "host/wire/limits.hpp"

namespace taskgraph::wire {

namespace {

/// Kind, task, term, life, serial, part, parts and count, all at their longest.
constexpr std::size_t kPartHeadBytesMax = 1 + kUuidBytes + 7 * kVarintBytesMax;
constexpr std::size_t kPartFlagsBytesMax = kMessageBytesMax - kPartHeadBytesMax;
static_assert(kPartFlagsBytesMax >= kEagerBytesMax + 6 * kVarintBytesMax, "a part has room for the largest flag");

auto name_of(const core::StoredFlag& stored) {
  return std::tie(stored.sender, stored.epoch, stored.flag.name);
}

/// What one flag costs here.
std::size_t kept_bytes(const core::StoredFlag& stored) {
  return sizeof(core::StoredFlag) + stored.flag.meta.size();
}

}  // namespace

std::vector<SealAckPart> split(core::SealAck ack, std::uint64_t serial) {
  std::vector<core::StoredFlag> flags = std::move(ack.flags);
  ack.flags.clear();
  std::sort(flags.begin(), flags.end(), [](const auto& a, const auto& b) { return name_of(a) < name_of(b); });
  flags.erase(
      std::unique(flags.begin(), flags.end(), [](const auto& a, const auto& b) { return name_of(a) == name_of(b); }),
      flags.end());

  std::vector<SealAckPart> parts{{ack, serial, 0, 1}};
  std::size_t bytes = 0;
  for (core::StoredFlag& flag : flags) {
    const std::size_t more = stored_flag_bytes(flag);
    if (bytes + more > kPartFlagsBytesMax || parts.back().ack.flags.size() == kSealPartFlagsMax) {
      if (parts.size() == kSealPartsMax) return {};
      parts.push_back({ack, serial, static_cast<std::uint32_t>(parts.size()), 1});
      bytes = 0;
    }
    bytes += more;
    parts.back().ack.flags.push_back(std::move(flag));
  }
  for (SealAckPart& part : parts) part.parts = static_cast<std::uint32_t>(parts.size());
  return parts;
}

std::optional<core::SealAck> SealAckJoiner::join(SealAckPart part) {
  const auto same = [&](const Joining& joining) {
    const core::SealAck& ack = joining.ack;
    return ack.task == part.ack.task && ack.term == part.ack.term && ack.life == part.ack.life;
  };
  auto found = std::find_if(joining_.begin(), joining_.end(), same);
  if (found != joining_.end() && found->serial > part.serial) return std::nullopt;  // overtaken
  if (found != joining_.end() && (found->serial < part.serial || found->has.size() != part.parts)) {
    forget(found);
    found = joining_.end();
  }
  if (part.parts == 1) return std::move(part.ack);
  if (found == joining_.end()) {
    const core::SealAck empty{part.ack.task, part.ack.term, part.ack.life, {}};
    joining_.push_back({empty, part.serial, std::vector<bool>(part.parts), part.parts, 0});
    found = std::prev(joining_.end());
  }
  if (found->has[part.part]) return std::nullopt;
  found->has[part.part] = true;
  --found->missing;
  for (core::StoredFlag& flag : part.ack.flags) {
    found->bytes += kept_bytes(flag);
    bytes_ += kept_bytes(flag);
    found->ack.flags.push_back(std::move(flag));
  }
  if (found->missing == 0) {
    core::SealAck whole = std::move(found->ack);
    forget(found);
    return whole;
  }
  while (joining_.size() > kJoiningMax || bytes_ > kJoiningBytesMax) forget(joining_.begin());
  return std::nullopt;
}

void SealAckJoiner::forget(std::vector<Joining>::iterator which) {
  bytes_ -= which->bytes;
  joining_.erase(which);
}

}  // namespace taskgraph::wire
