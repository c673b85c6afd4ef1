#include "host/wire/control_codec.hpp"

#include <utility>

#include "host/wire/encoder.hpp"
#include "host/wire/limits.hpp"
#include "host/wire/outside_fields.hpp"
#include "host/wire/text_cut.hpp"
#include "host/wire/view_codec.hpp"

namespace taskgraph::wire {

namespace {

/// To the worker from 1 on, to the supervisor from 65 on: a message that goes the wrong way is noticed.
enum class ControlKind : std::uint8_t {
  view_pushed = 1,
  epoch_pushed = 2,
  stop_all = 3,
  addresses = 4,
  setup = 5,
  outside_request_start = 6,
  outside_end = 7,
  part_to_worker = 8,
  resignation = 65,
  advance_ask = 66,
  finish_ask = 67,
  all_stopped = 68,
  fenced = 69,
  counters = 70,
  ready = 71,
  cannot_start = 72,
  outside_reply_start = 73,
  part_to_supervisor = 74,
  replica_moment = 76,
  slow_pulls = 77
};

constexpr std::size_t kAddressBytes = kUuidBytes + 2;
/// requester, server, method's length, duration and epoch, of one byte each.
constexpr std::size_t kSlowPullBytesMin = 5;

// ---------------------------------------------------------------- writing

/// Each writes kind and fields of one message; false: it is beyond a limit.
struct PutControl {
  Encoder& out;
  ControlKind part_kind;  ///< the direction's

  void kind(ControlKind value) const { out.u8(static_cast<std::uint8_t>(value)); }
  template <typename Enum>
  void enumerator(Enum value) const {
    out.varint(static_cast<std::uint64_t>(value));
  }

