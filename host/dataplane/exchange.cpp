#include "host/dataplane/exchange.hpp"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "host/core/mutant.hpp"
#include "host/wire/frame_codec.hpp"
#include "host/wire/limits.hpp"

namespace taskgraph::dataplane {

namespace {

http::RequestLimits request_limits() {
  http::RequestLimits limits;
  limits.body_bytes_max = wire::kBatchBytesMax;
  return limits;
}

}  // namespace

Exchange::Exchange(const Identity& identity, const PlaneLimits& limits, Receiver& receiver, PeerMaker& maker)
    : identity_(identity),
      limits_(limits),
      receiver_(receiver),
      maker_(maker),
      blobs_(identity, limits),
      shared_{identity, *this, *this, blobs_, request_limits()} {}

Peer& Exchange::peer(core::LifeId life) {
  const std::lock_guard lock(peers_mutex_);
  std::unique_ptr<Peer>& made = peers_[life];
  if (made == nullptr) made = maker_.make_peer(life, *this);
  return *made;
}

void Exchange::know(const wire::Addresses& addresses) {
  const auto is_listed = [&](core::LifeId life) {
    const auto same = [&](const wire::Address& address) { return address.life == life; };
    return std::any_of(addresses.lives.begin(), addresses.lives.end(), same);
  };
  {
    const std::lock_guard lock(peers_mutex_);
    for (const auto& [life, known] : peers_) {
      if (known->port.load(std::memory_order_relaxed) == 0 || is_listed(life)) continue;
      known->end();
      blobs_.drop(life);
    }
  }
  for (const wire::Address& address : addresses.lives) {
    if (address.life == identity_.life) continue;
    Peer& known = peer(address.life);
    known.port.store(address.port, std::memory_order_relaxed);
    known.kick_frames();  // something may have waited for the address
    known.kick_blobs();
  }
}

void Exchange::send(core::LifeId to, core::Frame&& frame, core::Time now) {
  if (auto message = announced_if_large(to, std::move(frame), now)) peer(to).push(*std::move(message));
}

void Exchange::send(core::LifeId to, const core::SealAsk& ask) {
  peer(to).push(ask);
}

bool Exchange::send(core::LifeId to, core::SealAck&& ack) {
  Peer& peer_of = peer(to);
  const std::uint64_t serial = seal_serial_.fetch_add(1, std::memory_order_relaxed) + 1;
  std::vector<wire::SealAckPart> parts = wire::split(std::move(ack), serial);
  for (wire::SealAckPart& part : parts) peer_of.push(std::move(part));
  return !parts.empty();
}

std::optional<wire::Message> Exchange::announced_if_large(core::LifeId to, core::Frame&& frame, core::Time now) {
  const core::Stamp& stamp = frame.stamp;
  const auto keep = [&](core::Bytes&& body) {
    const BlobKey key{to, stamp.from, stamp.from_term, stamp.to, stamp.to_term, stamp.sequence};
    return blobs_.keep(key, std::move(body), now);
  };
  if (auto* request = std::get_if<core::PullRequest>(&frame.body);
      request != nullptr && request->body.size() > limits_.eager_bytes_max) {
    const auto blob = keep(std::move(request->body));
    if (!blob.has_value()) return std::nullopt;
    return wire::AnnouncedRequest{stamp, request->pull, std::move(request->method), *blob};
  }
  if (auto* answer = std::get_if<core::PullAnswer>(&frame.body);
      answer != nullptr && answer->body.size() > limits_.eager_bytes_max) {
    const auto blob = keep(std::move(answer->body));
    if (!blob.has_value()) return std::nullopt;
    return wire::AnnouncedAnswer{stamp, answer->pull, answer->outcome, answer->code, *blob};
  }
  return std::move(frame);
}

bool Exchange::deliver_batch(Peer& from, std::string_view batch) {
  wire::BatchReader reader(batch);
  const wire::BatchHeader& header = reader.header();
  const bool is_for_us = header.to == identity_.life || core::mutated(core::Mutant::skip_identity_check);
  const bool is_ours = header.job == identity_.job && is_for_us && header.from == from.life;
  if (reader.error().has_value() || !is_ours) return false;
  while (auto message = reader.next()) deliver_message(from, *std::move(message));
  return !reader.error().has_value();
}

void Exchange::deliver_message(Peer& from, wire::Message&& message) {
  if (auto* frame = std::get_if<core::Frame>(&message)) return receiver_.receive(std::move(*frame));
  if (auto* ask = std::get_if<core::SealAsk>(&message)) return receiver_.receive(*ask);
  if (auto* part = std::get_if<wire::SealAckPart>(&message)) {
    std::optional<core::SealAck> whole;
    {
      const std::lock_guard lock(seals_mutex_);
      whole = seals_.join(std::move(*part));
    }
    if (whole.has_value()) receiver_.receive(*std::move(whole));
    return;
  }
  const auto fetch = [&](const wire::Blob& blob, core::Frame&& frame) {
    if (blob.size_bytes > limits_.message_bytes_max) return;
    if (from.blob_calls.fetch(blob, std::move(frame))) from.kick_blobs();
  };
  if (auto* request = std::get_if<wire::AnnouncedRequest>(&message)) {
    return fetch(request->body, {request->stamp, core::PullRequest{request->pull, std::move(request->method), {}}});
  }
  auto& answer = std::get<wire::AnnouncedAnswer>(message);
  fetch(answer.body, {answer.stamp, core::PullAnswer{answer.pull, answer.outcome, answer.code, {}}});
}

}  // namespace taskgraph::dataplane
