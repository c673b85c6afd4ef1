/// Runs all tasks of one plugin in one thread, with a tg_host_api of its own and no host: what arrives is delivered in
/// a random order that follows from the seed, and any task can be killed before any event. For tests of plugins, above
/// all of what they do when their neighbours die at a bad moment.
///
/// As in the host: frames of one task to another stay in order; a killed task loses what it was sent and a part of what
/// it has sent, and comes back fresh, one term later, in the newest epoch; the flags that it raised and that some
/// neighbour has are announced again, once per life; pulls to it are sent again; what belongs to a later epoch waits.
#pragma once

#include <taskgraph/export.hpp>

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/driven_job.hpp"

namespace taskgraph::tests {

/// One at a time: the plugin's side keeps its host's functions in one place. Throws std::invalid_argument with the text
/// of a builder that refuses.
class PluginDriver {
 public:
  struct Entry {
    tg_status (*init)(const tg_host_api*, const tg_job*, tg_error*);
    tg_status (*create_task)(std::uint64_t, tg_host*, tg_task*, tg_error*);
    void (*deinit)();
  };
  template <typename Builder>
  static Entry entry() {
    return {&detail::Exported<Builder>::init, &detail::Exported<Builder>::create_task,
            &detail::Exported<Builder>::deinit};
  }
  struct Answered {
    tg_outcome outcome;
    std::int32_t code;
    std::string body;
  };
  struct Finished {
    tg_job_status status;
    std::string result;
  };

  PluginDriver(Entry entry, DrivenJob job, std::uint64_t seed)
      : entry_(entry), job_(std::move(job)), args_(job_.args.raw()), random_(seed), tasks_(job_.task_count) {
    raw_job_ = {sizeof(tg_job),
                static_cast<std::uint32_t>(args_.size()),
                args_.data(),
                detail::view("driven"),
                detail::view("{}"),
                job_.task_count,
                detail::view(job_.directory)};
    tg_error error{};
    if (entry_.init(&kApi, &raw_job_, &error) != TG_OK)
      throw std::invalid_argument(std::string(error.text, error.size));
  }
  PluginDriver(const PluginDriver&) = delete;
  PluginDriver& operator=(const PluginDriver&) = delete;
  ~PluginDriver() {
    for (std::uint64_t id = 0; id < tasks_.size(); ++id) drop(id);
    entry_.deinit();
  }

  /// Event numbers start at 0; a task that is dead then is left alone.
  void kill_at(std::uint64_t event, std::uint64_t task) { kills_.emplace(event, task); }
  /// Until the job is finished, nothing is left to do, or `events_max` have happened. True: finished.
  bool run(std::uint64_t events_max = 1'000'000) {
    for (const std::uint64_t end = events_ + events_max; events_ < end && !finished_ && step();) {
    }
    return finished_.has_value();
  }
  /// A pull from outside; its answer stands in answers() after `run`.
  std::uint64_t ask(std::uint64_t to, std::string method, std::string body) {
    const std::uint64_t id = ++last_id_;
    const Ask& ask =
        asks_[id] = {to, {.kind = Kind::request, .id = id, .name = std::move(method), .body = std::move(body)}};
    if (tasks_[to].replica != nullptr) channel(job_.task_count, to).push_back(ask.frame);
    return id;
  }

  const std::map<std::uint64_t, Answered>& answers() const { return answers_; }
  const std::optional<Finished>& finished() const { return finished_; }
  /// What hooks that failed have said.
  const std::vector<std::string>& failures() const { return failures_; }
  std::uint64_t events() const { return events_; }
  std::uint64_t epoch() const { return epoch_; }
  std::uint64_t kills() const { return killed_; }
  std::int64_t now_ns() const { return now_; }

 private:
  enum class Kind { flag, request, answer, failed, restarted };
  static constexpr std::uint64_t kAnyEpoch = UINT64_MAX;
  struct Frame {
    Kind kind = Kind::flag;
    std::uint64_t epoch = kAnyEpoch;
    std::uint64_t id = 0;                   ///< of the flag or pull
    std::size_t link = 0;                   ///< the sender's for a flag, the receiver's for a change
    tg_outcome outcome = TG_OUTCOME_VALUE;  ///< of an answer
    std::int32_t code = 0;                  ///< of an answer
    std::string name{};                     ///< method
    std::string body{};
  };
  struct Ask {
    std::uint64_t to = 0;
    Frame frame{};
  };
  struct Flag {
    std::uint64_t id;
    std::size_t link;
    std::string meta;
  };
  struct Serving;
  struct Open {
    std::uint64_t to;
    std::uint64_t epoch;
    std::string method;
    std::string body;
    tg_completion done;
  };
  struct Replica {
    PluginDriver* driver;
    std::uint64_t id;
    std::uint64_t term;
    std::uint64_t epoch;
    tg_task task{};
    bool dead = false;
    std::map<std::uint64_t, Open> pulls{};
    std::multimap<std::int64_t, tg_continuation> timers{};
    std::set<std::uint64_t> seen{};
    std::vector<std::function<void()>> asked{};  ///< by the running hook
    std::map<std::uint64_t, Serving*> serving{};
  };
  struct Serving {
    Replica* replica;
    std::uint64_t from;
    std::uint64_t id;
    std::uint64_t epoch;
    bool ended = false;
  };
  struct Task {
    std::unique_ptr<Replica> replica;
    std::uint64_t term = 0;
    std::vector<Flag> flags;  ///< of `flags_epoch`, of this primary and those before it
    std::uint64_t flags_epoch = 0;
    std::set<std::uint64_t> told_failed{};  ///< tasks that know of its failure
  };

