#include "host/dataplane/plane.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "host/wire/frame_codec.hpp"
#include "host/wire/limits.hpp"

namespace taskgraph::dataplane {

// ---------------------------------------------------------------- listener

/// Accepts, and gives each connection to a session that is free.
class Plane::Listener final : public runtime::IoStrand {
 public:
  Listener(runtime::Executor& executor, const SessionShared& shared, Peers& peers)
      : IoStrand(executor), shared_(shared), peers_(peers) {
    socket_ = process::Descriptor(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    check(socket_.is_open(), "socket of the data plane");
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    check(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), size) == 0, "bind of the data plane");
    check(::listen(socket_.get(), SOMAXCONN) == 0, "listen of the data plane");
    check(::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0, "getsockname");
    port_ = ntohs(address.sin_port);
    watch(socket_.get());
  }
  ~Listener() override { take_posted(); }

  std::uint16_t port() const { return port_; }

  /// Connections at once; those of workers are two for each. Beyond, a new one is closed at once.
  static constexpr std::size_t kSessionsMax = 4'096;

 private:
  static void check(bool good, const char* what) {
    if (!good) throw std::system_error(errno, std::generic_category(), what);
  }

  void ready(std::uint32_t, core::Time) override {
    for (;;) {
      process::Descriptor accepted(::accept4(socket_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (!accepted.is_open() && (errno == EINTR || errno == ECONNABORTED)) continue;
      if (!accepted.is_open()) break;
      const int one = 1;
      ::setsockopt(accepted.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
      if (Session* session = free_session()) session->serve(std::move(accepted));
    }
    // Out of descriptors, say: nothing tells when there are some again.
    if (errno != EAGAIN) wake_at(runtime::now() + core::milliseconds(100));
  }
  void posted(Node*, bool, core::Time now) override { ready(0, now); }

  Session* free_session() {
    for (const auto& session : sessions_) {
      if (session->claim()) return session.get();
    }
    if (sessions_.size() == kSessionsMax) return nullptr;
    sessions_.push_back(std::make_unique<Session>(executor(), shared_, peers_));
    sessions_.back()->claim();
    return sessions_.back().get();
  }

  const SessionShared& shared_;
  Peers& peers_;
  process::Descriptor socket_;
  std::uint16_t port_ = 0;
  std::vector<std::unique_ptr<Session>> sessions_;
};

// ---------------------------------------------------------------- plane

Plane::Plane(runtime::Executor& executor, core::JobId job, core::LifeId life, const Secret& secret,
             std::uint64_t message_bytes_max, Receiver& receiver)
    : executor_(executor),
      secret_(secret),
      identity_{job, life, secret_},
      message_bytes_max_(message_bytes_max),
      receiver_(receiver),
      shared_{identity_, *this, blobs_, {}} {
  shared_.limits.body_bytes_max = wire::kBatchBytesMax;
  listener_ = std::make_unique<Listener>(executor_, shared_, static_cast<Peers&>(*this));
}

Plane::~Plane() = default;

std::uint16_t Plane::port() const {
  return listener_->port();
}

Peer& Plane::peer(core::LifeId life) {
  {
    const std::shared_lock lock(peers_mutex_);
    if (const auto found = peers_.find(life); found != peers_.end()) return *found->second;
  }
  const std::unique_lock lock(peers_mutex_);
  std::unique_ptr<Peer>& made = peers_[life];
  if (made == nullptr) {
    made = std::make_unique<Peer>(life);
    Deliveries& deliveries = *this;
    made->frames = std::make_unique<FrameCaller>(executor_, identity_, *made, deliveries);
    made->blobs = std::make_unique<BlobCaller>(executor_, identity_, *made, deliveries);
  }
  return *made;
}

void Plane::know(const wire::Addresses& addresses) {
  {
    const std::shared_lock lock(peers_mutex_);
    for (const auto& [life, known] : peers_) known->port.store(0, std::memory_order_relaxed);
  }
  for (const wire::Address& address : addresses.lives) {
    if (address.life == identity_.life) continue;
    Peer& known = peer(address.life);
    known.port.store(address.port, std::memory_order_relaxed);
    known.frames->kick();  // something may have waited for the address
  }
}

void Plane::push(core::LifeId to, wire::Message&& message) {
  Peer& known = peer(to);
  if (known.push(std::move(message)) == Peer::Pushed::kick) known.frames->kick();
}

void Plane::send(core::LifeId to, core::Frame&& frame) {
  push(to, announced_if_large(to, std::move(frame)));
}

void Plane::send(core::LifeId to, const core::SealAsk& ask) {
  push(to, ask);
}

void Plane::send(core::LifeId to, core::SealAck&& ack) {
  const std::uint64_t serial = seal_serial_.fetch_add(1, std::memory_order_relaxed) + 1;
  for (wire::SealAckPart& part : wire::split(std::move(ack), serial)) push(to, std::move(part));
}

wire::Message Plane::announced_if_large(core::LifeId to, core::Frame&& frame) {
  const core::Stamp& stamp = frame.stamp;
  const auto keep = [&](core::Bytes&& body) {
    const BlobKey key{to, stamp.from, stamp.from_term, stamp.to, stamp.to_term, stamp.sequence};
    return blobs_.keep(key, std::move(body), runtime::now());
  };
  if (auto* request = std::get_if<core::PullRequest>(&frame.body);
      request != nullptr && request->body.size() > wire::kEagerBytesMax) {
    return wire::AnnouncedRequest{stamp, request->pull, std::move(request->method), keep(std::move(request->body))};
  }
  if (auto* answer = std::get_if<core::PullAnswer>(&frame.body);
      answer != nullptr && answer->body.size() > wire::kEagerBytesMax) {
    return wire::AnnouncedAnswer{stamp, answer->pull, answer->outcome, answer->code, keep(std::move(answer->body))};
  }
  return std::move(frame);
}

bool Plane::deliver_batch(Peer& from, std::string_view batch) {
  wire::BatchReader reader(batch);
  const wire::BatchHeader& header = reader.header();
  const bool for_us = header.job == identity_.job && header.to == identity_.life && header.from == from.life;
  if (reader.error().has_value() || !for_us) return false;
  while (auto message = reader.next()) deliver_message(from, *std::move(message));
  return !reader.error().has_value();
}

void Plane::deliver_message(Peer& from, wire::Message&& message) {
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
  if (auto* request = std::get_if<wire::AnnouncedRequest>(&message)) {
    if (request->body.size_bytes > message_bytes_max_) return;
    return from.blobs->fetch(request->body,
                             {request->stamp, core::PullRequest{request->pull, std::move(request->method), {}}});
  }
  auto& answer = std::get<wire::AnnouncedAnswer>(message);
  if (answer.body.size_bytes > message_bytes_max_) return;
  from.blobs->fetch(answer.body, {answer.stamp, core::PullAnswer{answer.pull, answer.outcome, answer.code, {}}});
}

}  // namespace taskgraph::dataplane
