#include "host/wire/frame_codec.hpp"

#include <utility>

#include "host/core/assert.hpp"
#include "host/wire/encoder.hpp"
#include "host/wire/fields.hpp"

namespace taskgraph::wire {

namespace {

enum class MessageKind : std::uint8_t {
  acknowledgement = 1,
  flag = 2,
  pull_request = 3,
  pull_answer = 4,
  announced_request = 5,
  announced_answer = 6,
  seal_ask = 7,
  seal_ack_part = 8
};

void put(Encoder& out, MessageKind kind) {
  out.u8(static_cast<std::uint8_t>(kind));
}

/// What user code may be told of an answer by the one who answers; the other outcomes are the requester's own.
bool is_answer(core::Outcome outcome) {
  return outcome == core::Outcome::value || outcome == core::Outcome::error || outcome == core::Outcome::epoch_passed;
}

// ---------------------------------------------------------------- writing

void put(Encoder& out, const core::Stamp& stamp) {
  out.number(stamp.from);
  out.number(stamp.from_term);
  out.number(stamp.to);
  out.number(stamp.to_term);
  out.number(stamp.epoch);
  out.varint(stamp.sequence);
  out.varint(stamp.acknowledged);
}

void put(Encoder& out, const Blob& blob) {
  TG_ASSERT(blob.size_bytes > 0);
  out.uuid(blob.id);
  out.varint(blob.size_bytes);
}

void put_answer_head(Encoder& out, std::uint64_t pull, core::Outcome outcome, std::int32_t code) {
  TG_ASSERT(is_answer(outcome));
  out.varint(pull);
  out.varint(static_cast<std::uint64_t>(outcome));
  out.signed_varint(code);
}

/// The kind, the stamp and the fields of a frame's body.
struct PutFrame {
  Encoder& out;
  const core::Stamp& stamp;

