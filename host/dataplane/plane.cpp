#include "host/dataplane/plane.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <system_error>
#include <utility>
#include <vector>

#include "host/dataplane/caller.hpp"
#include "host/dataplane/session.hpp"
#include "host/dataplane/socket_options.hpp"
#include "host/runtime/log.hpp"

namespace taskgraph::dataplane {

// ---------------------------------------------------------------- listener

/// Accepts, and gives each connection to a session that is free.
class Plane::Listener final : public runtime::IoStrand {
 public:
  Listener(runtime::Executor& executor, const SessionShared& shared) : IoStrand(executor), shared_(shared) {
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
      tune(accepted.get());
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
    sessions_.push_back(std::make_unique<Session>(executor(), shared_));
    sessions_.back()->claim();
    return sessions_.back().get();
  }

  const SessionShared& shared_;
  process::Descriptor socket_;
  std::uint16_t port_ = 0;
  std::vector<std::unique_ptr<Session>> sessions_;
};

// ---------------------------------------------------------------- peers

class Plane::ConnectedPeer final : public Peer {
 public:
  ConnectedPeer(runtime::Executor& executor, const Identity& identity, core::LifeId of, const PlaneLimits& limits,
                Deliveries& deliveries)
      : Peer(identity, of, limits, deliveries),
        frames_(executor, identity, *this, frame_calls),
        blobs_(executor, identity, *this, blob_calls) {}

  void kick_frames() override { frames_.kick(); }
  void kick_blobs() override { blobs_.kick(); }

 private:
  Caller frames_;
  Caller blobs_;
};

// ---------------------------------------------------------------- plane

Plane::Plane(runtime::Executor& executor, core::JobId job, core::LifeId life, const Secret& secret,
             std::uint64_t message_bytes_max, Receiver& receiver)
    : executor_(executor),
      secret_(secret),
      identity_{job, life, [this](Side side, const Handshake& said) { return prove(secret_, side, said); },
                random_nonce},
      limits_{message_bytes_max},
      exchange_(identity_, limits_, receiver, *this),
      listener_(std::make_unique<Listener>(executor_, exchange_.shared())) {}

Plane::~Plane() = default;

std::uint16_t Plane::port() const {
  return listener_->port();
}

void Plane::send(core::LifeId to, core::SealAck&& ack) {
  const core::TaskId task = ack.task;
  if (exchange_.send(to, std::move(ack)) || seal_too_large_logged_.exchange(true)) return;
  runtime::log(
      runtime::LogLevel::error,
      "the flags that this worker has stored of a task are more than an acknowledgement of its new primary has "
      "room for (256 MiB): that primary waits until the epoch is over; raise fewer flags, or put their bytes "
      "into pulls; further ones are not reported",
      {.task = task, .epoch = {}, .term = {}});
}

std::unique_ptr<Peer> Plane::make_peer(core::LifeId life, Deliveries& deliveries) {
  return std::make_unique<ConnectedPeer>(executor_, identity_, life, limits_, deliveries);
}

}  // namespace taskgraph::dataplane
