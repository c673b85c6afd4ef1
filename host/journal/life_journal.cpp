#include "host/journal/life_journal.hpp"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>
#include <variant>

#include "host/journal/json_line.hpp"
#include "host/journal/machine.hpp"

namespace taskgraph::journal {
namespace {

LifeJournal::Append append_to(const std::filesystem::path& folder, core::LifeId life) {
  const std::string name = "events." + config::uuid_text(life) + ".jsonl";
  auto file = std::make_shared<LineFile>(folder / name, UINT64_MAX);
  return [file](std::string_view line) { return file->append(line); };
}

constexpr std::array kOutcomes{"value", "error", "peer lost", "epoch passed", "cancelled", "deadline"};

}  // namespace

LifeJournal::LifeJournal(const std::filesystem::path& folder, core::JobId job, core::LifeId life,
                         std::function<void(const std::string&)> warn)
    : LifeJournal(append_to(folder, life), job, life, std::move(warn)) {}

LifeJournal::LifeJournal(Append append, core::JobId job, core::LifeId life,
                         std::function<void(const std::string&)> warn)
    : warn_(std::move(warn)), append_(std::move(append)) {
  JsonLine line;
  line.add("v", kFormatVersion).add("kind", "life").add("job", job).add("life", life).add("boot", boot_id());
  line.add_signed("pid", ::getpid());
  write(line);
}

void LifeJournal::all_stopped(core::Time now) {
  JsonLine line;
  line.add("v", kFormatVersion).add("kind", "stopped").add("ns", now);
  write(line);
}

void LifeJournal::write(JsonLine& line) {
  const std::lock_guard lock(mutex_);
  if (cut_) return;
  const std::string text = line.take();
  bytes_ += text.size() + 1;
  const int error = bytes_ > kBytesMax ? EFBIG : append_(text);
  if (error == 0) return;
  cut_ = true;  // with a gap it would prove nothing
  warn_(error == EFBIG ? "the file has reached its limit; the rest of this life is not in it"
                       : std::strerror(error));  // NOLINT(concurrency-mt-unsafe): glibc's is safe for known numbers
  JsonLine last;
  append_(last.add("v", kFormatVersion).add("kind", "cut").take());
}

// ---------------------------------------------------------------- one replica

void ReplicaRecorder::begin(JsonLine& line, const char* kind, core::Time now) const {
  line.add("v", kFormatVersion).add("kind", kind).add("ns", now);
  line.add("task", core_.identity().task).add("replica", core_.identity().seat.counter);
}

void ReplicaRecorder::handling(const core::ReplicaEvent& event, core::Time now) {
  arrived_.reset();
  accepted_ = core_.counters().accepted;
  if (const auto* frame = std::get_if<core::event::FrameArrived>(&event)) arrived_ = frame->frame.stamp;
  const auto* start = std::get_if<core::event::StartPull>(&event);
  if (start == nullptr) return;
  JsonLine line;
  begin(line, "pull", now);
  line.add("pull", start->token).add("to", start->to).add("method", start->method).add("epoch", start->epoch);
  journal_.write(line);
}

void ReplicaRecorder::handled(const core::ReplicaEffects& effects, core::Time now) {
  if (arrived_.has_value() && core_.counters().accepted != accepted_) {
    if (arrived_->job != core_.identity().job) {
      JsonLine line;
      begin(line, "foreign", now);
      line.add("peer", arrived_->from).add("job", arrived_->job);
      journal_.write(line);
    }
    note(accepts_[arrived_->from], arrived_->from_term, now, arrived_->from);
  }
  for (const core::ReplicaEffect& effect : effects) {
    std::visit([&](const auto& one) { on(one, now); }, effect);
  }
}

void ReplicaRecorder::note(Span& span, core::Term term, core::Time now, std::optional<core::TaskId> peer) {
  if (span.count != 0 && span.term != term) {
    tell(span, now, peer);
    span = {};
  }
  if (span.count == 0) span.first = now;
  span.term = term;
  span.last = now;
  if (++span.count == 1) tell(span, now, peer);
}

void ReplicaRecorder::tell(Span& span, core::Time now, std::optional<core::TaskId> peer) {
  if (span.told == span.count) return;
  span.told = span.count;
  JsonLine line;
  begin(line, peer.has_value() ? "accept" : "act", now);
  if (peer.has_value()) line.add("peer", *peer);
  line.add("term", span.term).add("first_ns", span.first).add("last_ns", span.last).add("count", span.count);
  journal_.write(line);
}

void ReplicaRecorder::tell_all(core::Time now) {
  tell(acts_, now, std::nullopt);
  for (auto& [peer, span] : accepts_) tell(span, now, peer);
}

void ReplicaRecorder::ended(const char* how, core::Time now) {
  tell_all(now);
  JsonLine line;
  begin(line, "replica", now);
  line.add("role", "ended").add("how", how);
  journal_.write(line);
}

void ReplicaRecorder::on(const core::effect::BecamePrimary& effect, core::Time now) {
  JsonLine line;
  begin(line, "replica", now);
  line.add("role", "primary").add("term", effect.term);
  journal_.write(line);
}
void ReplicaRecorder::on(const core::effect::BecameBackup&, core::Time now) {
  JsonLine line;
  begin(line, "replica", now);
  line.add("role", "backup");
  journal_.write(line);
}
void ReplicaRecorder::on(const core::effect::EnterEpoch& effect, core::Time now) {
  tell_all(now);
  JsonLine line;
  begin(line, "epoch", now);
  line.add("epoch", effect.epoch);
  journal_.write(line);
}
void ReplicaRecorder::on(const core::effect::PullEnded& effect, core::Time now) {
  JsonLine line;
  begin(line, "pulled", now);
  line.add("pull", effect.token).add("outcome", kOutcomes[static_cast<std::size_t>(effect.outcome)]);
  journal_.write(line);
}
void ReplicaRecorder::on(const core::effect::Send&, core::Time now) {
  note(acts_, core_.term(), now, std::nullopt);
}
void ReplicaRecorder::on(const core::effect::AskAdvance& effect, core::Time now) {
  note(acts_, effect.term, now, std::nullopt);
}
void ReplicaRecorder::on(const core::effect::AskFinish& effect, core::Time now) {
  note(acts_, effect.term, now, std::nullopt);
}
void ReplicaRecorder::on(const core::effect::Exit&, core::Time now) {
  ended("exit", now);
}
void ReplicaRecorder::on(const core::effect::Failed&, core::Time now) {
  ended("failed", now);
}

}  // namespace taskgraph::journal
