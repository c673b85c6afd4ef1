#include "tests/sim/application.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <utility>

namespace taskgraph::sim {

using namespace core;

namespace {

constexpr char kFiller = 'p';

}  // namespace

Bytes Label::bytes() const {
  char buffer[sizeof(Label)];
  std::memcpy(buffer, this, sizeof buffer);
  return Bytes(std::string_view(buffer, sizeof buffer));
}

Bytes Label::bytes_padded_to(std::size_t size) const {
  std::string padded(bytes().view());
  padded.resize(std::max(size, padded.size()), kFiller);
  return Bytes(padded);
}

std::optional<Label> Label::from(std::string_view bytes) {
  Label label;
  if (bytes.size() < sizeof label) return std::nullopt;
  const std::string_view filler = bytes.substr(sizeof label);
  const bool is_filler =
      filler.empty() || (filler[0] == kFiller && filler.substr(1) == filler.substr(0, filler.size() - 1));
  if (!is_filler) return std::nullopt;
  std::memcpy(&label, bytes.data(), sizeof label);
  return label;
}

Bytes OutsideLabel::bytes() const {
  std::string text = "o";  // no label of a task's
  for (const std::uint64_t value : {name.asker.high, name.asker.low, name.number, std::uint64_t{task.value}}) {
    text.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  return Bytes(text);
}

std::optional<OutsideLabel> OutsideLabel::from(std::string_view bytes) {
  std::array<std::uint64_t, 4> values{};
  if (bytes.size() != 1 + sizeof values || bytes.front() != 'o') return std::nullopt;
  std::memcpy(values.data(), bytes.data() + 1, sizeof values);
  return OutsideLabel{{{values[0], values[1]}, values[2]}, {static_cast<std::uint32_t>(values[3])}};
}

void Application::hook(const ReplicaEffect& effect, AppContext& context) {
  std::visit([&](const auto& one) { on(one, context); }, effect);
}

void Application::on(const effect::BecamePrimary&, AppContext&) {
  primary_ = true;
}

void Application::on(const effect::EnterEpoch& entered, AppContext& context) {
  epoch_ = entered.epoch;
  advanced_ = false;
  raised_ = 0;
  needs_.clear();
  leads_ = epoch_.value % context.task_count == context.task.value;
  const std::size_t links = context.links;
  for (std::size_t i = 0; i < links; ++i) {
    const LinkIndex link{static_cast<std::uint16_t>(i)};
    raise(link, context);
    if (context.random.per_mille(200)) raise(link, context);
    for (const TaskId neighbour : context.replica.neighbours(link)) {
      const auto same = [&](const Need& need) { return need.task == neighbour; };
      if (leads_ && std::none_of(needs_.begin(), needs_.end(), same)) needs_.push_back({neighbour, false, false, 0});
    }
  }
  for (Need& need : needs_) need.token = pull(need.task, "need", milliseconds(1'500), context);
  const std::uint32_t chats = context.random.between(0, 2);
  for (std::uint32_t i = 0; i < chats; ++i) chat(context);
  if (context.random.per_mille(500))
    context.timers.emplace_back(context.random.between_us(500, 60'000), AppTimer{AppTimer::Kind::chat, 0});
  check(context);
}

void Application::on(const effect::DeliverFlag& flag, AppContext& context) {
  for (Need& need : needs_) {
    if (need.task == flag.from) need.flag = true;
  }
  if (!context.hold && context.random.per_mille(300)) chat(context);
  if (!context.hold && context.random.per_mille(80)) raise(flag.link, context);
  check(context);
}

void Application::on(const effect::Serve& serve, AppContext& context) {
  const std::uint64_t choice = context.random.below(100);
  const bool needed = serve.method == "need";
  if (choice < (needed ? 60U : 45U)) return reply(serve.serve, serve.body, context);
  if (choice < 85 || needed) {
    if (later_.size() >= kLaterMax) later_.erase(later_.begin());
    later_.push_back({serve.serve, serve.body});
    const std::uint32_t latest_us = needed ? 40'000 : 400'000;
    context.timers.emplace_back(context.random.between_us(100, latest_us),
                                AppTimer{AppTimer::Kind::reply, serve.serve});
    return;
  }
  if (choice < 93) {
    context.commands.push_back(event::Reply{serve.serve, Outcome::error, code::kUnavailable, {}});
  } else if (choice < 95) {
    context.commands.push_back(
        event::Reply{serve.serve, Outcome::value, 0, Bytes(std::string(context.message_bytes_max + 1, 'x'))});
  }  // else never
}

void Application::on(const effect::PullEnded& ended, AppContext& context) {
  for (Need& need : needs_) {
    if (need.token != ended.token) continue;
    if (ended.outcome == Outcome::value || ended.outcome == Outcome::error) {
      const bool refused_here = ended.outcome == Outcome::error && ended.code == code::kBusy;
      need.answered = !refused_here;
    }
    if (!need.answered) context.timers.emplace_back(milliseconds(30), AppTimer{AppTimer::Kind::retry, need.token});
  }
  check(context);
}

void Application::on(const effect::NeighbourChanged&, AppContext& context) {
  if (!context.hold && context.random.per_mille(300)) chat(context);
}

void Application::timer(const AppTimer& timer, AppContext& context) {
  if (!primary_) return;
  switch (timer.kind) {
    case AppTimer::Kind::reply: {
      const auto found =
          std::find_if(later_.begin(), later_.end(), [&](const Serving& s) { return s.serve == timer.value; });
      if (found == later_.end()) return;
      reply(found->serve, found->body, context);
      // Now and then once more: the second answer must go nowhere.
      if (context.random.per_mille(100)) reply(found->serve, found->body, context);
      later_.erase(found);
      return;
    }
    case AppTimer::Kind::retry:
      for (Need& need : needs_) {
        if (need.token == timer.value && !need.answered)
          need.token = pull(need.task, "need", milliseconds(1'500), context);
      }
      return;
    case AppTimer::Kind::chat:
      if (!context.hold) chat(context);
      return;
    case AppTimer::Kind::cancel:
      context.commands.push_back(event::CancelPull{timer.value});
      return;
    case AppTimer::Kind::check:
      check(context);
      return;
  }
}

void Application::raise(LinkIndex link, AppContext& context) {
  if (raised_ >= kRaisedMax || !context.replica.has_room_for_flag(raised_)) return;
  ++raised_;
  Label label;
  label.id = context.invariants.raised(context.replica_index, context.task, link, epoch_);
  label.epoch = epoch_.value;
  label.term = context.replica.term().value;
  label.task = context.task.value;
  label.link = link.value;
  context.commands.push_back(event::RaiseFlag{epoch_, link, label.bytes()});
}

std::uint64_t Application::pull(TaskId to, std::string_view method, Duration deadline, AppContext& context) {
  Label label;
  label.id = context.invariants.pulled(context.replica_index, epoch_, context.now + deadline);
  label.epoch = epoch_.value;
  label.term = context.replica.term().value;
  label.task = context.task.value;
  const bool is_large = context.large_bodies && context.random.per_mille(200);
  Bytes body = is_large ? label.bytes_padded_to(context.message_bytes_max) : label.bytes();
  if (context.random.per_mille(5)) body = Bytes(std::string(context.message_bytes_max + 1, 'x'));  // too large
  context.commands.push_back(event::StartPull{epoch_, label.id, to, std::string(method), std::move(body), deadline});
  return label.id;
}

void Application::chat(AppContext& context) {
  const auto to = static_cast<std::uint32_t>(context.random.below(context.task_count));
  if (to == context.task.value) return;
  const Duration deadline = context.random.between_us(20'000, 1'500'000);
  const std::uint64_t token = pull(TaskId{to}, "chat", deadline, context);
  if (context.random.per_mille(100)) {
    context.timers.emplace_back(context.random.between_us(100, 50'000), AppTimer{AppTimer::Kind::cancel, token});
  }
}

void Application::check(AppContext& context) {
  if (!leads_ || context.hold || !primary_) return;
  const auto done = [](const Need& need) { return need.flag && need.answered; };
  if (!std::all_of(needs_.begin(), needs_.end(), done)) return;
  if (!advanced_) {  // it thinks first
    advanced_ = true;
    context.timers.emplace_back(context.random.between_us(500, 40'000), AppTimer{AppTimer::Kind::check, 0});
    return;
  }
  if (epoch_ >= context.last_epoch && !context.storm) {
    context.commands.push_back(event::FinishJob{epoch_, JobStatus::done, "{}"});
    return;
  }
  context.commands.push_back(event::AdvanceEpoch{epoch_});
  if (context.random.per_mille(100)) context.commands.push_back(event::AdvanceEpoch{epoch_});
}

void Application::reply(std::uint64_t serve, const Bytes& body, AppContext& context) const {
  context.commands.push_back(event::Reply{serve, Outcome::value, 0, body});
}

}  // namespace taskgraph::sim
