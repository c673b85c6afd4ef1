#include "host/plugin/bridge.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "host/config/exit_codes.hpp"
#include "host/plugin/pull_handles.hpp"

namespace taskgraph::plugin {

namespace {

thread_local Bridge* current = nullptr;

std::string_view text_of(tg_view view) {
  return view.size == 0 ? std::string_view{} : std::string_view(view.data, view.size);
}

std::uint64_t split_mix(std::uint64_t& state) {  // Steele, Lea, Flood: Fast splittable pseudorandom number generators
  std::uint64_t z = (state += 0x9E3779B97F4A7C15ULL);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31);
}

}  // namespace

Bridge::Bridge(BridgeOutside& outside, const core::Replica& replica, const core::JobSpec& spec,
               CheckResult check_result, std::uint32_t serial)
    : outside_(outside),
      replica_(replica),
      spec_(spec),
      check_result_(check_result),
      serial_(serial),
      task_(replica.identity().task),
      random_state_(replica.identity().job.low ^ (std::uint64_t{task_.value} << 32) ^
                    replica.identity().seat.counter.value) {
  split_mix(random_state_);
}

Bridge::~Bridge() {
  drop_all();
}

Bridge::OnStrand::OnStrand(Bridge& bridge, Commands& commands) : bridge_(bridge), before_(current) {
  current = &bridge;
  bridge.commands_ = &commands;
}

Bridge::OnStrand::~OnStrand() {
  bridge_.commands_ = nullptr;
  current = before_;
}

void Bridge::became(tg_role role, core::Term term, core::Epoch epoch) {
  role_ = role;
  term_ = term;
  epoch_ = epoch;
}

void Bridge::drop_all() {
  ending();
  completions_.for_each([this](std::uint64_t token, const tg_completion& taken) {
    const tg_completion completion = taken;
    completions_.erase(token);
    drop(completion);
  });
  for (const Timer& timer : std::exchange(timers_, {})) drop(timer.continuation);
}

tg_pull* Bridge::make_pull(std::uint64_t serve) {
  return open_pull({&outside_, serve, serial_});
}

std::optional<tg_continuation> Bridge::take_timer(core::Time now) {
  if (timers_.empty() || timers_.front().at > now) return std::nullopt;
  std::pop_heap(timers_.begin(), timers_.end());
  const tg_continuation continuation = timers_.back().continuation;
  timers_.pop_back();
  if (timers_.empty() && timers_.capacity() > 16) timers_ = {};
  return continuation;
}

void Bridge::check_strand([[maybe_unused]] const char* function) const {
#ifndef NDEBUG
  if (current == this) return;
  std::fprintf(
      stderr,
      "taskgraph: task %u called tg_host_api.%s outside of its strand; that function is [strand]: call it from "
      "a hook, or hand the work to the strand with tg_host_api.post\n",
      task_.value, function);
  std::_Exit(static_cast<int>(config::ExitCode::own_bug));
#endif
}

void Bridge::warn_once(Mistake mistake, std::string_view text) {
  const auto bit = static_cast<std::uint8_t>(mistake);
  if ((warned_ & bit) != 0) return;
  warned_ = static_cast<std::uint8_t>(warned_ | bit);
  outside_.log(task_, TG_LOG_WARNING, fmt::format("{}; further ones are not reported", text));
}

const Bridge::Neighbours& Bridge::neighbours(core::LinkIndex link) {
  // From the shape and not from the core, which is ahead while hooks of the old epoch still run.
  const core::Epoch epoch = role_ == TG_ROLE_PRIMARY ? epoch_ : replica_.epoch();
  if (neighbours_epoch_ != epoch) {
    neighbours_epoch_ = epoch;
    std::erase_if(neighbours_,
                  [&](const Neighbours& known) { return spec_.topology->link(known.link).shape->differs_per_epoch(); });
  }
  for (const Neighbours& known : neighbours_) {
    if (known.link == link) return known;
  }
  std::vector<core::TaskId> ids;
  spec_.topology->link(link).shape->neighbours(task_, epoch, ids);
  Neighbours made{link, {}};
  made.ids.reserve(ids.size());
  for (const core::TaskId id : ids) made.ids.push_back(id.value);
  neighbours_.push_back(std::move(made));
  return neighbours_.back();
}

std::size_t Bridge::flags_queued() const {
  return static_cast<std::size_t>(std::count_if(commands_->begin(), commands_->end(), [this](const auto& command) {
    const auto* raise = std::get_if<core::event::RaiseFlag>(&command);
    return raise != nullptr && raise->epoch == epoch_;  // one of an epoch that is over is dropped
  }));
}

/// What stands in the table.
struct BridgeFunctions {
  static Bridge& of(tg_host* host) { return static_cast<Bridge&>(*host); }
  static const Bridge& of(const tg_host* host) { return static_cast<const Bridge&>(*host); }

