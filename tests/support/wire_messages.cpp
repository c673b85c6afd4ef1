#include "tests/support/wire_messages.hpp"

#include <array>
#include <memory>
#include <utility>
#include <vector>

namespace taskgraph::tests {

// ---------------------------------------------------------------- random contents

std::uint64_t WireRandom::number() {
  const std::uint64_t power = std::uint64_t{1} << below(64);
  const std::array<std::uint64_t, 6> candidates{0, power - 1, power, power + 1, UINT64_MAX, random_()};
  return candidates[below(candidates.size())];
}

std::string WireRandom::bytes(std::size_t bytes_max) {
  std::string bytes(below(4) == 0 ? 0 : below(bytes_max + 1), '\0');
  for (char& byte : bytes) byte = static_cast<char>(below(256));
  return bytes;
}

core::Stamp WireRandom::stamp(core::JobId job) {
  return {job,
          strong<core::TaskId>(),
          strong<core::Term>(),
          strong<core::TaskId>(),
          strong<core::Term>(),
          strong<core::Epoch>(),
          number(),
          number()};
}

core::Flag WireRandom::flag() {
  return {{strong<core::Term>(), static_cast<std::uint32_t>(number())},
          strong<core::LinkIndex>(),
          core::Bytes(bytes(body_bytes_max_))};
}

core::StoredFlag WireRandom::stored_flag() {
  return {strong<core::TaskId>(), strong<core::Epoch>(), flag()};
}

core::Outcome WireRandom::outcome() {
  constexpr std::array<core::Outcome, 3> kAnswers{core::Outcome::value, core::Outcome::error,
                                                  core::Outcome::epoch_passed};
  return kAnswers[below(kAnswers.size())];
}

std::int32_t WireRandom::code() {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(number()));
}

wire::Blob WireRandom::blob() {
  return {uuid<wire::BlobId>(), number() | 1U};
}

wire::Message WireRandom::message(std::size_t kind, core::JobId job) {
  const auto body = [this] { return core::Bytes(bytes(body_bytes_max_)); };
  switch (kind) {
    case 0:
      return core::Frame{stamp(job), core::Acknowledgement{}};
    case 1:
      return core::Frame{stamp(job), flag()};
    case 2:
      return core::Frame{stamp(job), core::PullRequest{number(), bytes(20), body()}};
    case 3:
      return core::Frame{stamp(job), core::PullAnswer{number(), outcome(), code(), body()}};
    case 4:
      return wire::AnnouncedRequest{stamp(job), number(), bytes(20), blob()};
    case 5:
      return wire::AnnouncedAnswer{stamp(job), number(), outcome(), code(), blob()};
    case 6:
      return core::SealAsk{strong<core::TaskId>(), strong<core::Term>(), strong<core::ViewVersion>(),
                           uuid<core::LifeId>()};
    default: {
      const auto parts = static_cast<std::uint32_t>(1 + below(wire::kSealPartsMax));
      wire::SealAckPart part{
          {strong<core::TaskId>(), strong<core::Term>(), uuid<core::LifeId>(), {}}, number(), 0, parts};
      part.part = static_cast<std::uint32_t>(below(parts));
      for (std::uint64_t left = below(4); left > 0; --left) part.ack.flags.push_back(stored_flag());
      return part;
    }
  }
}

core::Seat WireRandom::seat(const std::vector<core::LifeId>& lives) {
  if (below(4) == 0) return {};
  return {lives[below(lives.size())], strong<core::ReplicaCounter>()};
}

std::vector<core::Seat> WireRandom::seats(const std::vector<core::LifeId>& lives) {
  std::vector<core::Seat> seats;
  for (std::uint64_t left = below(4); left > 0; --left) seats.push_back(seat(lives));
  return seats;
}

core::View WireRandom::view() {
  std::vector<core::HostId> candidates;
  for (std::uint64_t left = below(core::Assignment::kCandidatesMax + 1); left > 0; --left) {
    candidates.push_back(uuid<core::HostId>());
  }
  std::vector<core::LifeId> lives(1 + below(5));
  for (core::LifeId& life : lives) life = uuid<core::LifeId>();
  std::vector<core::TaskAssignment> tasks(below(tasks_max_ + 1));
  for (core::TaskAssignment& task : tasks) {
    task = {strong<core::Term>(), seat(lives), seats(lives), seats(lives), strong<core::ReplicaCounter>()};
  }
  return std::make_shared<const core::Assignment>(strong<core::ViewVersion>(), std::move(candidates), std::move(tasks));
}