  bool operator()(const core::event::ViewPushed& pushed) const {
    kind(ControlKind::view_pushed);
    return put_view(out, *pushed.view);
  }
  bool operator()(const core::event::EpochPushed& pushed) const {
    kind(ControlKind::epoch_pushed);
    out.number(pushed.epoch);
    return true;
  }
  bool operator()(const core::event::StopAll& stop) const {
    kind(ControlKind::stop_all);
    enumerator(stop.reason);
    return true;
  }
  bool operator()(const Addresses& addresses) const {
    if (addresses.lives.size() > kAddressesMax) return false;
    kind(ControlKind::addresses);
    out.varint(addresses.lives.size());
    for (const Address& address : addresses.lives) {
      out.uuid(address.life);
      out.u16(address.port);
    }
    return true;
  }
  bool operator()(const Setup& setup) const {
    for (const std::string* text : {&setup.topology, &setup.topology_name, &setup.topology_directory,
                                    &setup.plugin_file, &setup.chaos, &setup.journal_folder, &setup.secret}) {
      if (text->size() > kSetupTextBytesMax) return false;
    }
    kind(ControlKind::setup);
    out.uuid(setup.job);
    out.uuid(setup.life);
    out.string(setup.secret);
    out.string(setup.topology_name);
    out.string(setup.topology);
    out.string(setup.topology_directory);
    out.string(setup.plugin_file);
    out.string(setup.chaos);
    out.string(setup.journal_folder);
    out.varint(setup.threads);
    enumerator(setup.log_level);
    enumerator(setup.log_format);
    out.u8(setup.colour ? 1 : 0);
    return true;
  }
  bool operator()(const OutsideRequestStart& start) const {
    kind(ControlKind::outside_request_start);
    return put_outside_request(out, start.request);
  }
  bool operator()(const core::OutsideEnd& end) const {
    kind(ControlKind::outside_end);
    put_outside_end(out, end);
    return true;
  }
  bool operator()(const OutsideReplyStart& start) const {
    kind(ControlKind::outside_reply_start);
    put_outside_reply(out, start.reply);
    return true;
  }
  bool operator()(const BodyPart& part) const {
    kind(part_kind);
    return put_body_part(out, part);
  }
  bool operator()(const Ready& ready) const {
    if (ready.read_only_methods.size() > kReadOnlyMethodsMax) return false;
    kind(ControlKind::ready);
    out.u16(ready.port);
    out.varint(ready.read_only_methods.size());
    for (const std::string& method : ready.read_only_methods) {
      if (method.size() > kMethodBytesMax) return false;
      out.string(method);
    }
    return true;
  }
  bool operator()(const CannotStart& failure) const {
    kind(ControlKind::cannot_start);
    out.u8(failure.exit_code);
    out.string(cut_text(failure.reason, kTextBytesMax));
    return true;
  }
  bool operator()(const core::Resignation& resignation) const {
    kind(ControlKind::resignation);
    out.number(resignation.task);
    out.uuid(resignation.seat.life);
    out.number(resignation.seat.counter);
    enumerator(resignation.blame);
    out.string(cut_text(resignation.reason, kTextBytesMax));
    return true;
  }
  bool operator()(const core::AdvanceAsk& ask) const {
    kind(ControlKind::advance_ask);
    out.number(ask.task);
    out.number(ask.term);
    out.number(ask.from);
    return true;
  }
  bool operator()(const core::FinishAsk& ask) const {
    if (ask.result.size() > kResultBytesMax) return false;
    kind(ControlKind::finish_ask);
    out.number(ask.task);
    out.number(ask.term);
    out.number(ask.epoch);
    enumerator(ask.status);
    out.string(ask.result);
    return true;
  }
  bool operator()(const core::effect::AllStopped&) const {
    kind(ControlKind::all_stopped);
    return true;
  }
  bool operator()(const Fenced&) const {
    kind(ControlKind::fenced);
    return true;
  }
  bool operator()(const Counters& counters) const {
    kind(ControlKind::counters);
    out.varint(counters.replicas);
    out.varint(counters.pulls);
    out.varint(counters.failures);
    out.varint(counters.frames_dropped);
    return true;
  }
  bool operator()(const core::ReplicaMoment& moment) const {
    kind(ControlKind::replica_moment);
    enumerator(moment.what);
    out.number(moment.task);
    out.uuid(moment.seat.life);
    out.number(moment.seat.counter);
    out.number(moment.term);
    out.varint(static_cast<std::uint64_t>(moment.at.ns));
    return true;
  }
  bool operator()(const SlowPullsTold& told) const {
    if (told.pulls.size() > core::SlowPulls::kMax) return false;
    kind(ControlKind::slow_pulls);
    out.varint(told.pulls.size());
    for (const core::SlowPull& pull : told.pulls) {
      if (pull.method.size() > kMethodBytesMax) return false;
      out.number(pull.from);
      out.number(pull.to);
      out.string(pull.method);
      out.varint(static_cast<std::uint64_t>(pull.took.ns));
      out.number(pull.epoch);
    }
    return true;
  }
};

template <typename ControlMessage>
bool encode_any(const ControlMessage& message, ControlKind part_kind, std::string& out) {
  const std::size_t start = out.size();
  Encoder encoder(out);
  encoder.u32(0);  // the length, known when all is written
  const bool fits = std::visit(PutControl{encoder, part_kind}, message);
  encoder.flush();
  const std::size_t length = out.size() - start - kLengthBytes;
  if (!fits || length > kControlBytesMax) {
    out.resize(start);
    return false;
  }
  put_length(out, start, length);
  return true;
}

// ---------------------------------------------------------------- reading

Addresses get_addresses(Decoder& in) {
  Addresses addresses;
  const std::size_t count = in.count("the addresses", kAddressesMax, kAddressBytes);
  addresses.lives.reserve(count);
  for (std::size_t i = 0; i < count && in.ok(); ++i) {
    const auto life = in.uuid<core::LifeId>("the life");
    addresses.lives.push_back({life, in.u16("the port")});
  }
  return addresses;
}

Setup get_setup(Decoder& in) {
  Setup setup;
  setup.job = in.uuid<core::JobId>("the job");
  setup.life = in.uuid<core::LifeId>("the life");
  setup.secret = in.string("the secret", kSetupTextBytesMax);
  setup.topology_name = in.string("the topology's name", kSetupTextBytesMax);
  setup.topology = in.string("the topology", kSetupTextBytesMax);
  setup.topology_directory = in.string("the topology's directory", kSetupTextBytesMax);
  setup.plugin_file = in.string("the plugin's file", kSetupTextBytesMax);
  setup.chaos = in.string("the chaos", kSetupTextBytesMax);
  setup.journal_folder = in.string("the journal's folder", kSetupTextBytesMax);
  setup.threads = static_cast<std::uint32_t>(in.varint("the threads", UINT32_MAX));
  setup.log_level = in.enumerator("the log level", config::LogLevel::error);
  setup.log_format = in.enumerator("the log format", config::LogFormat::json);
  const std::uint8_t colour = in.u8("the colour");
  if (colour > 1) in.fail(WireError::Kind::malformed, "the colour is neither 0 nor 1");
  setup.colour = colour == 1;
  return setup;
}

Ready get_ready(Decoder& in) {
  Ready ready;
  ready.port = in.u16("the port");
  const std::size_t count = in.count("the read-only methods", kReadOnlyMethodsMax, 1);
  for (std::size_t i = 0; i < count && in.ok(); ++i) {
    ready.read_only_methods.emplace_back(in.string("the method", kMethodBytesMax));
  }
  return ready;
}

CannotStart get_cannot_start(Decoder& in) {
  CannotStart failure;
  failure.exit_code = in.u8("the exit code");
  failure.reason = in.string("the reason", kTextBytesMax);
  return failure;
}

core::Resignation get_resignation(Decoder& in) {
  core::Resignation resignation;
  resignation.task = in.number<core::TaskId>("the task");
  resignation.seat.life = in.uuid<core::LifeId>("the seat's life");
  resignation.seat.counter = in.number<core::ReplicaCounter>("the seat's counter");
  resignation.blame = in.enumerator("the blame", core::Blame::outside);
  resignation.reason = in.string("the reason", kTextBytesMax);
  return resignation;
}

core::AdvanceAsk get_advance_ask(Decoder& in) {
  core::AdvanceAsk ask;
  ask.task = in.number<core::TaskId>("the task");
  ask.term = in.number<core::Term>("the term");
  ask.from = in.number<core::Epoch>("the epoch");
  return ask;
}

core::FinishAsk get_finish_ask(Decoder& in) {
  core::FinishAsk ask;
  ask.task = in.number<core::TaskId>("the task");
  ask.term = in.number<core::Term>("the term");
  ask.epoch = in.number<core::Epoch>("the epoch");
  ask.status = in.enumerator("the status", core::JobStatus::failed);
  ask.result = in.string("the result", kResultBytesMax);
  return ask;
}

Counters get_counters(Decoder& in) {
  Counters counters;
  counters.replicas = static_cast<std::uint32_t>(in.varint("the replicas", UINT32_MAX));
  counters.pulls = in.varint("the pulls");
  counters.failures = in.varint("the failures");
  counters.frames_dropped = in.varint("the dropped frames");
  return counters;
}

core::ReplicaMoment get_replica_moment(Decoder& in) {
  core::ReplicaMoment moment;
  moment.what = in.enumerator("what happened", core::ReplicaMoment::What::served);
  moment.task = in.number<core::TaskId>("the task");
  moment.seat.life = in.uuid<core::LifeId>("the seat's life");
  moment.seat.counter = in.number<core::ReplicaCounter>("the seat's counter");
  moment.term = in.number<core::Term>("the term");
  moment.at.ns = static_cast<std::int64_t>(in.varint("the time", INT64_MAX));
  return moment;
}

SlowPullsTold get_slow_pulls(Decoder& in) {
  SlowPullsTold told;
  const std::size_t count = in.count("the pulls", core::SlowPulls::kMax, kSlowPullBytesMin);
  for (std::size_t i = 0; i < count && in.ok(); ++i) {
    core::SlowPull pull;
    pull.from = in.number<core::TaskId>("the requester");
    pull.to = in.number<core::TaskId>("the server");
    pull.method = in.string("the method", kMethodBytesMax);
    pull.took.ns = static_cast<std::int64_t>(in.varint("the duration", INT64_MAX));
    pull.epoch = in.number<core::Epoch>("the epoch");
    told.pulls.push_back(std::move(pull));
  }
  return told;
}

ToWorker get_to_worker(Decoder& in, ControlKind kind) {
  switch (kind) {
    case ControlKind::view_pushed:
      return core::event::ViewPushed{get_view(in)};
    case ControlKind::epoch_pushed:
      return core::event::EpochPushed{in.number<core::Epoch>("the epoch")};
    case ControlKind::stop_all:
      return core::event::StopAll{in.enumerator("the reason", core::ExitReason::replaced)};
    case ControlKind::addresses:
      return get_addresses(in);
    case ControlKind::setup:
      return get_setup(in);
    case ControlKind::outside_request_start:
      return get_outside_request(in);
    case ControlKind::outside_end:
      return get_outside_end(in);
    case ControlKind::part_to_worker:
      return get_body_part(in);
    default:
      in.fail(WireError::Kind::malformed,
              "no message of kind " + std::to_string(static_cast<unsigned>(kind)) + " goes to a worker", 0);
      return Addresses{};
  }
}

ToSupervisor get_to_supervisor(Decoder& in, ControlKind kind) {
  switch (kind) {
    case ControlKind::resignation:
      return get_resignation(in);
    case ControlKind::advance_ask:
      return get_advance_ask(in);
    case ControlKind::finish_ask:
      return get_finish_ask(in);
    case ControlKind::all_stopped:
      return core::effect::AllStopped{};
    case ControlKind::fenced:
      return Fenced{};
    case ControlKind::counters:
      return get_counters(in);
    case ControlKind::ready:
      return get_ready(in);
    case ControlKind::cannot_start:
      return get_cannot_start(in);
    case ControlKind::outside_reply_start:
      return get_outside_reply(in);
    case ControlKind::part_to_supervisor:
      return get_body_part(in);
    case ControlKind::replica_moment:
      return get_replica_moment(in);
    case ControlKind::slow_pulls:
      return get_slow_pulls(in);
    default:
      in.fail(WireError::Kind::malformed,
              "no message of kind " + std::to_string(static_cast<unsigned>(kind)) + " goes to a supervisor", 0);
      return core::effect::AllStopped{};
  }
}

template <typename ControlMessage>
std::variant<ControlMessage, WireError> decode_any(std::string_view bytes,
                                                   ControlMessage (*get)(Decoder&, ControlKind)) {
  Decoder in(bytes);
  const auto kind = static_cast<ControlKind>(in.u8("the kind of the message"));
  ControlMessage message = get(in, kind);
  in.expect_end("the message");
  if (!in.ok()) return *in.error();
  return message;
}

}  // namespace

bool encode(const ToWorker& message, std::string& out) {
  return encode_any(message, ControlKind::part_to_worker, out);
}

bool encode(const ToSupervisor& message, std::string& out) {
  return encode_any(message, ControlKind::part_to_supervisor, out);
}

std::variant<ToWorker, WireError> decode_to_worker(std::string_view message) {
  return decode_any<ToWorker>(message, get_to_worker);
}

std::variant<ToSupervisor, WireError> decode_to_supervisor(std::string_view message) {
  return decode_any<ToSupervisor>(message, get_to_supervisor);
}

}  // namespace taskgraph::wire