  std::deque<Frame>& channel(std::uint64_t from, std::uint64_t to) { return channels_[{from, to}]; }
  std::uint64_t pick(std::uint64_t count) { return random_() % count; }

  bool step() {
    std::vector<std::function<void()>> choices;
    Replica* timer = nullptr;
    for (std::uint64_t id = 0; id < tasks_.size(); ++id) {
      Replica* r = tasks_[id].replica.get();
      if (r == nullptr) choices.emplace_back([this, id] { start(id); });
      if (r != nullptr && r->epoch < epoch_) choices.emplace_back([this, r] { enter_epoch(*r); });
      if (r != nullptr && !r->timers.empty() &&
          (timer == nullptr || r->timers.begin()->first < timer->timers.begin()->first))
        timer = r;
    }
    for (auto& [ends, frames] : channels_) {
      Replica* r = ends.second < tasks_.size() ? tasks_[ends.second].replica.get() : nullptr;
      if (r == nullptr || frames.empty()) continue;
      const bool early = frames.front().epoch != kAnyEpoch && frames.front().epoch > r->epoch;
      if (!early) choices.emplace_back([this, r, from = ends.first] { deliver(*r, from); });
    }
    for (std::size_t i = 0; i < coordinator_.size(); ++i) choices.emplace_back([this, i] { coordinate(i); });
    if (timer != nullptr) choices.emplace_back([this, timer] { fire(*timer); });
    if (choices.empty()) return false;
    const auto [first, last] = kills_.equal_range(events_);
    bool killed = false;
    for (auto kill = first; kill != last; ++kill) killed = this->kill(kill->second) || killed;
    ++events_;
    if (!killed) choices[pick(choices.size())]();
    return true;
  }

  // Life and death.
  void start(std::uint64_t id) {
    Task& task = tasks_[id];
    task.replica.reset(new Replica{this, id, ++task.term, epoch_});
    Replica& r = *task.replica;
    tg_error error{};
    if (entry_.create_task(id, host(r), &r.task, &error) != TG_OK)
      throw std::runtime_error(std::string(error.text, error.size));
    for (const std::uint64_t peer : std::exchange(task.told_failed, {})) tell(peer, id, Kind::restarted);
    if (task.flags_epoch != epoch_) task.flags.clear();
    task.flags_epoch = epoch_;
    for (const Flag& flag : task.flags) announce(r, flag);
    for (auto& other : tasks_) {
      if (other.replica == nullptr || other.replica->id == id) continue;
      Replica& peer = *other.replica;
      for (const Flag& flag : other.flags) {
        for (std::uint64_t to : job_.links[flag.link].neighbours[peer.id]) {
          if (to == id) send_flag(peer, flag, id);
        }
      }
      for (const auto& [pull, open] : peer.pulls) {
        if (open.to == id) channel(peer.id, id).push_back(request(pull, open));
      }
    }
    for (const auto& [ask, asked] : asks_) {
      if (asked.to == id) channel(tasks_.size(), id).push_back(asked.frame);
    }
    if (!hook(r, [&](tg_error* e) { return r.task.hooks->init(r.task.object, e); })) return;
    if (!hook(r, [&](tg_error* e) { return r.task.hooks->became_primary(r.task.object, r.term, TG_ORIGIN_FRESH, e); }))
      return;
    hook(r, [&](tg_error* e) { return r.task.hooks->enter_epoch(r.task.object, r.epoch, e); });
  }
  bool kill(std::uint64_t id) {
    if (tasks_[id].replica == nullptr) return false;
    ++killed_;
    drop(id);
    std::erase_if(tasks_[id].flags, [&](const Flag& flag) {
      for (const Task& task : tasks_) {
        if (task.replica != nullptr && task.replica->seen.contains(flag.id)) return false;
      }
      return true;
    });
    std::erase_if(coordinator_, [&](const auto& request) { return request.first == id && pick(2) == 0; });
    for (auto& [ends, frames] : channels_) {
      if (ends.second == id) frames.clear();
      if (ends.first != id) continue;
      const std::uint64_t sent = pick(frames.size() + 1);
      std::uint64_t index = 0;
      std::erase_if(frames, [&](const Frame& frame) {
        return index++ >= sent && frame.kind != Kind::failed && frame.kind != Kind::restarted;
      });
    }
    for (const DrivenLink& link : job_.links) {
      for (std::uint64_t peer : link.neighbours[id]) {
        if (tasks_[peer].replica != nullptr && tasks_[id].told_failed.insert(peer).second) tell(peer, id, Kind::failed);
      }
    }
    return true;
  }
  void drop(std::uint64_t id) {
    if (tasks_[id].replica == nullptr) return;
    Replica* r = graveyard_.emplace_back(std::move(tasks_[id].replica)).get();
    r->dead = true;
    for (auto& [pull, open] : r->pulls) open.done.drop(open.done.owner);
    for (auto& [due, timer] : r->timers) timer.drop(timer.owner);
    r->task.hooks->destroy(r->task.object);
    for (Task& task : tasks_) task.told_failed.erase(id);
  }
  void tell(std::uint64_t peer, std::uint64_t about, Kind kind) {
    for (std::size_t link = 0; link < job_.links.size(); ++link) {
      for (std::uint64_t neighbour : job_.links[link].neighbours[peer]) {
        if (neighbour == about) channel(about, peer).push_back({.kind = kind, .link = link});
      }
    }
  }

