/// Lines on their way to a file, written by a thread of their own.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "host/core/ids.hpp"

namespace taskgraph::journal {

/// A disk that is full, slow or gone costs lines, never time: `write` does not wait for it. How many were lost stands
/// in the file as soon as a line fits again.
class LineWriter {
 public:
  /// Appends one line; 0, or an errno. Called on the writer's thread.
  using Append = std::function<int(std::string_view)>;
  /// Told once, on any thread: that lines are being lost, and why.
  using Warn = std::function<void(const std::string&)>;

  LineWriter(Append append, Warn warn);
  /// As close().
  ~LineWriter();
  LineWriter(const LineWriter&) = delete;
  LineWriter& operator=(const LineWriter&) = delete;

  /// Any thread. Without newline.
  void write(std::string line);
  /// Waits until all that was written is in the file, at most `limit`: then the thread is left behind. Later lines are
  /// dropped. One thread.
  void close(core::Duration limit = kCloseWithin);

  static constexpr std::size_t kQueuedBytesMax = std::size_t{4} * 1024 * 1024;
  static constexpr core::Duration kCloseWithin = core::seconds(2);

 private:
  struct State;
  static void run(const std::shared_ptr<State>& state);

  const std::shared_ptr<State> state_;  ///< shared with the thread, which may be left behind
  std::thread thread_;
};

}  // namespace taskgraph::journal
