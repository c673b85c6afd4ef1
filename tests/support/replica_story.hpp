/// Replicas of a small job wired by hand: the test changes the assignment, hands in events, delivers or loses frames,
/// and reads what each replica told its task as one line of text. Time moves only when the test moves it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "host/core/replica.hpp"

namespace taskgraph::tests {

/// 'a', 'b', ... name lives, 'A', 'B', ... hosts.
constexpr core::LifeId life(char name) {
  return {0, static_cast<std::uint64_t>(name - 'a' + 1)};
}
constexpr core::HostId host(char name) {
  return {0, static_cast<std::uint64_t>(name - 'A' + 1)};
}

class AllOthers final : public core::Shape {
 public:
  explicit AllOthers(std::uint32_t tasks) : tasks_(tasks) {}
  void neighbours(core::TaskId task, core::Epoch, std::vector<core::TaskId>& out) const override {
    for (std::uint32_t i = 0; i < tasks_; ++i) {
      if (i != task.value) out.push_back({i});
    }
  }

 private:
  std::uint32_t tasks_;
};

/// A job with one link, "peers", from each task to all others.
inline core::JobSpec small_job(std::uint32_t tasks, std::shared_ptr<const core::Shape> shape = nullptr) {
  core::JobSpec spec;
  spec.name = "small";
  if (shape == nullptr) shape = std::make_shared<AllOthers>(tasks);
  spec.topology =
      std::make_shared<core::Topology>(tasks, std::vector<core::Link>{{"peers", core::LinkIndex{0}, std::move(shape)}});
  spec.backups.assign(tasks, 0);
  return spec;
}

inline std::string to_text(const core::ReplicaEffect& effect) {
  struct ToText {
    using Text = std::string;
    static Text number(std::uint64_t value) { return std::to_string(value); }
    static Text bytes(const core::Bytes& bytes) { return Text(bytes.view()); }
    Text operator()(const core::effect::BecamePrimary& e) const { return "primary t" + number(e.term.value); }
    Text operator()(const core::effect::BecameBackup&) const { return "backup"; }
    Text operator()(const core::effect::EnterEpoch& e) const { return "epoch " + number(e.epoch.value); }
    Text operator()(const core::effect::DeliverFlag& e) const {
      return "flag of " + number(e.from.value) + " " + bytes(e.meta);
    }
    Text operator()(const core::effect::Serve& e) const {
      return "serve " + (e.from.has_value() ? number(e.from->value) : "outside") + " " + e.method + "(" +
             bytes(e.body) + ")";
    }
    Text operator()(const core::effect::PullEnded& e) const {
      const char* const outcomes[] = {"value", "error", "peer lost", "epoch passed", "cancelled", "deadline"};
      Text text = "pull " + number(e.token) + " " + outcomes[static_cast<int>(e.outcome)];
      if (e.outcome == core::Outcome::error) text += " " + std::to_string(e.code);
      if (e.outcome == core::Outcome::value) text += " " + bytes(e.body);
      return text;
    }
    Text operator()(const core::effect::NeighbourChanged& e) const {
      return number(e.neighbour.value) + (e.change == core::NeighbourChange::failed ? " failed" : " restarted");
    }
    Text operator()(const core::effect::Exit& e) const {
      const char* const reasons[] = {"job ended", "drain", "replaced"};
      return Text("exit ") + reasons[static_cast<int>(e.reason)];
    }
    Text operator()(const core::effect::Failed& e) const { return "failed: " + e.reason; }
    Text operator()(const core::effect::Send&) const { return ""; }
    Text operator()(const core::effect::ReplyOutside& e) const {
      const char* const kinds[] = {"answer", "busy", "not here"};
      Text text = "outside " + number(e.reply.name.number) + " " + kinds[static_cast<int>(e.reply.kind)];
      if (e.reply.kind != core::OutsideReply::Kind::answered) return text;
      if (e.reply.outcome == core::Outcome::error) text += " " + std::to_string(e.reply.code);
      return text + " " + bytes(e.reply.body);
    }
    Text operator()(const core::effect::ViewApplied& e) const { return "applied v" + number(e.version.value); }
    Text operator()(const core::effect::AskSeal& e) const {
      return "ask seal t" + number(e.term.value) + " of " + number(e.lives.size()) + " lives";
    }
    Text operator()(const core::effect::AskAdvance& e) const { return "ask advance from " + number(e.from.value); }
    Text operator()(const core::effect::AskFinish& e) const { return "ask finish " + e.result; }
  };
  return std::visit(ToText{}, effect);
}

class ReplicaStory {
 public:
  static constexpr core::JobId kJob{7, 7};