  // Calls into the task. False: the hook failed, and the replica is gone.
  template <typename F>
  bool hook(Replica& r, F call) {
    tg_error error{};
    const tg_status status = call(&error);
    if (status != TG_OK) {
      failures_.emplace_back(error.text, error.size);
      kill(r.id);
      return false;
    }
    for (auto& request : std::exchange(r.asked, {})) {
      if (!r.dead) request();
    }
    return !r.dead;
  }
  bool end_pull(Replica& r, std::uint64_t id, tg_outcome outcome, std::int32_t code, const std::string& body) {
    const auto found = r.pulls.find(id);
    if (found == r.pulls.end()) return true;
    const tg_completion done = found->second.done;
    r.pulls.erase(found);
    return hook(r, [&](tg_error* e) { return done.run(done.owner, outcome, code, detail::view(body), e); });
  }
  void enter_epoch(Replica& r) {
    r.epoch = epoch_;
    r.seen.clear();
    tasks_[r.id].flags.clear();
    tasks_[r.id].flags_epoch = epoch_;
    for (auto& [id, serving] : std::exchange(r.serving, {})) {
      if (serving->epoch != kAnyEpoch) {
        serving->ended = true;
        answer(r, serving->from, id, TG_OUTCOME_EPOCH_PASSED, 0, "");
      } else {
        r.serving.emplace(id, serving);
      }
    }
    while (!r.pulls.empty()) {
      if (!end_pull(r, r.pulls.begin()->first, TG_OUTCOME_EPOCH_PASSED, 0, "")) return;
    }
    hook(r, [&](tg_error* e) { return r.task.hooks->enter_epoch(r.task.object, r.epoch, e); });
  }
  void fire(Replica& r) {
    const auto [due, timer] = *r.timers.begin();
    r.timers.erase(r.timers.begin());
    now_ = due > now_ ? due : now_;
    hook(r, [run = timer.run, owner = timer.owner](tg_error* e) { return run(owner, e); });
  }
  void coordinate(std::size_t index) {
    const std::function<void()> request = std::move(coordinator_[index].second);
    coordinator_.erase(coordinator_.begin() + static_cast<std::ptrdiff_t>(index));
    request();
  }
  void deliver(Replica& r, std::uint64_t from) {
    const Frame frame = std::move(channel(from, r.id).front());
    channel(from, r.id).pop_front();
    switch (frame.kind) {
      case Kind::flag:
        return deliver_flag(r, from, frame);
      case Kind::request:
        return deliver_request(r, from, frame);
      case Kind::answer:
        end_pull(r, frame.id, frame.outcome, frame.code, frame.body);
        return;
      case Kind::failed:
      case Kind::restarted: {
        const auto change = frame.kind == Kind::failed ? TG_NEIGHBOUR_FAILED : TG_NEIGHBOUR_RESTARTED;
        const std::string& link = job_.links[frame.link].name;
        hook(r, [&](tg_error* e) {
          return r.task.hooks->neighbour_changed(r.task.object, from, detail::view(link), change, e);
        });
        return;
      }
    }
  }
  void deliver_flag(Replica& r, std::uint64_t from, const Frame& frame) {
    if (frame.epoch < r.epoch || !r.seen.insert(frame.id).second) return;
    const std::string& link = job_.links[frame.link].inverse;
    hook(r, [&](tg_error* e) {
      return r.task.hooks->flag_raised(r.task.object, from, detail::view(link), detail::view(frame.body), e);
    });
  }
  void deliver_request(Replica& r, std::uint64_t from, const Frame& frame) {
    if (frame.epoch < r.epoch) return answer(r, from, frame.id, TG_OUTCOME_EPOCH_PASSED, 0, "");
    auto* serving = new Serving{&r, from, frame.id, frame.epoch};
    r.serving.emplace(frame.id, serving);
    hook(r, [&](tg_error* e) {
      return r.task.hooks->serve(r.task.object, reinterpret_cast<tg_pull*>(serving), from, detail::view(frame.name),
                                 detail::view(frame.body), e);
    });
  }

