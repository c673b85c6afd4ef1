/// A life with a data plane that writes down what it receives.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "host/dataplane/plane.hpp"

namespace taskgraph::tests {

using namespace core;

inline constexpr JobId kJob{1, 1};
inline constexpr LifeId kA{10, 1};
inline constexpr LifeId kB{10, 2};
inline constexpr std::uint64_t kMessageBytesMax = 64U * 1024 * 1024;

/// One life: what it receives is written down; `on_frame` may answer.
struct Life final : dataplane::Receiver {
  Life(LifeId id, const dataplane::Secret& secret, unsigned threads = 1)
      : executor(threads), plane(executor, kJob, id, secret, kMessageBytesMax, *this) {}
  ~Life() { executor.stop(); }

  void receive(Frame&& frame) override {
    if (on_frame) on_frame(frame);
    if (const auto* request = std::get_if<PullRequest>(&frame.body)) {
      {
        const std::lock_guard lock(mutex);
        bodies.push_back(request->body);
      }
      note("request " + std::to_string(frame.stamp.sequence) + " of " + std::to_string(request->body.size()));
    }
    if (const auto* answer = std::get_if<PullAnswer>(&frame.body)) note("answer " + std::to_string(answer->pull));
    if (const auto* flag = std::get_if<Flag>(&frame.body)) note("flag " + std::string(flag->meta.view()));
  }
  void receive(const SealAsk& ask) override { note("ask " + std::to_string(ask.task.value)); }
  void receive(SealAck&& ack) override { note("ack with " + std::to_string(ack.flags.size())); }

  void note(std::string what) {
    const std::lock_guard lock(mutex);
    notes.push_back(std::move(what));
    noted.notify_all();
  }
  bool wait_for(const std::string& what, std::ptrdiff_t times = 1) {
    std::unique_lock lock(mutex);
    return noted.wait_for(lock, std::chrono::seconds(30),
                          [&] { return std::count(notes.begin(), notes.end(), what) >= times; });
  }
  bool has(const std::string& what) {
    const std::lock_guard lock(mutex);
    return std::find(notes.begin(), notes.end(), what) != notes.end();
  }

  std::function<void(const Frame&)> on_frame;
  std::mutex mutex;
  std::condition_variable noted;
  std::vector<std::string> notes;  // guarded by mutex, as the next
  std::vector<Bytes> bodies;
  runtime::Executor executor;
  dataplane::Plane plane;
};

inline void introduce(Life& a, Life& b, LifeId b_as = kB) {
  const wire::Addresses all{{{kA, a.plane.port()}, {b_as, b.plane.port()}}};
  a.plane.know(all);
  b.plane.know(all);
}

inline Frame framed(FrameBody body, std::uint64_t sequence = 1) {
  Frame frame{{}, std::move(body)};
  frame.stamp.job = kJob;
  frame.stamp.sequence = sequence;
  frame.stamp.from_term = frame.stamp.to_term = Term{1};
  return frame;
}
inline Frame flag(const std::string& meta) {
  return framed(Flag{{Term{1}, 0}, {0}, Bytes(meta)});
}

}  // namespace taskgraph::tests
