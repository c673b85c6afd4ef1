/// The fields of control messages about pulls from outside. Internal to host/wire.
#pragma once

#include "host/wire/control.hpp"
#include "host/wire/decoder.hpp"
#include "host/wire/encoder.hpp"

namespace taskgraph::wire {

/// False: it is beyond a limit.
[[nodiscard]] bool put_outside_request(Encoder& out, const core::OutsideRequest& request);
void put_outside_end(Encoder& out, const core::OutsideEnd& end);
void put_outside_reply(Encoder& out, const core::OutsideReply& reply);
[[nodiscard]] bool put_body_part(Encoder& out, const BodyPart& part);

OutsideRequestStart get_outside_request(Decoder& in);
core::OutsideEnd get_outside_end(Decoder& in);
OutsideReplyStart get_outside_reply(Decoder& in);
BodyPart get_body_part(Decoder& in);

}  // namespace taskgraph::wire