  void head(MessageKind kind) const {
    put(out, kind);
    put(out, stamp);
  }
  void operator()(const core::Acknowledgement&) const { head(MessageKind::acknowledgement); }
  void operator()(const core::Flag& flag) const {
    head(MessageKind::flag);
    put_flag(out, flag);
  }
  void operator()(const core::PullRequest& request) const {
    head(MessageKind::pull_request);
    out.varint(request.pull);
    out.string(request.method);
    out.string(request.body.view());
  }
  void operator()(const core::PullAnswer& answer) const {
    head(MessageKind::pull_answer);
    put_answer_head(out, answer.pull, answer.outcome, answer.code);
    out.string(answer.body.view());
  }
};

struct FitsInline {
  bool operator()(const core::Acknowledgement&) const { return true; }
  bool operator()(const core::Flag& flag) const { return flag.meta.size() <= kEagerBytesMax; }
  bool operator()(const core::PullRequest& request) const {
    return request.method.size() <= kMethodBytesMax && request.body.size() <= kEagerBytesMax;
  }
  bool operator()(const core::PullAnswer& answer) const { return answer.body.size() <= kEagerBytesMax; }
};

// ---------------------------------------------------------------- reading

core::Stamp get_stamp(Decoder& in, core::JobId job) {
  core::Stamp stamp;
  stamp.job = job;
  stamp.from = in.number<core::TaskId>("the sender's task");
  stamp.from_term = in.number<core::Term>("the sender's term");
  stamp.to = in.number<core::TaskId>("the receiver's task");
  stamp.to_term = in.number<core::Term>("the receiver's term");
  stamp.epoch = in.number<core::Epoch>("the epoch");
  stamp.sequence = in.varint("the sequence");
  stamp.acknowledged = in.varint("the acknowledged sequence");
  return stamp;
}

Blob get_blob(Decoder& in) {
  Blob blob;
  blob.id = in.uuid<BlobId>("the blob's id");
  const std::size_t at = in.offset_bytes();
  blob.size_bytes = in.varint("the blob's size");
  if (in.ok() && blob.size_bytes == 0) in.fail(WireError::Kind::malformed, "a blob of 0 bytes is announced", at);
  return blob;
}

/// For core::PullAnswer and AnnouncedAnswer.
template <typename Answer>
void get_answer_head(Decoder& in, Answer& answer) {
  answer.pull = in.varint("the pull's name");
  const std::size_t at = in.offset_bytes();
  answer.outcome = in.enumerator("the outcome", core::Outcome::deadline);
  if (in.ok() && !is_answer(answer.outcome)) {
    in.fail(WireError::Kind::malformed,
            "outcome " + std::to_string(static_cast<unsigned>(answer.outcome)) + " is not one of an answer", at);
  }
  answer.code = in.signed_varint("the error's code");
}

/// For core::PullRequest and AnnouncedRequest.
template <typename Request>
void get_request_head(Decoder& in, Request& request) {
  request.pull = in.varint("the pull's name");
  request.method = in.string("the method", kMethodBytesMax);
}

core::Bytes get_body(Decoder& in) {
  return core::Bytes(in.string("the body", kEagerBytesMax));
}

core::SealAsk get_seal_ask(Decoder& in) {
  core::SealAsk ask;
  ask.task = in.number<core::TaskId>("the sealed task");
  ask.term = in.number<core::Term>("the sealed term");
  ask.version = in.number<core::ViewVersion>("the view's version");
  ask.asker = in.uuid<core::LifeId>("the asker's life");
  return ask;
}

SealAckPart get_seal_ack_part(Decoder& in) {
  SealAckPart part;
  part.ack.task = in.number<core::TaskId>("the sealed task");
  part.ack.term = in.number<core::Term>("the sealed term");
  part.ack.life = in.uuid<core::LifeId>("the acknowledging life");
  part.serial = in.varint("the acknowledgement's serial");
  part.part = static_cast<std::uint32_t>(in.varint("the part's number", kSealPartsMax - 1));
  const std::size_t at = in.offset_bytes();
  part.parts = static_cast<std::uint32_t>(in.varint("the number of parts", kSealPartsMax));
  if (in.ok() && part.part >= part.parts) {
    in.fail(WireError::Kind::malformed, "part " + std::to_string(part.part) + " of only " + std::to_string(part.parts),
            at);
  }
  const std::size_t count = in.count("the stored flags", kSealPartFlagsMax, kStoredFlagBytesMin);
  part.ack.flags.reserve(count);
  for (std::size_t i = 0; i < count && in.ok(); ++i) part.ack.flags.push_back(get_stored_flag(in));
  return part;
}

/// `stamp` must be read before the body: the fields stand in this order.
core::Frame get_frame(Decoder& in, core::JobId job, MessageKind kind) {
  core::Frame frame{get_stamp(in, job), core::Acknowledgement{}};
  if (kind == MessageKind::flag) {
    frame.body = get_flag(in);
  } else if (kind == MessageKind::pull_request) {
    auto& request = frame.body.emplace<core::PullRequest>();
    get_request_head(in, request);
    request.body = get_body(in);
  } else if (kind == MessageKind::pull_answer) {
    auto& answer = frame.body.emplace<core::PullAnswer>();
    get_answer_head(in, answer);
    answer.body = get_body(in);
  }
  return frame;
}

AnnouncedRequest get_announced_request(Decoder& in, core::JobId job) {
  AnnouncedRequest request;
  request.stamp = get_stamp(in, job);
  get_request_head(in, request);
  request.body = get_blob(in);
  return request;
}

AnnouncedAnswer get_announced_answer(Decoder& in, core::JobId job) {
  AnnouncedAnswer answer;
  answer.stamp = get_stamp(in, job);
  get_answer_head(in, answer);
  answer.body = get_blob(in);
  return answer;
}

Message get_message(Decoder& in, core::JobId job) {
  const std::uint8_t kind = in.u8("the kind of the message");
  switch (static_cast<MessageKind>(kind)) {
    case MessageKind::acknowledgement:
    case MessageKind::flag:
    case MessageKind::pull_request:
    case MessageKind::pull_answer:
      return get_frame(in, job, static_cast<MessageKind>(kind));
    case MessageKind::announced_request:
      return get_announced_request(in, job);
    case MessageKind::announced_answer:
      return get_announced_answer(in, job);
    case MessageKind::seal_ask:
      return get_seal_ask(in);
    case MessageKind::seal_ack_part:
      return get_seal_ack_part(in);
    default:
      in.fail(WireError::Kind::malformed, "there is no message of kind " + std::to_string(kind), in.offset_bytes() - 1);
      return core::Frame{};
  }
}

BatchHeader get_header(Decoder& in) {
  if (in.remaining_bytes() > kBatchBytesMax) {
    in.fail(WireError::Kind::too_large, "the batch has " + std::to_string(in.remaining_bytes()) + " bytes; at most " +
                                            std::to_string(kBatchBytesMax));
  }
  if (in.raw("the batch's magic", kBatchMagic.size()) != kBatchMagic) {
    in.fail(WireError::Kind::malformed,
            "no batch of TaskGraph: it does not begin with \"" + std::string(kBatchMagic) + '"', 0);
  }
  BatchHeader header;
  const std::size_t at = in.offset_bytes();
  header.version = in.u16("the wire version");
  check_version(in, header.version, at);
  header.job = in.uuid<core::JobId>("the job's id");
  header.from = in.uuid<core::LifeId>("the sender's life");
  header.to = in.uuid<core::LifeId>("the receiver's life");
  return in.ok() ? header : BatchHeader{{}, {}, {}, 0};
}

}  // namespace

// ---------------------------------------------------------------- BatchWriter

BatchWriter::BatchWriter(std::string& out, const BatchHeader& header)
    : out_(out), job_(header.job), start_(out.size()) {
  TG_ASSERT(header.version == kWireVersion);
  Encoder encoder(out_);
  encoder.raw(kBatchMagic);
  encoder.u16(header.version);
  encoder.uuid(header.job);
  encoder.uuid(header.from);
  encoder.uuid(header.to);
  encoder.flush();
}

template <typename Fill>
BatchWriter::Added BatchWriter::write(Fill fill) {
  if (messages_ == kBatchMessagesMax) return Added::batch_full;
  const std::size_t start = out_.size();
  Encoder encoder(out_);
  encoder.u32(0);  // the length, known when all is written
  fill(encoder);
  encoder.flush();
  const std::size_t length = out_.size() - start - kLengthBytes;
  if (length > kMessageBytesMax || bytes() > kBatchBytesMax) {
    out_.resize(start);
    return length > kMessageBytesMax ? Added::too_large : Added::batch_full;
  }
  put_length(out_, start, length);
  ++messages_;
  return Added::added;
}

BatchWriter::Added BatchWriter::add(const core::Frame& frame) {
  TG_ASSERT(frame.stamp.job == job_);
  if (!std::visit(FitsInline{}, frame.body)) return Added::too_large;
  return write([&](Encoder& out) { std::visit(PutFrame{out, frame.stamp}, frame.body); });
}

BatchWriter::Added BatchWriter::add(const AnnouncedRequest& request) {
  TG_ASSERT(request.stamp.job == job_);
  if (request.method.size() > kMethodBytesMax) return Added::too_large;
  return write([&](Encoder& out) {
    put(out, MessageKind::announced_request);
    put(out, request.stamp);
    out.varint(request.pull);
    out.string(request.method);
    put(out, request.body);
  });
}

BatchWriter::Added BatchWriter::add(const AnnouncedAnswer& answer) {
  TG_ASSERT(answer.stamp.job == job_);
  return write([&](Encoder& out) {
    put(out, MessageKind::announced_answer);
    put(out, answer.stamp);
    put_answer_head(out, answer.pull, answer.outcome, answer.code);
    put(out, answer.body);
  });
}

BatchWriter::Added BatchWriter::add(const core::SealAsk& ask) {
  return write([&](Encoder& out) {
    put(out, MessageKind::seal_ask);
    out.number(ask.task);
    out.number(ask.term);
    out.number(ask.version);
    out.uuid(ask.asker);
  });
}

BatchWriter::Added BatchWriter::add(const SealAckPart& part) {
  TG_ASSERT(part.part < part.parts && part.parts <= kSealPartsMax);
  if (part.ack.flags.size() > kSealPartFlagsMax) return Added::too_large;
  return write([&](Encoder& out) {
    put(out, MessageKind::seal_ack_part);
    out.number(part.ack.task);
    out.number(part.ack.term);
    out.uuid(part.ack.life);
    out.varint(part.serial);
    out.varint(part.part);
    out.varint(part.parts);
    out.varint(part.ack.flags.size());
    for (const core::StoredFlag& stored : part.ack.flags) put_stored_flag(out, stored);
  });
}

BatchWriter::Added BatchWriter::add(const Message& message) {
  return std::visit([this](const auto& one) { return add(one); }, message);
}

// ---------------------------------------------------------------- BatchReader

BatchReader::BatchReader(std::string_view batch) : in_(batch), header_(get_header(in_)) {}

std::optional<Message> BatchReader::next() {
  if (!in_.ok() || in_.remaining_bytes() == 0) return std::nullopt;
  if (messages_ == kBatchMessagesMax) {
    in_.fail(WireError::Kind::too_large, "more than " + std::to_string(kBatchMessagesMax) + " messages");
    return std::nullopt;
  }
  const std::size_t at = in_.offset_bytes();
  const std::size_t length = in_.u32("the length of a message");
  if (length > kMessageBytesMax) {
    in_.fail(WireError::Kind::too_large,
             "a message of " + std::to_string(length) + " bytes; at most " + std::to_string(kMessageBytesMax), at);
    return std::nullopt;
  }
  const std::size_t start = in_.offset_bytes();
  Decoder body(in_.raw("a message", length), start);
  if (!in_.ok()) return std::nullopt;
  std::optional<Message> message = get_message(body, header_.job);
  body.expect_end("the message");
  if (!body.ok()) {
    in_.fail_as(body);
    return std::nullopt;
  }
  ++messages_;
  return message;
}

}  // namespace taskgraph::wire