  // What tasks ask for, after their hook.
  void announce(Replica& r, const Flag& flag) {
    for (std::uint64_t to : job_.links[flag.link].neighbours[r.id]) {
      if (tasks_[to].replica != nullptr) send_flag(r, flag, to);
    }
  }
  void send_flag(Replica& r, const Flag& flag, std::uint64_t to) {
    channel(r.id, to).push_back(
        {.kind = Kind::flag, .epoch = r.epoch, .id = flag.id, .link = flag.link, .body = flag.meta});
  }
  static Frame request(std::uint64_t id, const Open& open) {
    return {.kind = Kind::request, .epoch = open.epoch, .id = id, .name = open.method, .body = open.body};
  }
  void answer(Replica& r, std::uint64_t to, std::uint64_t id, tg_outcome outcome, std::int32_t code, std::string body) {
    if (to >= tasks_.size()) {
      if (asks_.erase(id) != 0) answers_[id] = {outcome, code, std::move(body)};
    } else if (tasks_[to].replica != nullptr) {
      channel(r.id, to).push_back(
          {.kind = Kind::answer, .id = id, .outcome = outcome, .code = code, .body = std::move(body)});
    }
  }
  static void end_serving(tg_pull* raw, tg_outcome outcome, std::int32_t code, std::string body) {
    const std::unique_ptr<Serving> serving(reinterpret_cast<Serving*>(raw));
    if (serving->ended || serving->replica->dead) return;
    Replica& r = *serving->replica;
    r.serving.erase(serving->id);
    r.asked.emplace_back([&r, from = serving->from, id = serving->id, outcome, code, text = std::move(body)] {
      r.driver->answer(r, from, id, outcome, code, text);
    });
  }

  // The functions of tg_host_api.
  static tg_host* host(Replica& r) { return reinterpret_cast<tg_host*>(&r); }
  static Replica& replica(const tg_host* raw) { return *const_cast<Replica*>(reinterpret_cast<const Replica*>(raw)); }
  std::optional<std::size_t> find_link(tg_view name) const {
    for (std::size_t i = 0; i < job_.links.size(); ++i) {
      if (job_.links[i].name == detail::view(name)) return i;
    }
    return std::nullopt;
  }
  static const std::uint64_t* neighbours(const tg_host*, tg_view link, std::size_t* count);
  static tg_status raise_flag(tg_host*, tg_view link, tg_view meta);
  static tg_status pull(tg_host*, std::uint64_t to, tg_view method, tg_buffer, std::int64_t, tg_completion,
                        std::uint64_t*);
  static tg_status cancel(tg_host*, std::uint64_t pull_id);
  static tg_status advance_epoch(tg_host*, std::uint64_t from);
  static tg_status finish_job(tg_host*, tg_job_status, tg_view result);
  static tg_status after(tg_host*, std::int64_t delay_ns, tg_continuation);
  static const tg_host_api kApi;

  const Entry entry_;
  const DrivenJob job_;
  const std::vector<tg_arg> args_;
  tg_job raw_job_{};
  std::mt19937_64 random_;
  std::vector<Task> tasks_;
  std::vector<std::unique_ptr<Replica>> graveyard_;
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::deque<Frame>> channels_;
  std::vector<std::pair<std::uint64_t, std::function<void()>>> coordinator_;  ///< requests on their way, by task
  std::multimap<std::uint64_t, std::uint64_t> kills_;
  std::map<std::uint64_t, Ask> asks_;  ///< pulls from outside without an answer
  std::map<std::uint64_t, Answered> answers_;
  std::optional<Finished> finished_;
  std::vector<std::string> failures_;
  std::uint64_t epoch_ = 0;
  std::uint64_t events_ = 0;
  std::uint64_t killed_ = 0;
  std::uint64_t last_id_ = 0;
  std::int64_t now_ = 0;
};

}  // namespace taskgraph::tests

#include "tests/support/plugin_driver_api.hpp"
