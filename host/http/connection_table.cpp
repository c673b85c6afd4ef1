#include "host/http/connection_table.hpp"

#include <utility>

namespace taskgraph::http {

ConnectionTable::Admission ConnectionTable::admit(const PeerAddress& peer) {
  std::shared_ptr<Connection> evicted;
  const auto found = of_peer_.find(peer);
  if (found != of_peer_.end() && found->second >= limits_.connections_per_peer_max) {
    evicted = evict_idle_of(&peer);
  } else if (size_ >= limits_.connections_max) {
    evicted = evict_idle();
  } else {
    return {true, nullptr};
  }
  return {evicted != nullptr, std::move(evicted)};
}

void ConnectionTable::add(const PeerAddress& peer, const std::shared_ptr<Connection>& connection) {
  connections_.emplace(connection.get(), Entry{connection, peer});
  ++size_;
  ++of_peer_[peer];
}

void ConnectionTable::remove(const Connection& connection) {
  const auto found = connections_.find(&connection);
  if (found == connections_.end()) return;
  stop_counting(found->second);
  connections_.erase(found);
}

void ConnectionTable::stop_counting(Entry& entry) {
  if (!std::exchange(entry.counts, false)) return;
  --size_;
  const auto peer = of_peer_.find(entry.peer);
  if (--peer->second == 0) of_peer_.erase(peer);
}

std::shared_ptr<Connection> ConnectionTable::evict_idle() {
  return evict_idle_of(nullptr);
}

std::shared_ptr<Connection> ConnectionTable::evict_idle_of(const PeerAddress* peer) {
  core::Time earliest = core::Time::never();
  std::shared_ptr<Connection> longest;
  for (const auto& [key, entry] : connections_) {
    if (!entry.counts || (peer != nullptr && entry.peer != *peer)) continue;
    const core::Time since = key->idle_since();
    if (since >= earliest) continue;
    auto connection = entry.connection.lock();
    if (connection == nullptr) continue;  // it is about to remove itself
    earliest = since;
    longest = std::move(connection);
  }
  if (longest != nullptr) stop_counting(connections_.at(longest.get()));
  return longest;
}

std::vector<std::shared_ptr<Connection>> ConnectionTable::overdue(core::Time now) const {
  std::vector<std::shared_ptr<Connection>> late;
  for (const auto& [key, entry] : connections_) {
    if (key->deadline() > now) continue;
    if (auto connection = entry.connection.lock()) late.push_back(std::move(connection));
  }
  return late;
}

std::vector<std::shared_ptr<Connection>> ConnectionTable::all() const {
  return overdue(core::Time::never());
}

}  // namespace taskgraph::http