  static std::uint64_t task_id(const tg_host* host) { return of(host).task_.value; }
  static std::uint64_t term(const tg_host* host) {
    of(host).check_strand("term");
    return of(host).term_.value;
  }
  static std::uint64_t epoch(const tg_host* host) {
    const Bridge& self = of(host);
    self.check_strand("epoch");
    return self.role_ == TG_ROLE_PRIMARY ? self.epoch_.value : self.replica_.epoch().value;
  }
  static tg_role role(const tg_host* host) {
    of(host).check_strand("role");
    return of(host).role_;
  }

  static const std::uint64_t* neighbours(const tg_host* host, tg_view name, std::size_t* count) {
    Bridge& self = const_cast<Bridge&>(of(host));  // the cache; every bridge is made non-const
    self.check_strand("neighbours");
    *count = 0;
    const auto link = self.spec_.topology->find(text_of(name));
    if (!link.has_value()) return nullptr;
    const auto& ids = self.neighbours(*link).ids;
    *count = ids.size();
    return ids.data();
  }

  static tg_status raise_flag(tg_host* host, tg_view name, tg_view meta) {
    Bridge& self = of(host);
    self.check_strand("raise_flag");
    if (self.has_ended()) return TG_EXITED;
    if (self.role_ != TG_ROLE_PRIMARY) return TG_NOT_PRIMARY;
    const auto link = self.spec_.topology->find(text_of(name));
    if (!link.has_value()) {
      self.warn_once(Bridge::Mistake::no_such_link,
                     fmt::format("raise_flag: the topology has no link \"{}\"", text_of(name)));
      return TG_INVALID;
    }
    if (meta.size > self.spec_.limits.flag_bytes) {
      self.warn_once(Bridge::Mistake::flag_bytes,
                     fmt::format("raise_flag: meta of {} bytes is over limits.flag_bytes = {}; put the bytes into a "
                                 "pull and only their name into the flag",
                                 meta.size, self.spec_.limits.flag_bytes));
      return TG_INVALID;
    }
    if (!self.replica_.has_room_for_flag(self.flags_queued())) return TG_BUSY;
    self.commands_->push_back(core::event::RaiseFlag{self.epoch_, *link, core::Bytes(text_of(meta))});
    return TG_OK;
  }

  static tg_status pull(tg_host* host, std::uint64_t to, tg_view method, tg_buffer body, std::int64_t deadline_ns,
                        tg_completion done, std::uint64_t* pull_id) {
    Bridge& self = of(host);
    self.check_strand("pull");
    core::Bytes bytes = core::Bytes::adopt(body.data, body.size, body.release, body.owner);  // released in any case
    if (self.has_ended()) return TG_EXITED;
    if (self.role_ != TG_ROLE_PRIMARY) return TG_NOT_PRIMARY;
    if (to >= self.spec_.topology->task_count() || deadline_ns < 0) {
      self.warn_once(Bridge::Mistake::no_such_task,
                     deadline_ns < 0 ? fmt::format("pull: a deadline of {} ns is in the past", deadline_ns)
                                     : fmt::format("pull: there is no task {}, only 0 to {}", to,
                                                   self.spec_.topology->task_count() - 1));
      return TG_INVALID;
    }
    const std::uint64_t token = self.completions_.insert(done);
    if (pull_id != nullptr) *pull_id = token;
    const core::Duration deadline = deadline_ns == 0 ? self.spec_.limits.pull_deadline : core::Duration{deadline_ns};
    self.commands_->push_back(core::event::StartPull{self.epoch_,
                                                     token,
                                                     {static_cast<std::uint32_t>(to)},
                                                     std::string(text_of(method)),
                                                     std::move(bytes),
                                                     deadline});
    return TG_OK;
  }

  static tg_status cancel(tg_host* host, std::uint64_t pull_id) {
    Bridge& self = of(host);
    self.check_strand("cancel");
    if (self.has_ended()) return TG_EXITED;
    if (self.completions_.find(pull_id) == nullptr) return TG_INVALID;
    self.commands_->push_back(core::event::CancelPull{pull_id});
    return TG_OK;
  }

  static tg_status advance_epoch(tg_host* host, std::uint64_t from) {
    Bridge& self = of(host);
    self.check_strand("advance_epoch");
    if (self.has_ended()) return TG_EXITED;
    if (self.role_ != TG_ROLE_PRIMARY) return TG_NOT_PRIMARY;
    if (from > self.epoch_.value) return TG_INVALID;
    self.commands_->push_back(core::event::AdvanceEpoch{{from}});
    return TG_OK;
  }

