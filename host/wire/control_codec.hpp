/// The wire between a supervisor and its workers: messages one after another on a stream socket. Both ends are the same
/// executable, so there is no version; each learns of the other's end by the stream's.
///
/// Notation as in frame_codec.hpp; `[...]*` repeats.
///
///     stream  := message*
///     message := length (4 bytes: of what follows) kind (1 byte) fields       at most kControlBytesMax
///
///     kind  to the worker         fields
///        1  ViewPushed            view
///        2  EpochPushed           v:epoch
///        3  StopAll               v:reason
///        4  Addresses             v:count [uuid:life port (2 bytes)]*
///        5  Setup                 uuid:job uuid:life s:secret s:name s:topology s:directory s:plugin s:chaos
///                                 s:journal v:threads v:level v:format colour (1 byte)
///        6  OutsideRequestStart   name v:task v:term v:deadline_ns s:method v:body_bytes s:part
///        7  OutsideEnd            name v:task
///        8  BodyPart              s:part
///
///     kind  to the supervisor     fields
///       65  Resignation           v:task uuid:life v:counter v:blame s:reason
///       66  AdvanceAsk            v:task v:term v:from
///       67  FinishAsk             v:task v:term v:epoch v:status s:result
///       68  AllStopped
///       69  Fenced
///       70  Counters              v:replicas v:pulls v:failures v:frames_dropped
///       71  Ready                 port (2 bytes) v:count [s:read-only method]*
///       72  CannotStart           exit code (1 byte) s:reason
///       73  OutsideReplyStart     v:kind name v:task v:term v:outcome i:code v:body_bytes s:part
///       74  BodyPart              s:part
///       76  ReplicaMoment         v:what v:task uuid:life v:counter v:term v:at
///       77  SlowPullsTold         v:count [v:from v:to s:method v:took v:epoch]*       times in ns
///
///     view := v:version v:count [uuid:candidate]* v:count [uuid:life]* v:count [task]*
///     task := v:term v:next_counter seat v:count [seat]* v:count [seat]*      primary, backups, in-sync set
///     name := uuid:asker v:number
///     seat := v:life v:counter                                                life: place in the list + 1; 0: empty
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "host/wire/control.hpp"
#include "host/wire/decoder.hpp"

namespace taskgraph::wire {

/// Appends one message with its length. False: it is beyond a limit of limits.hpp, and `out` is as it was.
[[nodiscard]] bool encode(const ToWorker& message, std::string& out);
[[nodiscard]] bool encode(const ToSupervisor& message, std::string& out);

/// What MessageSplitter has given. What they return owns its bytes, but for a BodyPart.
std::variant<ToWorker, WireError> decode_to_worker(std::string_view message);
std::variant<ToSupervisor, WireError> decode_to_supervisor(std::string_view message);

}  // namespace taskgraph::wire
