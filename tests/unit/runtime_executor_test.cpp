#include "host/runtime/executor.hpp"

#include <atomic>
#include <condition_variable>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "tests/support/catch.hpp"

namespace {

using namespace taskgraph;
using runtime::Executor;
using runtime::Strand;

struct Number : Strand::Node {
  explicit Number(int n) : value(n) {}
  int value;
};

/// Hands what arrives to a function, on the strand.
class Listener final : public Strand {
 public:
  using OnNumber = std::function<void(int)>;
  using OnBatch = std::function<void(int count, bool ticked, core::Time now)>;
  explicit Listener(Executor& executor, OnNumber on_number, OnBatch on_batch = nullptr)
      : Strand(executor), on_number_(std::move(on_number)), on_batch_(std::move(on_batch)) {}
  ~Listener() {
    for (Node* node = take_rest(); node != nullptr;) delete static_cast<Number*>(std::exchange(node, node->next));
  }
  int rest() {
    int count = 0;
    for (Node* node = take_rest(); node != nullptr; ++count) {
      delete static_cast<Number*>(std::exchange(node, node->next));
    }
    return count;
  }

 private:
  void run(Node* batch, bool ticked, core::Time now) override {
    int count = 0;
    while (batch != nullptr) {
      const std::unique_ptr<Number> number(static_cast<Number*>(batch));
      batch = batch->next;
      ++count;
      on_number_(number->value);
    }
    if (on_batch_) on_batch_(count, ticked, now);
  }
  OnNumber on_number_;
  OnBatch on_batch_;
};

class Latch {
 public:
  explicit Latch(int count) : left_(count) {}
  void down() {
    const std::lock_guard lock(mutex_);
    if (--left_ <= 0) zero_.notify_all();
  }
  bool wait() {
    std::unique_lock lock(mutex_);
    return zero_.wait_for(lock, std::chrono::seconds(30), [this] { return left_ <= 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable zero_;
  int left_;
};

}  // namespace

TEST_CASE("a strand runs what each thread posted in that thread's order, and never twice at once", "[executor]") {
  constexpr int kPosters = 3;
  constexpr int kEach = 20'000;
  Executor executor(2);
  std::vector<int> last(kPosters, -1);  // no lock: the strand alone touches it
  std::atomic<int> inside{0};
  bool overlapped = false;
  bool disordered = false;
  Latch all(kPosters * kEach);
  Listener listener(executor, [&](int value) {
    overlapped = overlapped || inside.fetch_add(1) != 0;
    int& before = last[static_cast<std::size_t>(value / kEach)];
    disordered = disordered || value % kEach != before + 1;
    before = value % kEach;
    inside.fetch_sub(1);
    all.down();
  });
  std::vector<std::thread> posters;
  for (int p = 0; p < kPosters; ++p) {
    posters.emplace_back([&, p] {
      for (int i = 0; i < kEach; ++i) listener.post(new Number(p * kEach + i));
    });
  }
  for (std::thread& poster : posters) poster.join();
  REQUIRE(all.wait());
  executor.stop();
  CHECK_FALSE(overlapped);
  CHECK_FALSE(disordered);
}

TEST_CASE("a strand with much to do lets the others in after one batch", "[executor]") {
  Executor executor(1);
  std::vector<int> order;
  Latch all(2 * static_cast<int>(Strand::kBatchEventsMax) + 1);
  const auto note = [&](int value) {
    order.push_back(value);
    all.down();
  };
  Listener busy(executor, note);
  Listener other(executor, note);
  Listener start(executor, [&](int) {  // posts both before either can run
    for (int i = 0; i < 2 * static_cast<int>(Strand::kBatchEventsMax); ++i) busy.post(new Number(0));
    other.post(new Number(1));
  });
  start.post(new Number(0));
  REQUIRE(all.wait());
  executor.stop();
  CHECK(order[Strand::kBatchEventsMax] == 1);
}

TEST_CASE("strands wait for a hook that blocks only as long as another thread sleeps", "[executor]") {
  Executor executor(2);
  std::promise<void> release;
  Latch served(1);
  Latch blocked(1);
  Listener other(executor, [&](int) { served.down(); });
  // Posts on its own strand, where nobody is woken at once, and computes until the other one has run.
  Listener blocker(executor, [&](int) {
    other.post(new Number(0));
    release.get_future().wait();
    blocked.down();
  });
  blocker.post(new Number(0));
  CHECK(served.wait());
  release.set_value();
  CHECK(blocked.wait());
  executor.stop();
}

TEST_CASE("timers fire in their order, each strand once for its earliest time, and never early", "[executor]") {
  Executor executor(2);
  const core::Time start = runtime::now();
  std::mutex mutex;
  std::vector<int> order;
  bool early = false;
  Latch fired(3);
  std::vector<std::unique_ptr<Listener>> strands;
  const int delays_ms[] = {30, 10, 20};
  for (int i = 0; i < 3; ++i) {
    const core::Time due = start + core::milliseconds(delays_ms[i]);
    strands.push_back(std::make_unique<Listener>(
        executor, [](int) {},
        [&, i, due](int, bool ticked, core::Time time) {
          const std::lock_guard lock(mutex);
          if (!ticked) return;
          early = early || time < due;
          order.push_back(i);
          fired.down();
        }));
  }
  for (std::size_t i = 0; i < 3; ++i) {
    strands[i]->wake_at(start + core::seconds(100));  // superseded
    strands[i]->wake_at(start + core::milliseconds(delays_ms[i]));
  }
  REQUIRE(fired.wait());
  executor.stop();
  CHECK_FALSE(early);
  CHECK(order.size() == 3);
  CHECK(order.front() != 0);  // 20 ms before the last one is due
}

TEST_CASE("stop runs what is ready, and nothing that is posted afterwards", "[executor]") {
  Executor executor(2);
  int ran = 0;
  Latch first(1);
  Listener listener(executor, [&](int) {
    ++ran;
    first.down();
  });
  listener.post(new Number(0));
  REQUIRE(first.wait());
  executor.stop();
  listener.post(new Number(1));
  listener.post(new Number(2));
  CHECK(ran == 1);
  CHECK(listener.rest() == 2);
}

TEST_CASE("an idle executor uses no CPU", "[executor]") {
  Executor executor(2);
  Latch done(1);
  Listener listener(executor, [&](int) { done.down(); });
  listener.post(new Number(0));
  REQUIRE(done.wait());
  // Whoever sleeps with nothing due has no timeout: a timer far away is the only thing that is waited for.
  listener.wake_at(runtime::now() + core::seconds(1'000'000));
  executor.stop();  // and still it ends at once
}
