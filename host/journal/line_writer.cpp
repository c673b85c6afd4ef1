#include "host/journal/line_writer.hpp"

#include <fmt/format.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstring>
#include <deque>
#include <mutex>
#include <utility>

namespace taskgraph::journal {

struct LineWriter::State {
  State(Append how, Warn whom) : append(std::move(how)), warn(std::move(whom)) {}

  /// With the lock held; the caller warns after it has let go.
  bool lose_one() {
    ++lost;
    return !std::exchange(warned, true);
  }

  const Append append;
  const Warn warn;
  std::mutex mutex;
  std::condition_variable changed;
  // guarded by mutex
  std::deque<std::string> lines;
  std::size_t bytes = 0;
  std::uint64_t lost = 0;  ///< since the file last said so
  bool warned = false;
  bool closing = false;
  bool ended = false;  ///< the thread
};

LineWriter::LineWriter(Append append, Warn warn)
    : state_(std::make_shared<State>(std::move(append), std::move(warn))), thread_([state = state_] { run(state); }) {}

LineWriter::~LineWriter() {
  close();
}

void LineWriter::write(std::string line) {
  bool first_loss = false;
  {
    const std::lock_guard lock(state_->mutex);
    if (state_->closing) return;
    if (state_->bytes + line.size() > kQueuedBytesMax) {
      first_loss = state_->lose_one();
    } else {
      state_->bytes += line.size();
      state_->lines.push_back(std::move(line));
      if (state_->lines.size() == 1) state_->changed.notify_all();
    }
  }
  if (first_loss) state_->warn(fmt::format("its disk is slow: more than {} bytes wait", kQueuedBytesMax));
}

void LineWriter::close(core::Duration limit) {
  if (!thread_.joinable()) return;
  std::unique_lock lock(state_->mutex);
  state_->closing = true;
  state_->changed.notify_all();
  const bool ended =
      state_->changed.wait_for(lock, std::chrono::nanoseconds(limit.ns), [this] { return state_->ended; });
  lock.unlock();
  if (ended) {
    thread_.join();
  } else {
    thread_.detach();
  }
}

void LineWriter::run(const std::shared_ptr<State>& state) {
  std::unique_lock lock(state->mutex);
  for (;;) {
    state->changed.wait(lock, [&] { return !state->lines.empty() || state->closing; });
    if (state->lines.empty()) break;
    const std::string line = std::move(state->lines.front());
    const std::uint64_t lost = state->lost;
    lock.unlock();
    const bool told = lost == 0 || state->append(fmt::format(R"({{"v":1,"kind":"lost","lines":{}}})", lost)) == 0;
    const int error = state->append(line);
    lock.lock();
    state->lines.pop_front();
    state->bytes -= line.size();
    if (told) state->lost -= lost;
    if (error == 0 || !state->lose_one()) continue;
    lock.unlock();
    state->warn(std::strerror(error));  // NOLINT(concurrency-mt-unsafe): glibc's is safe for known numbers
    lock.lock();
  }
  state->ended = true;
  state->changed.notify_all();
}

}  // namespace taskgraph::journal