  static tg_status finish_job(tg_host* host, tg_job_status status, tg_view result) {
    Bridge& self = of(host);
    self.check_strand("finish_job");
    if (self.has_ended()) return TG_EXITED;
    if (self.role_ != TG_ROLE_PRIMARY) return TG_NOT_PRIMARY;
    std::optional<std::string> wrong = self.check_result_(text_of(result));
    if (!wrong.has_value() && status != TG_JOB_DONE && status != TG_JOB_FAILED) {
      wrong = fmt::format("{} is no tg_job_status", static_cast<int>(status));
    }
    if (wrong.has_value()) {
      self.warn_once(Bridge::Mistake::result, fmt::format("finish_job: {}", *wrong));
      return TG_INVALID;
    }
    const auto end = status == TG_JOB_DONE ? core::JobStatus::done : core::JobStatus::failed;
    self.commands_->push_back(core::event::FinishJob{self.epoch_, end, std::string(text_of(result))});
    return TG_OK;
  }

  static tg_status after(tg_host* host, std::int64_t delay_ns, tg_continuation continuation) {
    Bridge& self = of(host);
    self.check_strand("after");
    if (self.has_ended()) return TG_EXITED;
    if (delay_ns < 0) {
      self.warn_once(Bridge::Mistake::delay, fmt::format("after: a delay of {} ns is in the past", delay_ns));
      return TG_INVALID;
    }
    if (self.timers_.size() >= self.spec_.limits.timers_open) return TG_BUSY;
    const core::Time at = self.outside_.now() + core::Duration{delay_ns};
    self.timers_.push_back({at, self.next_timer_order_++, continuation});
    std::push_heap(self.timers_.begin(), self.timers_.end());
    return TG_OK;
  }

  static tg_status post(tg_host* host, tg_continuation continuation) {
    Bridge& self = of(host);
    if (self.has_ended()) return TG_EXITED;
    if (self.posts_.fetch_add(1, std::memory_order_relaxed) >= self.spec_.limits.timers_open) {
      self.posts_.fetch_sub(1, std::memory_order_relaxed);
      return TG_BUSY;
    }
    self.outside_.post_continuation(self.serial_, continuation);
    return TG_OK;
  }

  static std::int64_t now(const tg_host* host) { return of(host).outside_.now().ns; }
  static std::uint64_t random(tg_host* host) {
    of(host).check_strand("random");
    return split_mix(of(host).random_state_);
  }
  static void log(const tg_host* host, tg_log_level level, tg_view text) {
    of(host).outside_.log(of(host).task_, level, text_of(text));
  }

  static void answer(tg_pull* handle, core::Outcome outcome, std::int32_t code, core::Bytes body) {
    const std::optional<OpenPull> pull = take_pull(handle);
    if (!pull.has_value()) {
      if (current != nullptr) {
        current->warn_once(Bridge::Mistake::answered_twice,
                           "a pull was answered a second time; that answer is dropped");
      }
      return;
    }
    core::event::Reply reply{pull->serve, outcome, code, std::move(body)};
    // In a hook of the replica that was asked: without a hop.
    const bool in_hook = current != nullptr && current->commands_ != nullptr && &current->outside_ == pull->outside &&
                         current->serial_ == pull->replica_serial;
    if (in_hook) {
      current->commands_->push_back(std::move(reply));
    } else {
      pull->outside->post_reply(pull->replica_serial, std::move(reply));
    }
  }
  static void reply(tg_pull* pull, tg_buffer body) {
    answer(pull, core::Outcome::value, 0, core::Bytes::adopt(body.data, body.size, body.release, body.owner));
  }
  static void refuse(tg_pull* pull, std::int32_t code, tg_view text) {
    answer(pull, core::Outcome::error, code, core::Bytes(text_of(text)));
  }

  static const void* extension(const tg_host*, tg_view) { return nullptr; }
  static tg_view life(const tg_host* host) {
    const std::string_view text = of(host).outside_.life();
    return {text.data(), text.size()};
  }
};

const tg_host_api& host_api() {
  using F = BridgeFunctions;
  static constexpr tg_host_api kApi = {
      .struct_size = sizeof(tg_host_api),
      .abi_major = TG_ABI_MAJOR,
      .abi_minor = TG_ABI_MINOR,
      .task_id = &F::task_id,
      .term = &F::term,
      .epoch = &F::epoch,
      .role = &F::role,
      .neighbours = &F::neighbours,
      .raise_flag = &F::raise_flag,
      .pull = &F::pull,
      .cancel = &F::cancel,
      .advance_epoch = &F::advance_epoch,
      .finish_job = &F::finish_job,
      .after = &F::after,
      .post = &F::post,
      .now = &F::now,
      .random = &F::random,
      .log = &F::log,
      .reply = &F::reply,
      .refuse = &F::refuse,
      .extension = &F::extension,
      .life = &F::life,
  };
  return kApi;
}

}  // namespace taskgraph::plugin
