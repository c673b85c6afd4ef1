/// The threads of a worker and the strands that they run.
///
/// Not Asio's strands: a pull between two tasks may cost 1 us of CPU in all, and each Asio post costs a lock, an
/// allocation and often a futex wake. Here a post is one compare-and-swap, plus one short lock when the strand was
/// idle, and wakes nobody unless there is work for another thread: each strand knows what an activation of it costs
/// (a moving average), and a sleeping thread is woken when the ready ones together cost more than kWakeCostNs. Since an
/// average can be wrong (a hook may compute for 10 s), one sleeping thread watches while others run: what has waited
/// for kWatchPeriod without any progress is taken by it. When all sleep, nobody has a timeout but for the next timer.
///
/// The one who watches waits for descriptors at the same time (IoStrand), so that what a peer sends is read, handled
/// and answered by one thread. It leaves without waking another one to watch in its place: a deputy among the sleeping
/// ones looks every kWatchPeriod, for as long as there is something to see. Meanwhile the deputy sees to the timers,
/// too: a wait for descriptors with a timeout costs the kernel a timer of its own, each time. While all threads run,
/// each looks at the descriptors every kPollPeriod between two activations.
///
/// To wake a thread on a processor that sleeps, too, takes several times as long as a pull. So when descriptors become
/// ready soon, but only after such a time, whoever watches looks again and again for kSpinPeriod before it sleeps, and
/// lets all others pass. Where one that passes keeps the processor, that is left alone for kSpinPauseMin, and
/// longer each time that this happens again soon.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "host/core/ids.hpp"
#include "host/runtime/poller.hpp"

namespace taskgraph::runtime {

/// CLOCK_BOOTTIME. Any thread.
core::Time now();

class Executor;
class IoStrand;

/// The mailbox of one actor. `run` never overlaps with itself and calls are ordered by happens-before.
///
/// Any thread may post; all else on the strand. Must outlive the executor's threads (stop()).
/// Events are run in the order of posting. A mailbox has no limit of its own; what is posted by way of a task's doing
/// has one: frames Cell::kFramesQueuedMax, a task's posts limits.timers_open, its answers one for each pull that it was
/// asked. A cell has one view to come; epochs, seals and reports are a few for each change of the job's documents.
class Strand {
 public:
  /// Base of what is posted; made with new by the poster, owned by the strand from then on.
  struct Node {
    Node* next = nullptr;
  };

  explicit Strand(Executor& executor) : executor_(executor) {}
  Strand(const Strand&) = delete;
  Strand& operator=(const Strand&) = delete;

  /// Any thread.
  void post(Node* node);
  /// `run` with `ticked` follows at `time` or a little later; one timer per strand, the earliest wins until it fires.
  void wake_at(core::Time time);

  static constexpr std::uint32_t kBatchEventsMax = 64;

 protected:
  virtual ~Strand() = default;
  /// Takes over the list (at most kBatchEventsMax nodes, in order of posting; nullptr when only the timer fired).
  virtual void run(Node* batch, bool ticked, core::Time now) = 0;
  /// What was posted and never run, in order; for the destructor of the derived class.
  Node* take_rest();
  /// Ends a list of nodes which all were posted as `Posted`.
  template <typename Posted>
  static void destroy(Node* list) {
    while (list != nullptr) delete static_cast<Posted*>(std::exchange(list, list->next));
  }
  Executor& executor() { return executor_; }

 private:
  friend class Executor;
  friend class IoStrand;
  bool enqueue(Node* node);  ///< true: it was idle, and is to be scheduled
  static constexpr std::uint32_t kNoTimer = UINT32_MAX;

  Node* next_batch(bool& ticked);
  bool finish();  ///< true: it has more to do and stays scheduled
  static Node* reversed(Node* list);

