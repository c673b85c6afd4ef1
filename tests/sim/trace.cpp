#include "tests/sim/trace.hpp"

#include <cstdio>

namespace taskgraph::sim {
namespace {

using namespace core;

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) out += c >= ' ' && c <= '~' ? c : '.';
  return out + "\"";
}

std::string number(std::uint64_t value) {
  return std::to_string(value);
}

struct Words {
  const Topology& topology;

  std::string link(LinkIndex index) const { return topology.link(index).name; }
  std::string operator()(const effect::BecamePrimary& e) const { return "became_primary " + number(e.term.value); }
  std::string operator()(const effect::BecameBackup&) const { return "became_backup"; }
  std::string operator()(const effect::EnterEpoch& e) const { return "enter_epoch " + number(e.epoch.value); }
  std::string operator()(const effect::DeliverFlag& e) const {
    return "flag_raised " + link(e.link) + " " + number(e.from.value) + " " + quoted(e.meta.view());
  }
  std::string operator()(const effect::Serve& e) const {
    return "serve " + (e.from.has_value() ? number(e.from->value) : "outside") + " " + quoted(e.method);
  }
  std::string operator()(const effect::PullEnded& e) const {
    std::string text = "pull_ended ";
    text += name_of(e.outcome);
    if (e.code != 0) text += " " + std::to_string(e.code);
    if (e.outcome == Outcome::value) text += " " + quoted(e.body.view());
    return text;
  }
  std::string operator()(const effect::NeighbourChanged& e) const {
    const char* change = e.change == NeighbourChange::failed ? " failed" : " restarted";
    return "neighbour_changed " + link(e.link) + " " + number(e.neighbour.value) + change;
  }
  std::string operator()(const effect::Exit& e) const {
    const char* const reasons[] = {"job_ended", "drain", "replaced"};
    return std::string("exit ") + reasons[static_cast<std::size_t>(e.reason)];
  }
  std::string operator()(const effect::Failed& e) const { return "failed " + quoted(e.reason); }
  std::string operator()(const effect::Send& e) const { return "send " + describe(e.frame); }
  std::string operator()(const effect::ReplyOutside& e) const {
    const char* const kinds[] = {"answered", "busy", "not_here"};
    return "reply_outside " + number(e.reply.name.asker.low) + "." + number(e.reply.name.number) + " " +
           kinds[static_cast<std::size_t>(e.reply.kind)];
  }
  std::string operator()(const effect::ViewApplied& e) const {
    return "view_applied " + number(e.version.value) + " flags " + number(e.flags.size());
  }
  std::string operator()(const effect::AskSeal& e) const { return "ask_seal " + number(e.term.value); }
  std::string operator()(const effect::AskAdvance& e) const { return "ask_advance " + number(e.from.value); }
  std::string operator()(const effect::AskFinish& e) const { return "ask_finish " + number(e.epoch.value); }
};

struct BodyWords {
  std::string operator()(const Acknowledgement&) const { return "acknowledgement"; }
  std::string operator()(const Flag& flag) const {
    return "flag " + number(flag.name.origin_term.value) + "." + number(flag.name.index) + " " +
           quoted(flag.meta.view());
  }
  std::string operator()(const PullRequest& request) const {
    return "pull " + number(request.pull) + " " + quoted(request.method);
  }
  std::string operator()(const PullAnswer& answer) const {
    std::string text = "answer " + number(answer.pull) + " ";
    text += name_of(answer.outcome);
    return text;
  }
};

std::uint64_t combine(std::uint64_t a, std::uint64_t b) {
  return Random::mix(a * 31 + b + 1);
}

struct BodyPrint {
  std::uint64_t operator()(const Acknowledgement&) const { return 1; }
  std::uint64_t operator()(const Flag& flag) const {
    return combine(combine(flag.name.origin_term.value, flag.name.index),
                   combine(flag.link.value, fingerprint(flag.meta.view())));
  }
  std::uint64_t operator()(const PullRequest& request) const {
    return combine(request.pull, combine(fingerprint(request.method), fingerprint(request.body.view())));
  }
  std::uint64_t operator()(const PullAnswer& answer) const {
    return combine(answer.pull, combine(static_cast<std::uint64_t>(answer.outcome), fingerprint(answer.body.view())));
  }
};

