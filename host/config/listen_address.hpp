/// Where the control listener binds: on this machine only, in this version.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "host/config/failure.hpp"

namespace taskgraph::config {

struct ListenAddress {
  std::string address = "127.0.0.1";  ///< or "::1"
  std::uint16_t port = 0;             ///< 0: the kernel chooses

  /// "127.0.0.1:8080" or "[::1]:8080", as in a URL.
  std::string text() const;
  friend bool operator==(const ListenAddress&, const ListenAddress&) = default;
};

/// ADDR:PORT of --listen. Pure. Refuses what is no loopback address (ExitCode::usage).
Result<ListenAddress> read_listen_address(std::string_view text);

}  // namespace taskgraph::config
