/// What one listener takes from its clients at most. Every limit has its unit in its name or its type.
#pragma once

#include <cstddef>

#include "host/core/ids.hpp"

namespace taskgraph::http {

/// Of one request. What is beyond is refused with the status that stands behind it, and the connection is closed.
struct RequestLimits {
  std::size_t request_line_bytes_max = 4096;                   ///< 414
  std::size_t head_bytes_max = 16 * 1024;                      ///< request line and all fields; 431
  std::size_t fields_max = 64;                                 ///< 431
  std::size_t body_bytes_max = std::size_t{64} * 1024 * 1024;  ///< after decoding of chunks; 413. A route may have less
};

/// Of one listener.
struct ServerLimits {
  RequestLimits request;

  std::size_t connections_max = 4096;  ///< beyond: the longest idle one is closed, or the new one gets 503
  /// The same rule for the connections of one address. All clients of 127.0.0.1 are one peer, hence no less than all.
  std::size_t connections_per_peer_max = 4096;
  std::size_t bodies_bytes_max =
      std::size_t{512} * 1024 * 1024;  ///< of all bodies that are being received; beyond: 503

  // Of one connection. When one is reached, nothing more is read until there is room again.
  std::size_t pipelined_requests_max = 128;                     ///< taken and not answered yet
  std::size_t output_bytes_max = std::size_t{4} * 1024 * 1024;  ///< answered and not sent yet

  core::Duration head_time = core::seconds(10);   ///< from a request's first byte to the end of its fields; 408
  core::Duration body_time = core::seconds(60);   ///< from there to the end of its body; 408
  core::Duration idle_time = core::seconds(120);  ///< without a request; closed
  core::Duration write_time = core::seconds(60);  ///< in which the peer takes none of what is sent; closed
  core::Duration linger_time = core::seconds(1);  ///< for the peer to close first, so that it can read the last answer
  std::size_t linger_bytes_max = 256 * 1024;      ///< thrown away meanwhile
  core::Duration close_time = core::seconds(5);   ///< for open answers when the server closes
};

}  // namespace taskgraph::http
