#include "host/runtime/executor.hpp"

#include <sched.h>
#include <time.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "host/runtime/io_strand.hpp"

namespace taskgraph::runtime {

core::Time now() {
  timespec time{};
  ::clock_gettime(CLOCK_BOOTTIME, &time);
  return {std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec};
}

// ---------------------------------------------------------------- strand

namespace {
Strand::Node busy_node;
Strand::Node* busy_mark() {
  return &busy_node;
}
}  // namespace

void Strand::post(Node* node) {
  if (enqueue(node)) executor_.make_ready(*this);
}

bool Strand::enqueue(Node* node) {
  Node* old = inbox_.load(std::memory_order_relaxed);
  do {
    node->next = old == busy_mark() ? nullptr : old;
  } while (!inbox_.compare_exchange_weak(old, node, std::memory_order_acq_rel, std::memory_order_relaxed));
  return old == nullptr;
}

void Strand::wake_at(core::Time time) {
  // A later time is not armed anew: the tick comes early, and whoever gets it asks again.
  if (time.ns < armed_at_.load(std::memory_order_relaxed)) executor_.arm(*this, time);
}

Strand::Node* Strand::reversed(Node* list) {
  Node* first = nullptr;
  while (list != nullptr) {
    Node* next = list->next;
    list->next = first;
    first = list;
    list = next;
  }
  return first;
}

Strand::Node* Strand::next_batch(bool& ticked) {
  if (pending_ == nullptr) pending_ = reversed(inbox_.exchange(busy_mark(), std::memory_order_acq_rel));
  Node* batch = nullptr;
  Node** end = &batch;
  for (std::uint32_t count = 0; pending_ != nullptr && count < kBatchEventsMax; ++count) {
    Node* node = pending_;
    pending_ = node->next;
    if (node == &tick_) {
      tick_posted_.store(false, std::memory_order_release);  // from here on it may be posted again
      ticked = true;
      continue;
    }
    *end = node;
    end = &node->next;
  }
  *end = nullptr;
  return batch;
}

bool Strand::finish() {
  if (pending_ != nullptr) return true;
  Node* expected = busy_mark();
  return !inbox_.compare_exchange_strong(expected, nullptr, std::memory_order_acq_rel, std::memory_order_relaxed);
}

Strand::Node* Strand::take_rest() {
  Node* newest = inbox_.exchange(nullptr, std::memory_order_acq_rel);
  Node* rest = newest == busy_mark() ? nullptr : reversed(newest);
  Node** end = &pending_;
  while (*end != nullptr) end = &(*end)->next;
  *end = rest;
  for (Node** place = &pending_; *place != nullptr;) {
    if (*place == &tick_) {
      *place = tick_.next;
    } else {
      place = &(*place)->next;
    }
  }
  Node* all = pending_;
  pending_ = nullptr;
  return all;
}

// ---------------------------------------------------------------- threads

namespace {
thread_local const Executor* own_executor = nullptr;
}  // namespace

Executor::Executor(unsigned threads, const std::function<void(unsigned)>& begin_thread) {
  const unsigned count = threads != 0 ? threads : std::max(1U, std::thread::hardware_concurrency());
  running_ = count;
  threads_.reserve(count);
  for (unsigned i = 0; i < count; ++i) {
    threads_.emplace_back([this, i, begin_thread] {
      if (begin_thread) begin_thread(i);
      loop();
    });
  }
}

void Executor::stop() {
  {
    const Lock lock(mutex_);
    if (stopping_) return;
    stopping_ = true;
    idle_wake_.notify_all();
    poller_.wake();
  }
  for (std::thread& thread : threads_) thread.join();
}

void Executor::loop() {
  own_executor = this;
  core::Time time = now();
  Lock lock(mutex_);
  for (;;) {
    fire_timers(time);
    if (descriptors_ != 0 && !watched_ && !polling_ && time >= poll_at_) {
      poll_at_ = time + kPollPeriod;
      poll(lock, {0});
    }
    if (Strand* strand = pop()) {
      lock.unlock();
      time = activate(*strand, time);
      const bool again = strand->finish();
      lock.lock();
      if (again && (!stopping_ || strand->pending_ != nullptr)) push(*strand);
      continue;
    }
    if (stopping_) return;
    sleep(lock, time);
    time = now();
    poll_at_ = time + kPollPeriod;  // the descriptors have just been looked at, or another thread waits for them
  }
}

/// Returns the time after it: the start of the next one, so that an activation costs one reading of the clock.
core::Time Executor::activate(Strand& strand, core::Time time) {
  bool ticked = false;
  Strand::Node* batch = strand.next_batch(ticked);
  strand.run(batch, ticked, time);
  const core::Time end = now();
  const std::int64_t took = std::min<std::int64_t>((end - time).ns, 1'000'000'000);
  strand.cost_ns_ = static_cast<std::uint32_t>((std::int64_t{strand.cost_ns_} * 7 + took) / 8);
  return end;
}

void Executor::make_ready(Strand& strand) {
  const Lock lock(mutex_);
  if (stopping_) return;  // it stays marked as scheduled: nothing of it runs any more
  push(strand);
  call_if_needed();
}

void Executor::push(Strand& strand) {
  strand.next_ready_ = nullptr;
  if (ready_first_ == nullptr) {
    ready_first_ = &strand;
  } else {
    ready_last_->next_ready_ = &strand;
  }
  ready_last_ = &strand;
  ready_cost_ns_ += strand.cost_ns_;
}

Strand* Executor::pop() {
  Strand* strand = ready_first_;
  if (strand == nullptr) return nullptr;
  ready_first_ = strand->next_ready_;
  ready_cost_ns_ -= strand->cost_ns_;
  ++pops_;
  return strand;
}

void Executor::call_if_needed() {
  const bool can_call = idle_ != 0 || (watched_ && !watch_called_);
  if (!can_call) return;
  const std::uint64_t called = calls_ + (watch_called_ ? 1 : 0);
  if (running_ == 0 || ready_cost_ns_ > kWakeCostNs * (called + 1)) return call_one();
  // Somebody who runs will take it, or the one who watches.
  if (!watched_ && own_executor == this && (calls_ != 0 || deputy_))
    return;  // who was called will watch when there is nothing to do, and a deputy looks soon
  if (!watched_) return call_one();
  if (!watch_timed_) recheck_watch();  // it went to sleep when nobody ran
}

void Executor::call_one() {
  ++running_;
  if (idle_ != 0) {
    --idle_;
    ++calls_;
    idle_wake_.notify_one();
  } else {
    watch_called_ = true;
    poller_.wake();
  }
}

void Executor::recheck_watch() {
  watch_recheck_ = true;
  poller_.wake();
}

void Executor::sleep(Lock& lock, core::Time time) {
  --running_;
  if (!watched_ && !polling_) return watch(lock, time);
  ++idle_;
  // Nobody comes back from here without having waited: others want the lock, to post what is to be done.
  const bool takes_over = !deputy_ && stand_by(lock);
  if (!takes_over) idle_wake_.wait(lock, [this] { return calls_ != 0 || stopping_; });
  if (!takes_over && calls_ != 0) {
    --calls_;  // whoever called has counted us as running
  } else {
    --idle_;
    ++running_;
  }
}

/// Returns when somebody is called or all is quiet; true: those who run seem to be stuck and nobody watches, or a timer
/// is due.
bool Executor::stand_by(Lock& lock) {
  deputy_ = true;
  bool takes_over = false;
  for (int quiet = 0; quiet < kQuietPeriods && !takes_over; ++quiet) {
    const std::uint64_t pops_seen = pops_;
    const core::Time time = now();
    deputy_until_ = std::min(time + kWatchPeriod, std::max(next_timer(), time));
    const auto period = std::chrono::nanoseconds((deputy_until_ - time).ns);
    if (idle_wake_.wait_for(lock, period, [this] { return calls_ != 0 || stopping_; })) break;
    const bool quiet_now = pops_ == pops_seen;
    if (!quiet_now) quiet = 0;
    takes_over = next_timer() <= now() || (quiet_now && running_ != 0 && !watched_);
  }
  deputy_ = false;
  if (watched_ && next_timer() < watch_until_) recheck_watch();  // the timers are with the one who watches again
  return takes_over;
}

/// Readiness goes to its strands. True: there was some.
bool Executor::poll(Lock& lock, core::Duration timeout) {
  polling_ = true;
  lock.unlock();
  const std::span<const Poller::Ready> found = poller_.wait(timeout);
  lock.lock();
  polling_ = false;
  for (const Poller::Ready& one : found) {
    auto& strand = *static_cast<IoStrand*>(one.whose);
    if (strand.mark_ready(one.events) && !stopping_) push(strand);
  }
  return !found.empty();
}

/// One look at the descriptors, after which others may run. `time`: now, and then again. True: some were ready.
bool Executor::spin(Lock& lock, core::Time& time) {
  if (poll(lock, {0})) return true;
  lock.unlock();
  ::sched_yield();
  lock.lock();
  const core::Time begun = std::exchange(time, now());
  if (time - begun > kWakeMax) {  // not what a few pulls take: others need the processor
    spins_ = false;
    const bool again = time - spin_from_ < spin_pause_ * 2;
    spin_pause_ = again ? std::min(spin_pause_ * 2, kSpinPauseMax) : kSpinPauseMin;
    spin_from_ = time + spin_pause_;
  }
  return false;
}

/// `time`: now.
void Executor::watch(Lock& lock, core::Time time) {
  watched_ = true;
  const core::Time spin_until = spins_ && descriptors_ != 0 ? time + kSpinPeriod : time;
  std::uint64_t pops_seen = pops_;
  bool waited = false;
  bool found = false;
  while (!stopping_ && !watch_called_ && !found) {
    if (next_timer() <= time) break;
    if (ready_first_ != nullptr && (running_ == 0 || (waited && pops_ == pops_seen))) break;
    if (time < spin_until && spins_) {
      found = spin(lock, time);
      if (time >= spin_until) spins_ = false;
      continue;
    }
    pops_seen = pops_;
    watch_timed_ = running_ != 0;
    const core::Time timer = deputy_is_in_time() ? core::Time::never() : next_timer();
    watch_until_ = std::min(running_ != 0 ? time + kWatchPeriod : core::Time::never(), timer);
    watch_recheck_ = false;
    found = poll(lock, watch_until_ == core::Time::never() ? core::Duration{-1} : watch_until_ - time);
    waited = !found && !watch_recheck_;
    const core::Time begun = std::exchange(time, now());
    const core::Duration took = time - begun;
    if (found) spins_ = time >= spin_from_ && took > kWakeMin && took < kWakeMax;
  }
  watched_ = false;
  watch_until_ = core::Time::never();
  if (watch_called_) {
    watch_called_ = false;
  } else {
    ++running_;
  }
  const bool to_see = ready_first_ != nullptr || !timers_.empty() || descriptors_ != 0;
  if (idle_ != 0 && !deputy_ && to_see) call_one();  // another one shall watch
}

// ---------------------------------------------------------------- descriptors

void Executor::add(int descriptor, IoStrand& strand) {
  {
    const Lock lock(mutex_);
    ++descriptors_;
  }
  poller_.add(descriptor, &strand);
}

void Executor::remove(int descriptor) {
  poller_.remove(descriptor);
  const Lock lock(mutex_);
  --descriptors_;
}

// ---------------------------------------------------------------- timers

void Executor::arm(Strand& strand, core::Time time) {
  const Lock lock(mutex_);
  if (strand.timer_slot_ == Strand::kNoTimer) {
    timers_.push_back({});
    sift_up(timers_.size() - 1, {time, &strand});
  } else {
    if (timers_[strand.timer_slot_].at <= time) return;
    sift_up(strand.timer_slot_, {time, &strand});
  }
  strand.armed_at_.store(time.ns, std::memory_order_relaxed);
  if (strand.timer_slot_ != 0) return;
  if (deputy_is_in_time()) return;
  if (watched_ && time < watch_until_) return recheck_watch();
  if (!watched_ && idle_ != 0) call_one();
}

void Executor::fire_timers(core::Time time) {
  while (next_timer() <= time) {
    Strand& strand = *timers_.front().strand;
    remove_first_timer();
    strand.timer_slot_ = Strand::kNoTimer;
    strand.armed_at_.store(INT64_MAX, std::memory_order_relaxed);
    if (strand.tick_posted_.exchange(true, std::memory_order_acq_rel)) continue;
    if (strand.enqueue(&strand.tick_) && !stopping_) push(strand);
  }
}

void Executor::place_timer(std::size_t slot, Timer timer) {
  timers_[slot] = timer;
  timer.strand->timer_slot_ = static_cast<std::uint32_t>(slot);
}

void Executor::sift_up(std::size_t slot, Timer timer) {
  while (slot != 0 && timer.at < timers_[(slot - 1) / 2].at) {
    place_timer(slot, timers_[(slot - 1) / 2]);
    slot = (slot - 1) / 2;
  }
  place_timer(slot, timer);
}

void Executor::remove_first_timer() {
  const Timer last = timers_.back();
  timers_.pop_back();
  if (timers_.empty()) return;
  std::size_t slot = 0;
  for (;;) {
    std::size_t child = 2 * slot + 1;
    if (child >= timers_.size()) break;
    if (child + 1 < timers_.size() && timers_[child + 1].at < timers_[child].at) ++child;
    if (last.at <= timers_[child].at) break;
    place_timer(slot, timers_[child]);
    slot = child;
  }
  place_timer(slot, last);
}

}  // namespace taskgraph::runtime