wire::ToWorker WireRandom::to_worker(std::size_t kind) {
  switch (kind) {
    case 0:
      return core::event::ViewPushed{view()};
    case 1:
      return core::event::EpochPushed{strong<core::Epoch>()};
    case 2:
      return core::event::StopAll{static_cast<core::ExitReason>(below(3))};
    case 3: {
      wire::Setup setup;
      setup.job = uuid<core::JobId>();
      setup.life = uuid<core::LifeId>();
      for (std::string* text : {&setup.secret, &setup.topology_name, &setup.topology, &setup.topology_directory,
                                &setup.plugin_file, &setup.chaos}) {
        *text = bytes(body_bytes_max_);
      }
      setup.threads = static_cast<std::uint32_t>(number());
      setup.journal_folder = bytes(body_bytes_max_);
      setup.log_level = static_cast<config::LogLevel>(below(4));
      setup.log_format = static_cast<config::LogFormat>(below(2));
      setup.colour = below(2) == 0;
      return setup;
    }
    case 5: {
      wire::OutsideRequestStart start;
      start.request = {outside_name(),         strong<core::TaskId>(),
                       strong<core::Term>(),   {static_cast<std::int64_t>(number() >> 1U)},
                       bytes(body_bytes_max_), core::Bytes(bytes(body_bytes_max_))};
      start.body_bytes = start.request.body.size();
      return start;
    }
    case 6:
      return core::OutsideEnd{outside_name(), strong<core::TaskId>()};
    case 7:
      return body_part();
    default: {  // 4
      wire::Addresses addresses;
      for (std::uint64_t left = below(6); left > 0; --left) {
        addresses.lives.push_back({uuid<core::LifeId>(), static_cast<std::uint16_t>(number())});
      }
      return addresses;
    }
  }
}

core::OutsideName WireRandom::outside_name() {
  const auto asker = uuid<core::HostId>();
  return {asker, number()};
}

wire::BodyPart WireRandom::body_part() {
  part_ = bytes(body_bytes_max_) + "p";
  return {part_};
}

wire::ToSupervisor WireRandom::to_supervisor(std::size_t kind) {
  switch (kind) {
    case 0:
      return core::Resignation{strong<core::TaskId>(),
                               {uuid<core::LifeId>(), strong<core::ReplicaCounter>()},
                               static_cast<core::Blame>(below(3)),
                               bytes(body_bytes_max_)};
    case 1:
      return core::AdvanceAsk{strong<core::TaskId>(), strong<core::Term>(), strong<core::Epoch>()};
    case 2:
      return core::FinishAsk{strong<core::TaskId>(), strong<core::Term>(), strong<core::Epoch>(),
                             static_cast<core::JobStatus>(below(2)), bytes(body_bytes_max_)};
    case 3:
      return core::effect::AllStopped{};
    case 4:
      return wire::Fenced{};
    case 5: {
      wire::Ready ready{static_cast<std::uint16_t>(number()), {}};
      for (std::uint64_t left = below(4); left > 0; --left) ready.read_only_methods.push_back(bytes(body_bytes_max_));
      return ready;
    }
    case 6:
      return wire::CannotStart{static_cast<std::uint8_t>(number()), bytes(body_bytes_max_)};
    case 8: {
      wire::OutsideReplyStart start;
      start.reply.kind = static_cast<core::OutsideReply::Kind>(below(3));
      start.reply.name = outside_name();
      start.reply.task = strong<core::TaskId>();
      start.reply.term = strong<core::Term>();
      start.reply.outcome = static_cast<core::Outcome>(below(2));
      start.reply.code = code();
      start.reply.body = core::Bytes(bytes(body_bytes_max_));
      start.body_bytes = start.reply.body.size();
      return start;
    }
    case 9:
      return body_part();
    case 10:
      return core::ReplicaMoment{static_cast<core::ReplicaMoment::What>(below(4)),
                                 strong<core::TaskId>(),
                                 {uuid<core::LifeId>(), strong<core::ReplicaCounter>()},
                                 strong<core::Term>(),
                                 {static_cast<std::int64_t>(number() >> 1)}};
    case 11: {
      wire::SlowPullsTold told;
      for (std::uint64_t left = below(core::SlowPulls::kMax + 1); left > 0; --left) {
        told.pulls.push_back({strong<core::TaskId>(),
                              strong<core::TaskId>(),
                              bytes(std::min<std::size_t>(body_bytes_max_, wire::kMethodBytesMax)),
                              {static_cast<std::int64_t>(number() >> 1)},
                              strong<core::Epoch>()});
      }
      return told;
    }
    default:  // 7
      return wire::Counters{static_cast<std::uint32_t>(number()), number(), number(), number()};
  }
}

