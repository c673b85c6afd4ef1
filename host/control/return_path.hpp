/// The way back to a thread that may be gone by then.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <mutex>
#include <utility>

namespace taskgraph::control {

/// Shared by an io_context's owner, who closes it first of all, and those who answer on other threads.
class ReturnPath {
 public:
  explicit ReturnPath(boost::asio::io_context& io) : io_(&io) {}

  /// Any thread: `work` runs on the io_context's thread, or never.
  template <typename Work>
  void post(Work work) {
    const std::lock_guard lock(mutex_);
    if (io_ != nullptr) boost::asio::post(*io_, std::move(work));
  }
  /// Any thread: the io_context may go now.
  void close() {
    const std::lock_guard lock(mutex_);
    io_ = nullptr;
  }

 private:
  std::mutex mutex_;
  boost::asio::io_context* io_;  ///< guarded by mutex_
};

}  // namespace taskgraph::control
