/// Who is connected, who has been idle longest, and whose time is over.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

#include "host/core/ids.hpp"
#include "host/http/limits.hpp"

namespace taskgraph::http {

/// An address of IPv6, or of IPv4 mapped into it.
using PeerAddress = std::array<unsigned char, 16>;

enum class Ending : std::uint8_t {
  overdue,   ///< its deadline has passed; it looks once more
  graceful,  ///< after the requests that it has taken
  at_once,
};

/// What the table knows of a connection.
class Connection {
 public:
  virtual ~Connection() = default;
  /// Any thread; takes effect on the connection's strand.
  virtual void end(Ending ending) = 0;

  core::Time deadline() const { return {deadline_ns_.load(std::memory_order_relaxed)}; }
  /// Since when it has had no request; never() while it has one. What has sent part of a head only has none yet.
  core::Time idle_since() const { return {idle_since_ns_.load(std::memory_order_relaxed)}; }

 protected:
  void set_deadline(core::Time time) { deadline_ns_.store(time.ns, std::memory_order_relaxed); }
  void set_idle_since(core::Time time) { idle_since_ns_.store(time.ns, std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> deadline_ns_{INT64_MAX};
  std::atomic<std::int64_t> idle_since_ns_{INT64_MAX};
};

/// Not thread-safe: its owner guards it. A connection removes itself before it is destroyed. One that was told to give
/// way counts no more, but has its deadline until it is gone: a request may have reached it at the same moment.
class ConnectionTable {
 public:
  /// The limits must outlive it.
  explicit ConnectionTable(const ServerLimits& limits) : limits_(limits) {}

  struct Admission {
    bool admitted;
    std::shared_ptr<Connection> evicted;  ///< counts no more; the caller ends it
  };
  /// Is there room for one more of `peer`? Room is made by the longest idle one: of that peer if it has its most, else
  /// of all. Refused when none is idle.
  Admission admit(const PeerAddress& peer);
  /// After admit() said so.
  void add(const PeerAddress& peer, const std::shared_ptr<Connection>& connection);
  void remove(const Connection& connection);
  /// The longest idle one, which counts no more; nullptr when all have requests.
  std::shared_ptr<Connection> evict_idle();

  std::vector<std::shared_ptr<Connection>> overdue(core::Time now) const;
  std::vector<std::shared_ptr<Connection>> all() const;
  /// Those that count.
  std::size_t size() const { return size_; }

 private:
  struct Entry {
    std::weak_ptr<Connection> connection;
    PeerAddress peer;
    bool counts = true;
  };

  std::shared_ptr<Connection> evict_idle_of(const PeerAddress* peer);
  void stop_counting(Entry& entry);

  const ServerLimits& limits_;
  std::unordered_map<const Connection*, Entry> connections_;
  std::size_t size_ = 0;
  std::map<PeerAddress, std::size_t> of_peer_;
};

}  // namespace taskgraph::http