  explicit ReplicaStory(std::uint32_t count, std::shared_ptr<const core::Shape> shape = nullptr)
      : spec(small_job(count, std::move(shape))), tasks(count) {}

  core::JobSpec spec;
  core::Lease lease = core::Lease::open_ended();
  core::Time now{};
  std::vector<core::TaskAssignment> tasks;  ///< change it by the functions below, then publish()
  std::deque<core::effect::Send> wire;      ///< frames on their way, oldest first

  // --- what the controller decides
  void grant(std::uint32_t task, char to) {
    tasks[task].primary = {life(to), tasks[task].next_counter};
    tasks[task].next_counter = tasks[task].next_counter.next();
    tasks[task].term = tasks[task].term.next();
  }
  void lose(std::uint32_t task) { tasks[task].primary = {}; }
  void add_backup(std::uint32_t task, char to) {
    tasks[task].backups.push_back({life(to), tasks[task].next_counter});
    tasks[task].next_counter = tasks[task].next_counter.next();
  }
  void promote(std::uint32_t task) {
    tasks[task].primary = tasks[task].backups.front();
    tasks[task].backups.erase(tasks[task].backups.begin());
    tasks[task].term = tasks[task].term.next();
  }
  /// The next view, applied by all that run; replicas that it names for the first time are made, in `epoch`.
  void publish(core::Epoch epoch = {}) {
    make_view();
    for (auto& [key, node] : nodes_) apply(node);
    make_replicas(epoch);
  }
  /// The next view, applied by nobody yet, but its new replicas are made.
  void publish_late(core::Epoch epoch = {}) {
    make_view();
    make_replicas(epoch);
  }
  /// `task` in `life` applies the newest view.
  void apply(std::uint32_t task, char in) { apply(nodes_.at({{task}, life(in)})); }
  /// All tasks get a primary at term 1: task 0 in life a, 1 in b, ...
  void start() {
    for (std::uint32_t i = 0; i < tasks.size(); ++i) grant(i, static_cast<char>('a' + i));
    publish();
    for (auto& [key, node] : nodes_) node.told.clear();
  }

  // --- what happens to the primary of a task, or to one of its replicas
  void give(std::uint32_t task, char in, core::ReplicaEvent event) {
    give(nodes_.at({{task}, life(in)}), std::move(event));
  }
  void give(std::uint32_t task, core::ReplicaEvent event) { give(primary(task), std::move(event)); }
  void raise(std::uint32_t task, std::string_view meta) {
    give(task, core::event::RaiseFlag{replica(task).epoch(), {0}, core::Bytes(meta)});
  }
  void pull(std::uint32_t task, std::uint64_t token, std::uint32_t to, std::string_view body = "") {
    give(task, core::event::StartPull{replica(task).epoch(), token, {to}, "get", core::Bytes(body), core::seconds(30)});
  }
  /// Answers the pull that the task has served last.
  void reply(std::uint32_t task, std::string_view body) {
    give(task, core::event::Reply{primary(task).serve, core::Outcome::value, 0, core::Bytes(body)});
  }
  /// `by` has applied the grant; the flags that it stored go with it.
  void acknowledge(std::uint32_t task, char by, std::vector<core::StoredFlag> flags = {}) {
    give(task, core::event::SealAcknowledged{life(by), tasks[task].term, std::move(flags)});
  }
  void enter(core::Epoch epoch) {
    for (auto& [key, node] : nodes_) give(node, core::event::EpochLearned{epoch});
  }
  void crash(std::uint32_t task, char in) { nodes_.erase({{task}, life(in)}); }