// ---------------------------------------------------------------- text

namespace {

/// Each value behind a name, so that two neighbours cannot be taken for each other.
class Text {
 public:
  explicit Text(const char* kind) : text_(kind) {}
  template <typename Number>
  Text& add(const char* name, Number value) {
    text_ += std::string(" ") + name + '=' + std::to_string(value);
    return *this;
  }
  template <typename Tag, typename Rep>
  Text& add(const char* name, core::Strong<Tag, Rep> value) {
    return add(name, value.value);
  }
  template <typename Tag>
  Text& add(const char* name, const core::Uuid<Tag>& value) {
    return add(name, value.high).add(name, value.low);
  }
  Text& add_bytes(const char* name, std::string_view value) {
    add(name, value.size());
    (text_ += ' ') += value;
    return *this;
  }
  Text& add(const core::Stamp& stamp) {
    add("job", stamp.job).add("from", stamp.from).add("from_term", stamp.from_term).add("to", stamp.to);
    add("to_term", stamp.to_term).add("epoch", stamp.epoch).add("sequence", stamp.sequence);
    return add("acknowledged", stamp.acknowledged);
  }
  Text& add(const core::Flag& flag) {
    add("origin_term", flag.name.origin_term).add("index", flag.name.index).add("link", flag.link);
    return add_bytes("meta", flag.meta.view());
  }
  Text& add(const wire::Blob& blob) { return add("blob", blob.id).add("size", blob.size_bytes); }
  Text& add(const char* name, const core::Seat& seat) { return add(name, seat.life).add("counter", seat.counter); }
  Text& add(const char* name, const std::vector<core::Seat>& seats) {
    add(name, seats.size());
    for (const core::Seat& seat : seats) add(name, seat);
    return *this;
  }
  template <typename Answer>
  Text& add_answer(const Answer& answer) {
    return add("pull", answer.pull).add("outcome", static_cast<int>(answer.outcome)).add("code", answer.code);
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

struct BodyText {
  const core::Stamp& stamp;
  std::string operator()(const core::Acknowledgement&) const { return Text("acknowledgement").add(stamp).take(); }
  std::string operator()(const core::Flag& flag) const { return Text("flag").add(stamp).add(flag).take(); }
  std::string operator()(const core::PullRequest& request) const {
    Text text("request");
    text.add(stamp).add("pull", request.pull).add_bytes("method", request.method);
    return text.add_bytes("body", request.body.view()).take();
  }
  std::string operator()(const core::PullAnswer& answer) const {
    return Text("answer").add(stamp).add_answer(answer).add_bytes("body", answer.body.view()).take();
  }
};

struct MessageText {
  std::string operator()(const core::Frame& frame) const { return std::visit(BodyText{frame.stamp}, frame.body); }
  std::string operator()(const wire::AnnouncedRequest& request) const {
    Text text("announced request");
    text.add(request.stamp).add("pull", request.pull).add_bytes("method", request.method);
    return text.add(request.body).take();
  }
  std::string operator()(const wire::AnnouncedAnswer& answer) const {
    return Text("announced answer").add(answer.stamp).add_answer(answer).add(answer.body).take();
  }
  std::string operator()(const core::SealAsk& ask) const {
    Text text("seal ask");
    text.add("task", ask.task).add("term", ask.term).add("version", ask.version);
    return text.add("asker", ask.asker).take();
  }
  std::string operator()(const wire::SealAckPart& part) const {
    Text text("seal ack part");
    text.add("task", part.ack.task).add("term", part.ack.term).add("life", part.ack.life);
    text.add("serial", part.serial).add("part", part.part).add("parts", part.parts);
    for (const core::StoredFlag& stored : part.ack.flags) {
      text.add("sender", stored.sender).add("epoch", stored.epoch).add(stored.flag);
    }
    return text.take();
  }
};

struct ControlText {
  std::string operator()(const wire::OutsideRequestStart& start) const {
    const core::OutsideRequest& request = start.request;
    Text text("outside request");
    text.add("asker", request.name.asker).add("number", request.name.number).add("task", request.task);
    text.add("term", request.term).add("deadline", request.deadline.ns).add_bytes("method", request.method);
    return text.add_bytes("body", request.body.view()).add("body_bytes", start.body_bytes).take();
  }
  std::string operator()(const core::OutsideEnd& end) const {
    return Text("outside end").add("asker", end.name.asker).add("number", end.name.number).add("task", end.task).take();
  }
  std::string operator()(const wire::OutsideReplyStart& start) const {
    const core::OutsideReply& reply = start.reply;
    Text text("outside reply");
    text.add("kind", static_cast<int>(reply.kind)).add("asker", reply.name.asker).add("number", reply.name.number);
    text.add("task", reply.task).add("term", reply.term).add("outcome", static_cast<int>(reply.outcome));
    text.add("code", reply.code).add_bytes("body", reply.body.view());
    return text.add("body_bytes", start.body_bytes).take();
  }
  std::string operator()(const wire::BodyPart& part) const {
    return Text("part").add_bytes("bytes", part.bytes).take();
  }
  std::string operator()(const core::event::ViewPushed& pushed) const {
    Text text("view");
    text.add("version", pushed.view->version());
    for (const core::HostId host : pushed.view->candidates()) text.add("candidate", host);
    for (const core::LifeId life : pushed.view->lives()) text.add("life", life);
    for (const core::TaskAssignment& task : pushed.view->tasks()) {
      text.add("term", task.term).add("next", task.next_counter).add("primary", task.primary);
      text.add("backups", task.backups).add("in_sync", task.in_sync);
    }
    return text.take();
  }
  std::string operator()(const core::event::EpochPushed& pushed) const {
    return Text("epoch").add("epoch", pushed.epoch).take();
  }
  std::string operator()(const core::event::StopAll& stop) const {
    return Text("stop").add("reason", static_cast<int>(stop.reason)).take();
  }
  std::string operator()(const wire::Addresses& addresses) const {
    Text text("addresses");
    for (const wire::Address& address : addresses.lives) text.add("life", address.life).add("port", address.port);
    return text.take();
  }
  std::string operator()(const wire::Setup& setup) const {
    Text text("setup");
    text.add("job", setup.job).add("life", setup.life).add_bytes("secret", setup.secret);
    text.add_bytes("name", setup.topology_name).add_bytes("topology", setup.topology);
    text.add_bytes("directory", setup.topology_directory).add_bytes("plugin", setup.plugin_file);
    text.add_bytes("chaos", setup.chaos).add_bytes("journal", setup.journal_folder).add("threads", setup.threads);
    text.add("level", static_cast<int>(setup.log_level)).add("format", static_cast<int>(setup.log_format));
    return text.add("colour", static_cast<int>(setup.colour)).take();
  }
  std::string operator()(const wire::Ready& ready) const {
    Text text("ready");
    text.add("port", ready.port);
    for (const std::string& method : ready.read_only_methods) text.add_bytes("method", method);
    return text.take();
  }
  std::string operator()(const wire::CannotStart& failure) const {
    return Text("cannot start").add("code", failure.exit_code).add_bytes("reason", failure.reason).take();
  }
  std::string operator()(const core::Resignation& resignation) const {
    Text text("resignation");
    text.add("task", resignation.task).add("seat", resignation.seat);
    text.add("blame", static_cast<int>(resignation.blame));
    return text.add_bytes("reason", resignation.reason).take();
  }
  std::string operator()(const core::AdvanceAsk& ask) const {
    return Text("advance").add("task", ask.task).add("term", ask.term).add("from", ask.from).take();
  }
  std::string operator()(const core::FinishAsk& ask) const {
    Text text("finish");
    text.add("task", ask.task).add("term", ask.term).add("epoch", ask.epoch);
    return text.add("status", static_cast<int>(ask.status)).add_bytes("result", ask.result).take();
  }
  std::string operator()(const core::effect::AllStopped&) const { return "all stopped"; }
  std::string operator()(const wire::Fenced&) const { return "fenced"; }
  std::string operator()(const wire::Counters& counters) const {
    Text text("counters");
    text.add("replicas", counters.replicas).add("pulls", counters.pulls).add("failures", counters.failures);
    return text.add("dropped", counters.frames_dropped).take();
  }
  std::string operator()(const core::ReplicaMoment& moment) const {
    Text text("moment");
    text.add("what", static_cast<int>(moment.what)).add("task", moment.task).add("seat", moment.seat);
    return text.add("term", moment.term).add("at", moment.at.ns).take();
  }
  std::string operator()(const wire::SlowPullsTold& told) const {
    Text text("slow pulls");
    for (const core::SlowPull& pull : told.pulls) {
      text.add("from", pull.from).add("to", pull.to).add_bytes("method", pull.method);
      text.add("took", pull.took.ns).add("epoch", pull.epoch);
    }
    return text.take();
  }
};

}  // namespace

std::string text_of(const wire::Message& message) {
  return std::visit(MessageText{}, message);
}
std::string text_of(const wire::ToWorker& message) {
  return std::visit(ControlText{}, message);
}
std::string text_of(const wire::ToSupervisor& message) {
  return std::visit(ControlText{}, message);
}

}  // namespace taskgraph::tests