struct EffectPrint {
  std::uint64_t operator()(const effect::BecamePrimary& e) const { return e.term.value; }
  std::uint64_t operator()(const effect::BecameBackup&) const { return 0; }
  std::uint64_t operator()(const effect::EnterEpoch& e) const { return e.epoch.value; }
  std::uint64_t operator()(const effect::DeliverFlag& e) const {
    return combine(e.from.value, fingerprint(e.meta.view()));
  }
  std::uint64_t operator()(const effect::Serve& e) const { return combine(e.serve, fingerprint(e.body.view())); }
  std::uint64_t operator()(const effect::PullEnded& e) const {
    return combine(e.token, static_cast<std::uint64_t>(e.outcome));
  }
  std::uint64_t operator()(const effect::NeighbourChanged& e) const {
    return combine(e.neighbour.value, static_cast<std::uint64_t>(e.change));
  }
  std::uint64_t operator()(const effect::Exit& e) const { return static_cast<std::uint64_t>(e.reason); }
  std::uint64_t operator()(const effect::Failed& e) const { return fingerprint(e.reason); }
  std::uint64_t operator()(const effect::Send& e) const {
    const Stamp& stamp = e.frame.stamp;
    return combine(combine(stamp.from.value, stamp.to.value), combine(stamp.sequence, stamp.acknowledged));
  }
  std::uint64_t operator()(const effect::ReplyOutside& e) const {
    return combine(combine(e.reply.name.asker.low, e.reply.name.number), static_cast<std::uint64_t>(e.reply.kind));
  }
  std::uint64_t operator()(const effect::ViewApplied& e) const { return combine(e.version.value, e.flags.size()); }
  std::uint64_t operator()(const effect::AskSeal& e) const { return combine(e.version.value, e.lives.size()); }
  std::uint64_t operator()(const effect::AskAdvance& e) const { return combine(e.term.value, e.from.value); }
  std::uint64_t operator()(const effect::AskFinish& e) const { return combine(e.term.value, e.epoch.value); }
};

}  // namespace

void Trace::line(Time now, const std::string& text) const {
  if (print_)
    std::printf("%10lld.%06lld ms  %s\n", static_cast<long long>(now.ns / 1'000'000),
                static_cast<long long>(now.ns % 1'000'000), text.c_str());
}

std::string describe(const ReplicaEffect& effect, const Topology& topology) {
  return std::visit(Words{topology}, effect);
}

std::string describe(const Frame& frame) {
  const Stamp& stamp = frame.stamp;
  return number(stamp.from.value) + "@" + number(stamp.from_term.value) + " to " + number(stamp.to.value) + "@" +
         number(stamp.to_term.value) + " epoch " + number(stamp.epoch.value) + " #" + number(stamp.sequence) + " ack " +
         number(stamp.acknowledged) + " " + std::visit(BodyWords{}, frame.body);
}

std::string describe(const dataplane::PlaneLimits& limits) {
  return "wire: bodies up to " + number(limits.eager_bytes_max) + " bytes are sent along; up to " +
         number(limits.queued_bytes_max) + " bytes and " + number(limits.fetches_max) + " fetches wait per peer; " +
         number(limits.blobs_bytes_max) + " bytes to be fetched, for " + std::to_string(limits.blob_kept.ns / 1'000) +
         " us";
}

std::string describe(const Transaction& transaction) {
  static constexpr const char* kKinds[] = {"spec", "view", "epoch",     "shard",      "host",
                                           "life", "gone", "suspected", "controller", "status"};
  std::string text;
  for (const Transaction::Write& write : transaction.writes) {
    text += write.document == nullptr ? " -" : " ";
    text += kKinds[static_cast<std::size_t>(write.key.kind)];
    text += "/" + number(write.key.low);
    if (write.document == nullptr) continue;
    if (const auto* epoch = std::get_if<EpochDocument>(write.document.get())) text += "=" + number(epoch->epoch.value);
    if (const auto* view = std::get_if<ViewDocument>(write.document.get())) text += "=" + number(view->version.value);
    const auto* shard = std::get_if<ShardDocument>(write.document.get());
    if (shard == nullptr) continue;
    text += "=";
    for (const TaskAssignment& task : shard->tasks) {
      text += "(" + number(task.term.value) + ":" + number(task.primary.life.low);
      for (const Seat& backup : task.backups) text += "," + number(backup.life.low);
      text += ")";
    }
  }
  return text;
}

std::string_view name_of(Outcome outcome) {
  static constexpr std::string_view kNames[] = {"value", "error", "peer_lost", "epoch_passed", "cancelled", "deadline"};
  return kNames[static_cast<std::size_t>(outcome)];
}

std::string_view name_of(Role role) {
  static constexpr std::string_view kNames[] = {"none", "primary", "backup"};
  return kNames[static_cast<std::size_t>(role)];
}

std::string_view name_of(JobStatus status) {
  return status == JobStatus::done ? "done" : "failed";
}

/// FNV-1a, 64 bit. Of what is long, the ends and the size will do.
std::uint64_t fingerprint(std::string_view text) {
  constexpr std::size_t kEnd = 64;
  if (text.size() > 2 * kEnd) {
    const std::uint64_t ends = combine(fingerprint(text.substr(0, kEnd)), fingerprint(text.substr(text.size() - kEnd)));
    return combine(ends, text.size());
  }
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return hash;
}

std::uint64_t fingerprint(const FrameBody& body) {
  return std::visit(BodyPrint{}, body);
}

std::uint64_t fingerprint(const ReplicaEffect& effect) {
  return combine(effect.index(), std::visit(EffectPrint{}, effect));
}

}  // namespace taskgraph::sim
