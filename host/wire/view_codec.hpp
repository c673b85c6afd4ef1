/// A whole view on the wire; control_codec.hpp says how it is laid out. Internal to host/wire.
#pragma once

#include "host/core/assignment.hpp"
#include "host/wire/decoder.hpp"
#include "host/wire/encoder.hpp"

namespace taskgraph::wire {

/// False: `view` is beyond a limit of limits.hpp.
[[nodiscard]] bool put_view(Encoder& out, const core::Assignment& view);
/// nullptr when `in` has failed.
core::View get_view(Decoder& in);

}  // namespace taskgraph::wire
