/// How TCP is used between workers of one machine.
#pragma once

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <string_view>

namespace taskgraph::dataplane {

/// On loopback nothing is lost and nobody shares the way: what paces (bbr) reaches half of what the machine can do, and
/// Reno is in every kernel and allowed to everyone.
inline constexpr std::string_view kCongestionControl = "reno";

/// For both ends of a connection. Best effort: without it all works, more slowly.
inline void tune(int socket) {
  const int one = 1;
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  ::setsockopt(socket, IPPROTO_TCP, TCP_CONGESTION, kCongestionControl.data(), kCongestionControl.size());
}

}  // namespace taskgraph::dataplane
