/// Bytes on their way, and what strikes them.
#include <algorithm>
#include <utility>

#include "host/wire/encoder.hpp"
#include "host/wire/frame_codec.hpp"
#include "tests/sim/wire_plane.hpp"
#include "tests/sim/wires.hpp"

namespace taskgraph::sim {

using namespace core;

namespace {

Direction other(Direction direction) {
  return direction == Direction::to_listener ? Direction::to_caller : Direction::to_listener;
}

constexpr std::string_view kBatchRequest = "POST /v1/frames ";

}  // namespace

Duration Wires::latency(const Connection& connection) {
  const bool near = connection.caller_place == connection.listener_place;
  return near ? random_.between_us(2, 60) : random_.between_us(40, 400);
}

// ---------------------------------------------------------------- leaving

void Wires::flush(std::uint32_t index, Direction direction) {
  if (index == kNone) return;
  Connection& connection = *connections_[index];
  const bool by_listener = direction == Direction::to_caller;
  std::string bytes = by_listener ? connection.session->said.take() : connection.caller->said.take();
  if (bytes.empty()) return;
  if (by_listener) count_refusal(bytes);
  if (bytes.starts_with("GET /v1/blobs/")) counters_.count(Branch::blob_asked);
  if (connection.pipe(direction).silent || strike_by_story(index, direction, bytes)) return;
  const Duration delay = latency(connection);
  if (!world_.faulty()) return put(index, direction, std::move(bytes), delay);
  if (fault_random_.per_mille(20)) {  // as TCP may cut it anywhere
    counters_.count(FaultKind::bytes_split);
    const std::size_t first = fault_random_.below(bytes.size() + 1);
    put(index, direction, bytes.substr(0, first), delay);
    bytes.erase(0, first);
  }
  const bool far = connection.caller_place != connection.listener_place;
  if (far && fault_random_.per_mille(scenario_.network_per_mille) && strike(index, direction, bytes)) return;
  put(index, direction, std::move(bytes), delay);
}

/// False: the bytes are still to be put on their way.
bool Wires::strike(std::uint32_t index, Direction direction, std::string& bytes) {
  Pipe& pipe = connections_[index]->pipe(direction);
  const std::uint64_t choice = fault_random_.below(10);
  if (choice < 4) {
    counters_.count(FaultKind::bytes_delayed);
    put(index, direction, std::move(bytes), fault_random_.between_us(1'000, 600'000));
    return true;
  }
  if (choice < 9) {
    counters_.count(FaultKind::connection_broken);
    bytes.resize(fault_random_.below(bytes.size() + 1));
    put(index, direction, std::move(bytes), fault_random_.between_us(40, 300'000));
    Pipe& back = connections_[index]->pipe(other(direction));
    back.keep(fault_random_.below(back.bytes() + 1));
    finish(index, direction, {0});
    finish(index, other(direction), fault_random_.between_us(40, 300'000));
    pipe.silent = back.silent = true;
    return true;
  }
  counters_.count(FaultKind::connection_silent);
  pipe.silent = true;
  if (fault_random_.per_mille(600)) {  // the writer learns of it after a while
    finish(index, other(direction), fault_random_.between_us(50'000, 1'500'000));
  }
  return true;
}

bool Wires::strike_by_story(std::uint32_t index, Direction direction, std::string& bytes) {
  Connection& connection = *connections_[index];
  if (cuts_.empty() || direction != Direction::to_listener || !bytes.starts_with(kBatchRequest)) return false;
  const auto cut = std::find_if(cuts_.begin(), cuts_.end(), [&](const Cut& c) {
    return connection.caller->worker == c.from && connection.listener == c.to;
  });
  if (cut == cuts_.end()) return false;
  bytes.resize(std::min(bytes.size(), cut->bytes));
  put(index, direction, bytes, latency(connection));
  cuts_.erase(cut);
  break_off(index);
  return true;
}

bool Wires::loses_response(const Connection& connection) {
  if (connection.caller == nullptr) return false;
  return std::erase(lost_responses_, std::pair(connection.caller->worker, connection.listener)) != 0;
}

void Wires::put(std::uint32_t index, Direction direction, std::string bytes, Duration delay) {
  if (bytes.empty()) return;
  Pipe& pipe = connections_[index]->pipe(direction);
  pipe.last = std::max(pipe.last, world_.now() + delay);
  pipe.chunks.push_back({pipe.last, std::move(bytes)});
  world_.schedule(pipe.last, {WireEvent::Kind::arrives, index, static_cast<std::uint32_t>(direction)});
}

/// Nothing more comes after what is under way.
void Wires::finish(std::uint32_t index, Direction direction, Duration delay) {
  Pipe& pipe = connections_[index]->pipe(direction);
  if (pipe.silent || pipe.end.has_value()) return;
  pipe.end = pipe.last = std::max(pipe.last, world_.now() + delay);
  world_.schedule(*pipe.end, {WireEvent::Kind::arrives, index, static_cast<std::uint32_t>(direction)});
}

/// The writer's life has ended: what its system has not sent yet is lost.
void Wires::leave(std::uint32_t index, Direction direction, bool silently) {
  Connection& connection = *connections_[index];
  Pipe& pipe = connection.pipe(direction);
  pipe.keep(fault_random_.below(pipe.bytes() + 1));
  // A machine that is back does not know the connection, and says so.
  const Duration delay = silently ? fault_random_.between_us(1'000'000, 3'000'000) : latency(connection);
  finish(index, direction, delay);
  pipe.silent = true;
}

void Wires::break_off(std::uint32_t index) {
  for (const Direction direction : {Direction::to_listener, Direction::to_caller}) {
    finish(index, direction, latency(*connections_[index]));
    connections_[index]->pipe(direction).silent = true;
  }
}

void Wires::reset(std::uint32_t a, std::uint32_t b) {
  for (std::uint32_t i = 0; i < connections_.size(); ++i) {
    Connection* connection = connections_[i].get();
    if (connection == nullptr || connection->listener == kNone) continue;
    const std::pair places(connection->caller_place, connection->listener_place);
    if (places != std::pair(a, b) && places != std::pair(b, a)) continue;
    for (Pipe& pipe : connection->pipes) pipe.keep(fault_random_.below(pipe.bytes() + 1));
    break_off(i);
  }
}

void Wires::stranger(std::uint32_t to, LifeId as, const Frame& frame) {
  if (!listens(to) || as == planes_[to]->life()) return;
  counters_.count(FaultKind::stranger);
  const auto index = static_cast<std::uint32_t>(connections_.size());
  connections_.push_back(std::make_unique<Connection>());
  open_session(index, to);
  const Plane& plane = *planes_[to];
  std::string hello;
  wire::Encoder out(hello);
  out.uuid(plane.job());
  out.uuid(as);
  out.uuid(plane.life());
  out.raw(std::string(dataplane::kNonceBytes, 'n'));
  out.flush();
  std::string batch;
  wire::BatchWriter writer(batch, {plane.job(), as, plane.life()});
  writer.add(frame);
  const auto post = [&](const std::string& path, const std::string& body) {
    return "POST " + path + " HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
           body;
  };
  std::string said = fault_random_.per_mille(500)
                         ? post("/v1/hello", hello) + post("/v1/prove", std::string(dataplane::kProofBytes, 'p'))
                         : std::string();
  put(index, Direction::to_listener, said + post("/v1/frames", batch), fault_random_.between_us(2, 400));
}

// ---------------------------------------------------------------- arriving

void Wires::arrives(std::uint32_t index, Direction direction) {
  Connection* connection = connections_[index].get();
  if (connection == nullptr) return;
  Pipe& pipe = connection->pipe(direction);
  std::uint32_t from = connection->caller_place;
  std::uint32_t to = connection->listener_place;
  if (direction == Direction::to_caller) std::swap(from, to);
  if (network_.is_cut(from, to)) {  // sent again when the cut is healed
    const Time later = world_.now() + random_.between_us(20'000, 60'000);
    for (Pipe::Chunk& chunk : pipe.chunks) chunk.at = std::max(chunk.at, later);
    if (pipe.end.has_value()) pipe.end = std::max(*pipe.end, later);
    pipe.last = std::max(pipe.last, later);
    world_.schedule(later, {WireEvent::Kind::arrives, index, static_cast<std::uint32_t>(direction)});
    return;
  }
  std::string bytes;
  while (!pipe.chunks.empty() && pipe.chunks.front().at <= world_.now()) {
    if (bytes.empty()) {
      bytes = std::move(pipe.chunks.front().bytes);
    } else {
      bytes += pipe.chunks.front().bytes;
    }
    pipe.chunks.pop_front();
  }
  const bool ends = pipe.chunks.empty() && pipe.end.has_value() && *pipe.end <= world_.now();
  if (!bytes.empty()) hear(index, direction, bytes);
  if (ends && connections_[index] != nullptr) hear_end(index, direction);
}

void Wires::hear(std::uint32_t index, Direction direction, const std::string& bytes) {
  Connection& connection = *connections_[index];
  heard_ = index;
  until_held_up_ = kNone;
  if (world_.faulty() && fault_random_.per_mille(15)) {
    counters_.count(FaultKind::reader_held_up);
    until_held_up_ = static_cast<std::uint32_t>(fault_random_.below(6));
    held_up_ = fault_random_.between_us(100, 300'000);
  }
  if (direction == Direction::to_listener && connection.session.has_value()) {
    dataplane::SessionProtocol& protocol = connection.session->protocol;
    const bool is_good = feed(protocol, bytes, world_.now());
    flush(index, Direction::to_caller);
    for (std::uint32_t batches = protocol.take_batches(); batches != 0; --batches) {
      world_.schedule(world_.now() + random_.between_us(1, 80), {WireEvent::Kind::batch_answered, index, 0});
    }
    if (!is_good) drop_session(index);
  } else if (direction == Direction::to_caller && connection.caller != nullptr) {
    CallEnd& end = *connection.caller;
    const bool is_good = feed(end.protocol, bytes, world_.now());
    flush(index, Direction::to_listener);
    watch_silence(end);
    if (!is_good) drop_caller(index);
  }
}

void Wires::hear_end(std::uint32_t index, Direction direction) {
  Connection& connection = *connections_[index];
  heard_ = index;
  until_held_up_ = kNone;
  if (direction == Direction::to_listener && connection.session.has_value()) return drop_session(index);
  if (direction == Direction::to_caller && connection.caller != nullptr) drop_caller(index);
}

void Wires::count_refusal(std::string_view said) {
  if (said.find("HTTP/1.1 409 ") != std::string_view::npos) {
    counters_.count(Branch::wrong_life);
    world_.note("refuses who means another life");
  }
  if (said.find("HTTP/1.1 401 ") != std::string_view::npos) counters_.count(Branch::no_proof);
  if (said.starts_with("HTTP/1.1 404 ")) counters_.count(Branch::blob_gone);
}

}  // namespace taskgraph::sim