  // --- the network and the clock
  /// Delivers until nothing is on its way; what has no receiver any more is lost.
  void deliver() {
    while (!wire.empty()) {
      core::effect::Send send = std::move(wire.front());
      wire.pop_front();
      const auto found = nodes_.find({send.frame.stamp.to, send.to});
      if (found != nodes_.end()) give(found->second, core::event::FrameArrived{std::move(send.frame)});
    }
  }
  /// Moves the clock, and wakes who asked for it by then.
  void pass(core::Duration duration) {
    now = now + duration;
    for (auto& [key, node] : nodes_) {
      if (node.replica->wakeup() <= now) give(node, core::event::Tick{});
    }
  }

  // --- what is seen
  core::Replica& replica(std::uint32_t task) { return *primary(task).replica; }
  core::Replica& replica(std::uint32_t task, char in) { return *nodes_.at({{task}, life(in)}).replica; }
  /// What the replica told since the last look, frames aside.
  std::string told(std::uint32_t task, char in) { return std::exchange(nodes_.at({{task}, life(in)}).told, {}); }
  std::string told(std::uint32_t task) { return std::exchange(primary(task).told, {}); }
  /// Flags of others that the replica reported with its last view.
  const std::vector<core::StoredFlag>& stored(std::uint32_t task) { return primary(task).stored; }

 private:
  struct Node {
    std::unique_ptr<core::Replica> replica;
    core::View view;
    std::string told;
    std::vector<core::StoredFlag> stored;
    std::uint64_t serve = 0;
  };

  Node& primary(std::uint32_t task) { return nodes_.at({{task}, tasks[task].primary.life}); }
  void make_view() {
    ++version_;
    view_ = std::make_shared<const core::Assignment>(core::ViewVersion{version_}, std::vector<core::HostId>{}, tasks);
  }
  void make_replicas(core::Epoch epoch) {
    const auto make = [&](std::uint32_t task, const core::Seat& seat) {
      if (seat.is_empty() || nodes_.contains({{task}, seat.life})) return;
      Node& node = nodes_[{{task}, seat.life}];
      node.replica = std::make_unique<core::Replica>(core::Replica::Identity{kJob, {task}, seat}, spec, lease);
      give(node, core::event::EpochLearned{epoch});
      apply(node);
    };
    for (std::uint32_t i = 0; i < tasks.size(); ++i) {
      make(i, tasks[i].primary);
      for (const core::Seat& seat : tasks[i].backups) make(i, seat);
    }
  }
  void apply(Node& node) {
    std::shared_ptr<const std::vector<core::TaskId>> changed;
    if (node.view != nullptr) {
      changed = std::make_shared<const std::vector<core::TaskId>>(core::changed_tasks(node.view.get(), *view_));
    }
    node.view = view_;
    give(node, core::event::ApplyView{view_, changed});
  }
  void give(Node& node, core::ReplicaEvent event) {
    core::ReplicaEffects effects;
    node.replica->handle(std::move(event), now, effects);
    for (core::ReplicaEffect& effect : effects) {
      const std::string text = to_text(effect);
      if (!text.empty()) node.told += (node.told.empty() ? "" : "; ") + text;
      if (auto* send = std::get_if<core::effect::Send>(&effect)) wire.push_back(std::move(*send));
      if (auto* serve = std::get_if<core::effect::Serve>(&effect)) node.serve = serve->serve;
      if (auto* applied = std::get_if<core::effect::ViewApplied>(&effect)) node.stored = std::move(applied->flags);
    }
  }

  std::map<std::pair<core::TaskId, core::LifeId>, Node> nodes_;
  core::View view_;
  std::uint64_t version_ = 0;
};

}  // namespace taskgraph::tests
