/// Groups of fields that several messages share. Internal to host/wire.
#pragma once

#include <cstddef>
#include <cstdint>

#include "host/core/frame.hpp"
#include "host/core/replica_event.hpp"
#include "host/wire/decoder.hpp"
#include "host/wire/encoder.hpp"

namespace taskgraph::wire {

/// sender, epoch, origin term, index, link and the meta's length, of one byte each.
inline constexpr std::size_t kStoredFlagBytesMin = 6;

void put_flag(Encoder& out, const core::Flag& flag);
core::Flag get_flag(Decoder& in);

void put_stored_flag(Encoder& out, const core::StoredFlag& stored);
core::StoredFlag get_stored_flag(Decoder& in);
std::size_t stored_flag_bytes(const core::StoredFlag& stored);

/// Fails when `version`, read at `at_bytes`, is outside of the window.
void check_version(Decoder& in, std::uint16_t version, std::size_t at_bytes);

}  // namespace taskgraph::wire
