/// The host's side of one replica as its task sees it: every function of tg_host_api.
#pragma once

#include <taskgraph/abi.h>

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/core/job.hpp"
#include "host/core/replica.hpp"
#include "host/core/slot_map.hpp"

/// The C names of abi.h. A tg_host is a Bridge and nothing else.
struct tg_host {
 protected:
  ~tg_host() = default;
};

namespace taskgraph::plugin {

class Bridge;

/// What a bridge needs of the cell that it belongs to. Outlives all of the cell's replicas and every tg_pull.
class BridgeOutside {
 public:
  virtual core::Time now() const = 0;                                                        ///< any thread
  virtual std::string_view life() const = 0;                                                 ///< any thread
  virtual void log(core::TaskId task, tg_log_level level, std::string_view text) const = 0;  ///< any thread
  /// Any thread. The events come back on the strand; those of a replica (by its serial) that has ended are dropped.
  virtual void post_reply(std::uint32_t replica_serial, core::event::Reply reply) = 0;
  virtual void post_continuation(std::uint32_t replica_serial, tg_continuation continuation) = 0;

 protected:
  ~BridgeOutside() = default;
};

/// nullptr-like result (nothing) when `json` may be a job's result, else what is wrong with it. Any thread.
using CheckResult = std::optional<std::string> (*)(std::string_view json);

/// Ends what will not run.
inline void drop(const tg_continuation& continuation) {
  if (continuation.drop != nullptr) continuation.drop(continuation.owner);
}
inline void drop(const tg_completion& completion) {
  if (completion.drop != nullptr) completion.drop(completion.owner);
}

/// The table that every plugin gets; constant.
const tg_host_api& host_api();

/// Owned by its cell, together with the core::Replica; on the strand, but for what abi.h tags [any]. Hooks never
/// re-enter the core: what they ask for becomes a command, which the cell takes when they have returned.
///
/// Memory: limits.pulls_open completions (more are refused by the core after a hook), limits.timers_open timers, as
/// many posts, and the neighbours of each link that was asked for.
class Bridge final : public tg_host {
 public:
  using Commands = std::vector<core::ReplicaEvent>;

  /// Everything outlives the bridge. `serial` is never used twice in a cell.
  Bridge(BridgeOutside& outside, const core::Replica& replica, const core::JobSpec& spec, CheckResult check_result,
         std::uint32_t serial);
  ~Bridge();

  /// While one exists, this thread is the strand of `bridge` and what hooks ask for is appended to `commands`.
  class OnStrand {
   public:
    OnStrand(Bridge& bridge, Commands& commands);
    ~OnStrand();
    OnStrand(const OnStrand&) = delete;
    OnStrand& operator=(const OnStrand&) = delete;

   private:
    Bridge& bridge_;
    Bridge* before_;
  };

  // --- what the cell tells before the hook of the same name
  void became(tg_role role, core::Term term, core::Epoch epoch);
  void enter_epoch(core::Epoch epoch) { epoch_ = epoch; }
  /// From here on functions answer TG_EXITED.
  void ending() { ended_.store(true, std::memory_order_release); }
  /// Calls `drop` of all that will not run any more; after it nothing is left.
  void drop_all();

  // --- what the cell calls
  tg_pull* make_pull(std::uint64_t serve);
  std::optional<tg_completion> take_completion(std::uint64_t token) { return completions_.take(token); }
  core::Time next_timer() const { return timers_.empty() ? core::Time::never() : timers_.front().at; }
  std::optional<tg_continuation> take_timer(core::Time now);
  /// A posted continuation has come back.
  void post_arrived() { posts_.fetch_sub(1, std::memory_order_relaxed); }
  std::uint32_t serial() const { return serial_; }
  core::Epoch task_epoch() const { return epoch_; }

 private:
  friend struct BridgeFunctions;
  struct Timer {
    core::Time at;
    std::uint64_t order;
    tg_continuation continuation;
    bool operator<(const Timer& other) const { return at != other.at ? at > other.at : order > other.order; }
  };
  struct Neighbours {
    core::LinkIndex link;
    std::vector<std::uint64_t> ids;
  };
  enum class Mistake : std::uint8_t {
    no_such_link = 1,
    flag_bytes = 2,
    no_such_task = 4,
    result = 8,
    delay = 16,
    answered_twice = 32
  };

  void check_strand(const char* function) const;
  bool has_ended() const { return ended_.load(std::memory_order_acquire); }
  void warn_once(Mistake mistake, std::string_view text);
  const Neighbours& neighbours(core::LinkIndex link);
  std::size_t flags_queued() const;

  // fixed after construction
  BridgeOutside& outside_;
  const core::Replica& replica_;
  const core::JobSpec& spec_;
  const CheckResult check_result_;
  const std::uint32_t serial_;
  const core::TaskId task_;

  // any thread
  std::atomic<bool> ended_{false};
  std::atomic<std::uint32_t> posts_{0};

  // on the strand
  std::uint8_t warned_ = 0;
  tg_role role_ = TG_ROLE_NONE;
  core::Term term_;
  core::Epoch epoch_;  ///< that the task is in; the core may be ahead by the hooks that are still to be called
  core::Epoch neighbours_epoch_;
  Commands* commands_ = nullptr;
  core::SlotMap<tg_completion> completions_;
  std::vector<Timer> timers_;  ///< a heap, the earliest first
  std::uint64_t next_timer_order_ = 0;
  std::uint64_t random_state_;
  std::vector<Neighbours> neighbours_;
};

}  // namespace taskgraph::plugin
