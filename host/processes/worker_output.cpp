#include "host/processes/worker_output.hpp"

#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <utility>

namespace taskgraph::processes {

void WorkerOutput::posted(Node* batch, bool, core::Time) {
  while (batch != nullptr) {
    const std::unique_ptr<Begin> begin(static_cast<Begin*>(std::exchange(batch, batch->next)));
    output_ = std::move(begin->output);
    pidfd_ = begin->pidfd;
    watch(output_.get());
    watch(pidfd_);
  }
}

void WorkerOutput::ready(std::uint32_t, core::Time) {
  if (!output_.is_open()) return;
  pollfd end{pidfd_, POLLIN, 0};
  if (::poll(&end, 1, 0) != 1) {
    std::size_t turns = kReadBytesPerTurn / kLineBytesMax;
    while (turns != 0 && read_some()) --turns;
    if (turns == 0) again(EPOLLIN);
    return;
  }
  read_rest();
  unwatch(output_.get());
  unwatch(pidfd_);
  output_ = process::Descriptor();  // who has its other end still is none of the worker's threads
  pidfd_ = -1;
  listener_.ended();
}

/// False: there is nothing more just now.
bool WorkerOutput::read_some() {
  std::array<char, kLineBytesMax> buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init): read() fills it
  const ssize_t count = ::read(output_.get(), buffer.data(), buffer.size());
  if (count < 0) return errno == EINTR;
  if (count == 0) return false;
  const std::string_view bytes(buffer.data(), static_cast<std::size_t>(count));
  const std::size_t end = bytes.rfind('\n');
  if (end != std::string_view::npos) {
    line_ += bytes.substr(0, end + 1);
    listener_.lines(line_);
    line_ = bytes.substr(end + 1);
  } else {
    line_ += bytes;
  }
  if (line_.size() < kLineBytesMax) return true;
  line_ += '\n';
  listener_.lines(line_);
  line_.clear();
  return true;
}

/// Of a process that has ended: bounded by what a pipe holds, unless another process writes on.
void WorkerOutput::read_rest() {
  if (!output_.is_open()) return;
  for (std::size_t turns = kReadBytesPerTurn / kLineBytesMax; turns != 0 && read_some();) --turns;
  if (line_.empty()) return;
  line_ += '\n';
  listener_.lines(line_);
  line_.clear();
}

}  // namespace taskgraph::processes
