#include "host/config/listen_address.hpp"

#include <charconv>

#include "host/config/words.hpp"

namespace taskgraph::config {
namespace {

Failure refused(std::string_view text, const std::string& why) {
  return {ExitCode::usage, "--listen " + quote(text) + ": " + why};
}

}  // namespace

std::string ListenAddress::text() const {
  const bool brackets = address.find(':') != std::string::npos;
  return (brackets ? "[" + address + "]" : address) + ":" + std::to_string(port);
}

Result<ListenAddress> read_listen_address(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  const std::string_view host = text.substr(0, colon);
  const std::string_view digits = colon == std::string_view::npos ? std::string_view{} : text.substr(colon + 1);
  ListenAddress parsed;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), parsed.port);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size()) {
    return refused(text, "expected ADDR:PORT with a port from 0 to 65535 (0: the kernel chooses), as 127.0.0.1:0");
  }
  if (host == "[::1]") {
    parsed.address = "::1";
  } else if (host != "127.0.0.1" && host != "localhost") {
    return refused(text, "this version listens on loopback only: 127.0.0.1:" + std::to_string(parsed.port) +
                             " or [::1]:" + std::to_string(parsed.port));
  }
  return parsed;
}

}  // namespace taskgraph::config