  Executor& executor_;
  // Newest first. nullptr: idle; busy_mark(): scheduled or running, and empty.
  std::atomic<Node*> inbox_{nullptr};
  Node tick_;  // posted by the timer
  std::atomic<bool> tick_posted_{false};
  std::atomic<std::int64_t> armed_at_{INT64_MAX};  // written under the executor's mutex
  // of the running activation
  Node* pending_ = nullptr;
  std::uint32_t cost_ns_ = 0;
  // guarded by the executor's mutex
  std::uint32_t timer_slot_ = kNoTimer;
  Strand* next_ready_ = nullptr;
};

/// Made and stopped by one thread, the owner's.
class Executor {
 public:
  /// 0 threads: as many as the machine has. `begin_thread`, if any, is called on each of them with its number (from 0
  /// on), before it runs anything.
  explicit Executor(unsigned threads = 0, const std::function<void(unsigned)>& begin_thread = {});
  ~Executor() { stop(); }
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  /// Runs what is ready, and nothing that is posted from now on; returns when all threads have ended. Strands that
  /// shall end in order do so before.
  void stop();

  static constexpr std::uint32_t kWakeCostNs = 50'000;
  static constexpr core::Duration kWatchPeriod = core::milliseconds(1);
  static constexpr core::Duration kPollPeriod{50'000};
  static constexpr core::Duration kSpinPeriod{100'000};
  static constexpr core::Duration kSpinPauseMin = core::milliseconds(5);
  static constexpr core::Duration kSpinPauseMax = core::seconds(1);
  /// A shorter wait was none for a processor to wake, and a longer one none that spinning would have caught.
  static constexpr core::Duration kWakeMin{15'000};
  static constexpr core::Duration kWakeMax{200'000};
  /// After so many periods without any activation the deputy sleeps without a timeout.
  static constexpr int kQuietPeriods = 16;

 private:
  friend class Strand;
  friend class IoStrand;
  struct Timer {
    core::Time at;
    Strand* strand;
  };
  using Lock = std::unique_lock<std::mutex>;

  void loop();
  core::Time activate(Strand& strand, core::Time now);
  // All with mutex_ held.
  void push(Strand& strand);
  Strand* pop();
  void call_if_needed();
  void call_one();
  void recheck_watch();
  bool deputy_is_in_time() const { return deputy_ && deputy_until_ <= next_timer(); }
  void sleep(Lock& lock, core::Time time);
  void watch(Lock& lock, core::Time time);
  bool spin(Lock& lock, core::Time& time);
  bool stand_by(Lock& lock);
  bool poll(Lock& lock, core::Duration timeout);
  void fire_timers(core::Time now);
  void place_timer(std::size_t slot, Timer timer);
  void sift_up(std::size_t slot, Timer timer);
  void remove_first_timer();
  core::Time next_timer() const { return timers_.empty() ? core::Time::never() : timers_.front().at; }

  void add(int descriptor, IoStrand& strand);
  void remove(int descriptor);
  void make_ready(Strand& strand);
  void arm(Strand& strand, core::Time time);

  std::vector<std::thread> threads_;

  // guarded by mutex_
  std::mutex mutex_;
  Strand* ready_first_ = nullptr;
  Strand* ready_last_ = nullptr;
  std::uint64_t ready_cost_ns_ = 0;
  std::uint64_t pops_ = 0;
  std::vector<Timer> timers_;  ///< a heap, the earliest first; at most one of each strand
  bool stopping_ = false;
  std::uint32_t running_ = 0;  ///< threads that do not sleep, or have been called
  std::uint32_t idle_ = 0;     ///< threads that sleep without watching, and have not been called
  std::uint32_t calls_ = 0;    ///< calls to idle ones that they have not heard yet
  bool watched_ = false;       ///< one sleeping thread watches
  bool watch_called_ = false;
  bool watch_recheck_ = false;
  bool watch_timed_ = false;  ///< it looks again after kWatchPeriod
  core::Time watch_until_ = core::Time::never();
  bool deputy_ = false;                            ///< one of the idle ones looks every kWatchPeriod
  core::Time deputy_until_ = core::Time::never();  ///< when it looks next
  bool polling_ = false;                           ///< a thread is in poller_.wait
  std::size_t descriptors_ = 0;
  core::Time poll_at_;    ///< while nobody watches
  bool spins_ = false;    ///< before it sleeps, who watches looks again for a while
  core::Time spin_from_;  ///< not before
  core::Duration spin_pause_ = kSpinPauseMin;
  std::condition_variable idle_wake_;
  Poller poller_;
};

}  // namespace taskgraph::runtime
