/// What the connections of one listener share.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <utility>

#include "host/http/connection_table.hpp"
#include "host/http/limits.hpp"
#include "host/http/middleware.hpp"
#include "host/http/router.hpp"

namespace taskgraph::http {

/// Counted since the start. A refused or rejected request counts as a request, too.
struct ServerStats {
  std::uint64_t connections_open = 0;
  std::uint64_t connections_accepted = 0;
  std::uint64_t connections_refused = 0;  ///< there was no room and none was idle
  std::uint64_t connections_evicted = 0;  ///< idle, and gave way to new ones
  std::uint64_t connections_overdue = 0;  ///< closed since a time of ServerLimits was over
  std::uint64_t requests = 0;
  std::uint64_t requests_rejected = 0;  ///< malformed or beyond a limit
};

using Clock = std::function<core::Time()>;

/// Owned by the server and its connections together. Any thread.
class Listener {
 public:
  Listener(ServerLimits with_limits, std::vector<Route> routes, std::uint16_t port, std::string token, Clock clock)
      : limits(with_limits),
        router(std::move(routes)),
        middleware(router, port, std::move(token)),
        now(std::move(clock)),
        table_(limits) {}

  const ServerLimits limits;
  const Router router;
  const Middleware middleware;
  const Clock now;

  /// Runs `action` with the table, alone.
  template <typename Action>
  auto with_table(Action action) {
    const std::lock_guard lock(mutex_);
    return action(table_);
  }

  /// Changes the memory that bodies under way have; false: it is over limits.bodies_bytes_max now.
  bool charge_bodies(std::int64_t bytes) {
    const std::int64_t total = bodies_bytes_.fetch_add(bytes, std::memory_order_relaxed) + bytes;
    return bytes <= 0 || static_cast<std::uint64_t>(total) <= limits.bodies_bytes_max;
  }

  struct Counters {
    std::atomic<std::uint64_t> accepted{0}, refused{0}, evicted{0}, overdue{0}, requests{0}, rejected{0};
  } counters;

  /// Called once by each connection, when its socket is closed.
  std::function<void()> on_connection_closed;
  /// Sockets that are open, those that were evicted included.
  std::atomic<std::uint64_t> open{0};

 private:
  std::atomic<std::int64_t> bodies_bytes_{0};

  std::mutex mutex_;
  ConnectionTable table_;  ///< guarded by mutex_
};

}  // namespace taskgraph::http
