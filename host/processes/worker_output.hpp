/// What worker processes write to stderr, on its way into the supervisor's log.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "host/process/descriptor.hpp"
#include "host/runtime/io_strand.hpp"

namespace taskgraph::processes {

/// Reads the pipe that is a worker's stderr, and waits for the worker's end. A pipe and not messages on the link: what
/// a worker wrote before it crashed is in the pipe, and what a plugin or the C library prints comes along. A worker
/// whose supervisor does not keep up waits as it writes, as with any stderr.
///
/// At a stable address until the executor has stopped. One process after another. Memory: a line, at most
/// kLineBytesMax.
class WorkerOutput final : public runtime::IoStrand {
 public:
  struct Listener {
    std::function<void(std::string_view lines)> lines;  ///< whole ones, with their ends
    std::function<void()> ended;                        ///< the process; all that it wrote has been told
  };
  WorkerOutput(runtime::Executor& executor, Listener listener) : IoStrand(executor), listener_(std::move(listener)) {}
  ~WorkerOutput() override { destroy<Begin>(take_posted()); }

  /// Any thread. `output`: the reading end, non-blocking. `pidfd` stays open until `ended`.
  void start(process::Descriptor output, int pidfd) { post(new Begin(std::move(output), pidfd)); }
  /// After the executor has stopped: tells what is there.
  void drain() { read_rest(); }
  int descriptor() const { return output_.get(); }

  static constexpr std::size_t kLineBytesMax = std::size_t{64} * 1024;

 private:
  struct Begin : Node {
    Begin(process::Descriptor of, int number) : output(std::move(of)), pidfd(number) {}
    process::Descriptor output;
    int pidfd;
  };
  void ready(std::uint32_t events, core::Time now) override;
  void posted(Node* batch, bool ticked, core::Time now) override;
  bool read_some();
  void read_rest();

  static constexpr std::size_t kReadBytesPerTurn = std::size_t{1} * 1024 * 1024;

  const Listener listener_;
  process::Descriptor output_;
  int pidfd_ = -1;
  std::string line_;  ///< begun
};

}  // namespace taskgraph::processes
