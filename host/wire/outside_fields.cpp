#include "host/wire/outside_fields.hpp"

#include <algorithm>
#include <string>

#include "host/wire/limits.hpp"

namespace taskgraph::wire {
namespace {

void put_name(Encoder& out, const core::OutsideName& name) {
  out.uuid(name.asker);
  out.varint(name.number);
}

core::OutsideName get_name(Decoder& in) {
  core::OutsideName name;
  name.asker = in.uuid<core::HostId>("the asker");
  name.number = in.varint("the number of the pull");
  return name;
}

void put_body_start(Encoder& out, const core::Bytes& body) {
  out.varint(body.size());
  out.string(body.view().substr(0, kBodyPartBytesMax));
}

/// Returns the size of the whole body.
std::uint64_t get_body_start(Decoder& in, core::Bytes& body) {
  const std::uint64_t whole = in.varint("the size of the body");
  const std::size_t at = in.offset_bytes();
  const std::string_view part = in.string("the part of the body", kBodyPartBytesMax);
  if (in.ok() && part.size() != std::min<std::uint64_t>(whole, kBodyPartBytesMax)) {
    in.fail(WireError::Kind::malformed,
            "a body of " + std::to_string(whole) + " bytes begins with " + std::to_string(part.size()) +
                "; all that fits into " + std::to_string(kBodyPartBytesMax) + " comes first",
            at);
  }
  body = core::Bytes(part);
  return whole;
}

}  // namespace

bool put_outside_request(Encoder& out, const core::OutsideRequest& request) {
  if (request.method.size() > kMethodBytesMax || request.deadline < core::Duration{}) return false;
  put_name(out, request.name);
  out.number(request.task);
  out.number(request.term);
  out.varint(static_cast<std::uint64_t>(request.deadline.ns));
  out.string(request.method);
  put_body_start(out, request.body);
  return true;
}

OutsideRequestStart get_outside_request(Decoder& in) {
  OutsideRequestStart start;
  core::OutsideRequest& request = start.request;
  request.name = get_name(in);
  request.task = in.number<core::TaskId>("the task");
  request.term = in.number<core::Term>("the term");
  request.deadline.ns = static_cast<std::int64_t>(in.varint("the deadline", INT64_MAX));
  request.method = in.string("the method", kMethodBytesMax);
  start.body_bytes = get_body_start(in, request.body);
  return start;
}

void put_outside_end(Encoder& out, const core::OutsideEnd& end) {
  put_name(out, end.name);
  out.number(end.task);
}

core::OutsideEnd get_outside_end(Decoder& in) {
  const core::OutsideName name = get_name(in);
  return {name, in.number<core::TaskId>("the task")};
}

void put_outside_reply(Encoder& out, const core::OutsideReply& reply) {
  out.varint(static_cast<std::uint64_t>(reply.kind));
  put_name(out, reply.name);
  out.number(reply.task);
  out.number(reply.term);
  out.varint(static_cast<std::uint64_t>(reply.outcome));
  out.signed_varint(reply.code);
  put_body_start(out, reply.body);
}

OutsideReplyStart get_outside_reply(Decoder& in) {
  OutsideReplyStart start;
  core::OutsideReply& reply = start.reply;
  reply.kind = in.enumerator("the kind of the reply", core::OutsideReply::Kind::not_here);
  reply.name = get_name(in);
  reply.task = in.number<core::TaskId>("the task");
  reply.term = in.number<core::Term>("the term");
  reply.outcome = in.enumerator("the outcome", core::Outcome::error);
  reply.code = in.signed_varint("the code");
  start.body_bytes = get_body_start(in, reply.body);
  return start;
}

bool put_body_part(Encoder& out, const BodyPart& part) {
  if (part.bytes.empty() || part.bytes.size() > kBodyPartBytesMax) return false;
  out.string(part.bytes);
  return true;
}

BodyPart get_body_part(Decoder& in) {
  const std::size_t at = in.offset_bytes();
  const BodyPart part{in.string("the part of the body", kBodyPartBytesMax)};
  if (in.ok() && part.bytes.empty()) in.fail(WireError::Kind::malformed, "the part of the body is empty", at);
  return part;
}

}  // namespace taskgraph::wire
