/// Lives, and the ends of their connections.
#include "tests/sim/wires.hpp"

#include <algorithm>
#include <cstring>

#include "tests/sim/invariants.hpp"
#include "tests/sim/trace.hpp"
#include "tests/sim/wire_plane.hpp"

namespace taskgraph::sim {

using namespace core;
using dataplane::Handshake;
using dataplane::Nonce;
using dataplane::Proof;
using dataplane::Side;

namespace {

/// 32 bytes of a state.
template <typename Array>
Array bytes_of_state(std::uint64_t state) {
  Array bytes{};
  Random random(state);
  for (std::size_t i = 0; i < bytes.size(); i += sizeof state) {
    const std::uint64_t word = random.next();
    for (std::size_t k = 0; k < sizeof word; ++k) bytes[i + k] = static_cast<unsigned char>(word >> (8 * k));
  }
  return bytes;
}

/// Stands for the HMAC by a secret: like it, it differs with all that was said.
Proof simulated_proof(Side side, const Handshake& said) {
  std::uint64_t state = static_cast<std::uint64_t>(side) ^ 0x736563726574ULL;
  const auto mix = [&](std::uint64_t value) { state = Random::mix(state * 31 + value); };
  for (const std::uint64_t word : {said.caller.high, said.caller.low, said.listener.high, said.listener.low}) mix(word);
  mix(fingerprint(dataplane::bytes_of(said.caller_nonce)));
  mix(fingerprint(dataplane::bytes_of(said.listener_nonce)));
  return bytes_of_state<Proof>(state);
}

}  // namespace

Wires::Wires(WireWorld& world, const Scenario& scenario, Network& network, std::uint64_t seed, Counters& counters)
    : world_(world),
      scenario_(scenario),
      network_(network),
      random_(Random::mix(seed) ^ 0x7769726573ULL),
      fault_random_(Random::mix(seed) ^ 0x6261642077697265ULL),
      nonce_random_(Random::mix(seed) ^ 0x6e6f6e636573ULL),
      counters_(counters) {}

Wires::~Wires() = default;

void Wires::happen(const WireEvent& event) {
  switch (event.kind) {
    case WireEvent::Kind::caller_runs:
      return run(event.which);
    case WireEvent::Kind::silence_due:
      return silence_due(event.which);
    case WireEvent::Kind::connects:
      return connects(event.which);
    case WireEvent::Kind::arrives:
      return arrives(event.which, static_cast<Direction>(event.detail));
    case WireEvent::Kind::batch_answered:
      return answer_batch(event.which);
    case WireEvent::Kind::proof_due:
      return proof_due(event.which);
    case WireEvent::Kind::addresses_told:
      if (listens(event.which)) planes_[event.which]->exchange().know(lists_[event.detail]);
      return;
  }
}

// ---------------------------------------------------------------- lives

void Wires::listen(std::uint32_t worker, LifeId life, JobId job, std::uint32_t place) {
  if (planes_.size() <= worker) planes_.resize(worker + 1);
  const std::uint16_t port = free_port();
  ports_[port] = Port{worker, {}};
  const auto nonce = [this] { return bytes_of_state<Nonce>(nonce_random_.next()); };
  planes_[worker] =
      std::make_unique<Plane>(*this, worker, dataplane::Identity{job, life, simulated_proof, nonce}, place, port);
  listed_.lives.push_back({life, port});
  tell_addresses();
}

/// The last one that was freed, or a new one: a port that comes back soon is what stale addresses lead to.
std::uint16_t Wires::free_port() {
  if (!freed_ports_.empty() && (addresses_held_ || random_.per_mille(700))) {
    const std::uint16_t port = freed_ports_.back();
    freed_ports_.pop_back();
    counters_.count(Branch::port_reused);
    return port;
  }
  ports_.emplace_back();
  return static_cast<std::uint16_t>(ports_.size() - 1);
}

void Wires::end(std::uint32_t worker, bool silently) {
  if (!listens(worker)) return;
  for (std::uint32_t i = 0; i < connections_.size(); ++i) {
    Connection* connection = connections_[i].get();
    if (connection == nullptr) continue;
    if (connection->caller != nullptr && connection->caller->worker == worker) {
      connection->caller = nullptr;
      leave(i, Direction::to_listener, silently);
    }
    if (connection->listener == worker && connection->session.has_value()) {
      connection->session.reset();
      leave(i, Direction::to_caller, silently);
    }
    forget_if_over(i);
  }
  for (auto& caller : callers_) {
    if (caller != nullptr && caller->worker == worker) caller.reset();
  }
  const std::uint16_t port = planes_[worker]->port;
  ports_[port] = Port{kNone, silently ? world_.now() + fault_random_.between_us(1'000'000, 3'000'000) : Time{}};
  freed_ports_.push_back(port);
  planes_[worker].reset();
}

void Wires::unlist(LifeId life) {
  const auto same = [&](const wire::Address& address) { return address.life == life; };
  if (std::erase_if(listed_.lives, same) != 0) tell_addresses();
}

void Wires::tell_addresses() {
  if (addresses_held_) return;
  lists_.push_back(listed_);
  for (std::uint32_t worker = 0; worker < planes_.size(); ++worker) {
    if (planes_[worker] == nullptr) continue;
    Duration delay = random_.between_us(5, 100);
    if (world_.faulty() && fault_random_.per_mille(50)) delay = fault_random_.between_us(1'000, 300'000);
    Time& told_at = planes_[worker]->told_at;
    told_at = std::max(told_at, world_.now() + delay);
    world_.schedule(told_at, {WireEvent::Kind::addresses_told, worker, static_cast<std::uint32_t>(lists_.size() - 1)});
  }
}

void Wires::release_addresses() {
  if (!addresses_held_) return;
  addresses_held_ = false;
  tell_addresses();
}

void Wires::send(std::uint32_t from, LifeId to, Parcel&& parcel) {
  if (!listens(from)) return;
  dataplane::Exchange& exchange = planes_[from]->exchange();
  dataplane::Peer& peer = exchange.peer(to);
  const std::size_t before = peer.queued_bytes();
  if (auto* frame = std::get_if<Frame>(&parcel)) {
    exchange.send(to, std::move(*frame), world_.now());
  } else if (const auto* ask = std::get_if<SealAsk>(&parcel)) {
    exchange.send(to, *ask);
  } else {
    exchange.send(to, std::get<SealAck>(std::move(parcel)));
  }
  const std::size_t after = peer.queued_bytes();
  if (after == before) counters_.count(Branch::not_queued);
  if (after > scenario_.plane.queued_bytes_max)
    throw Violation("S13",
                    "life " + std::to_string(from + 1) + " keeps " + std::to_string(after) + " bytes for a peer");
}

/// Whoever speaks on a connection must be who its other end wants to hear.
void Wires::deliver(std::uint32_t worker, Parcel&& parcel) {
  const Connection& connection = *connections_[heard_];
  if (connection.meant.is_nil())
    throw Violation("S4",
                    "life " + std::to_string(worker + 1) + " takes a message of one who does not know the secret");
  if (connection.meant != connection.listener_life)
    throw Violation("S4", "life " + std::to_string(connection.listener + 1) +
                              " exchanges messages with one who means " + "life " +
                              std::to_string(connection.meant.low));
  Time at = world_.now();
  if (until_held_up_ == 0) at = at + held_up_;
  if (until_held_up_ != 0 && until_held_up_ != kNone) --until_held_up_;
  world_.land(worker, at, std::move(parcel));
}

// ---------------------------------------------------------------- calling ends

std::uint32_t Wires::add_caller(std::uint32_t worker, const dataplane::Identity& identity, const dataplane::Peer& peer,
                                dataplane::Calls& calls) {
  const auto index = static_cast<std::uint32_t>(callers_.size());
  callers_.push_back(std::make_unique<CallEnd>(index, worker, identity, peer, calls));
  return index;
}

void Wires::run_at(std::uint32_t caller, Time at) {
  CallEnd& end = *callers_[caller];
  if (at >= end.runs_at) return;
  end.runs_at = at;
  world_.schedule(at, {WireEvent::Kind::caller_runs, caller, 0});
}

void Wires::run(std::uint32_t caller) {
  CallEnd* end = callers_[caller].get();
  if (end == nullptr || end->runs_at > world_.now()) return;
  end->runs_at = Time::never();
  if (end->protocol.is_closed()) return connect(*end);
  end->protocol.go_on(world_.now());
  flush(end->connection, Direction::to_listener);
  watch_silence(*end);
}

void Wires::watch_silence(CallEnd& end) {
  const Time deadline = end.protocol.deadline();
  if (end.silence_watched || deadline == Time::never()) return;
  end.silence_watched = true;
  world_.schedule(deadline, {WireEvent::Kind::silence_due, end.index, 0});
}

void Wires::silence_due(std::uint32_t caller) {
  CallEnd* end = callers_[caller].get();
  if (end == nullptr) return;
  end->silence_watched = false;
  if (world_.now() < end->protocol.deadline()) return watch_silence(*end);
  counters_.count(Branch::silence_given_up);
  drop_caller(end->connection);
}

void Wires::connect(CallEnd& end) {
  if (world_.now() < end.protocol.retry_at()) return run_at(end.index, end.protocol.retry_at());
  const std::uint16_t port = end.peer.port;
  if (port == 0) return;
  end.protocol.connecting(port, world_.now());
  watch_silence(end);
  end.connection = static_cast<std::uint32_t>(connections_.size());
  auto made = std::make_unique<Connection>();
  made->caller = &end;
  made->caller_place = planes_[end.worker]->place;
  made->port = port;
  made->meant = end.peer.life;
  connections_.push_back(std::move(made));
  world_.schedule(world_.now() + random_.between_us(5, 400), {WireEvent::Kind::connects, end.connection, 0});
}

void Wires::connects(std::uint32_t index) {
  Connection* connection = connections_[index].get();
  if (connection == nullptr || connection->caller == nullptr) return;
  const Port& port = ports_[connection->port];
  if (port.worker == kNone) {
    if (world_.now() >= port.silent_until) drop_caller(index);
    return;
  }
  const std::uint32_t place = planes_[port.worker]->place;
  if (network_.is_cut(connection->caller_place, place) || network_.is_cut(place, connection->caller_place)) {
    world_.schedule(world_.now() + random_.between_us(20'000, 100'000), {WireEvent::Kind::connects, index, 0});
    return;
  }
  open_session(index, port.worker);
  connection->caller->protocol.connected(world_.now());
  flush(index, Direction::to_listener);
}

void Wires::drop_caller(std::uint32_t index) {
  heard_ = index;
  Connection& connection = *connections_[index];
  CallEnd& end = *std::exchange(connection.caller, nullptr);
  end.connection = kNone;
  end.said.take();
  end.protocol.dropped(world_.now());
  finish(index, Direction::to_listener, latency(connection));
  forget_if_over(index);
  if (end.peer.port != 0) run_at(end.index, end.protocol.retry_at());
}

// ---------------------------------------------------------------- listening ends

void Wires::open_session(std::uint32_t index, std::uint32_t worker) {
  Connection& connection = *connections_[index];
  Plane& plane = *planes_[worker];
  connection.listener = worker;
  connection.listener_life = plane.life();
  connection.listener_place = plane.place;
  connection.session.emplace(plane.exchange().shared());
  world_.schedule(world_.now() + dataplane::SessionProtocol::kProofTime, {WireEvent::Kind::proof_due, index, 0});
}

void Wires::proof_due(std::uint32_t index) {
  Connection* connection = connections_[index].get();
  if (connection == nullptr || !connection->session.has_value() || connection->session->protocol.is_proven()) return;
  drop_session(index);
}

void Wires::answer_batch(std::uint32_t index) {
  Connection* connection = connections_[index].get();
  if (connection == nullptr || !connection->session.has_value()) return;
  connection->session->protocol.answer_batch();
  if (loses_response(*connection)) {
    connection->session->said.take();
    world_.note("loses a response");
    return break_off(index);
  }
  flush(index, Direction::to_caller);
}

void Wires::drop_session(std::uint32_t index) {
  Connection& connection = *connections_[index];
  connection.session->protocol.dropped();
  connection.session.reset();
  finish(index, Direction::to_caller, latency(connection));
  forget_if_over(index);
}

void Wires::forget_if_over(std::uint32_t index) {
  const Connection& connection = *connections_[index];
  if (connection.caller == nullptr && !connection.session.has_value()) connections_[index].reset();
}

}  // namespace taskgraph::sim
