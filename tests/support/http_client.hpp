/// A blocking HTTP client that shows every byte. A read that takes longer than kPatience fails the test.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

#include "host/http/request.hpp"

namespace taskgraph::http::testing {

inline constexpr int kPatienceSeconds = 30;

class Client {
 public:
  explicit Client(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval patience{kPatienceSeconds, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      throw std::runtime_error("connect failed");
    }
  }
  ~Client() { ::close(socket_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent < 0) throw std::runtime_error("send failed");
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  void end_sending() { ::shutdown(socket_, SHUT_WR); }

  struct Answer {
    int status = 0;
    std::string head;
    std::string body;
  };
  /// `head_only`: the answer to HEAD.
  Answer read_answer(bool head_only = false) {
    std::size_t end = 0;
    while ((end = input_.find("\r\n\r\n")) == std::string::npos) {
      if (!read_more()) throw std::runtime_error("the connection ended within an answer: " + input_);
    }
    Answer answer;
    answer.head = input_.substr(0, end + 4);
    input_.erase(0, end + 4);
    answer.status = std::stoi(answer.head.substr(9, 3));
    const std::size_t field = answer.head.find("Content-Length: ");
    if (head_only || field == std::string::npos) return answer;
    const std::size_t size = std::stoul(answer.head.substr(field + 16));
    while (input_.size() < size) {
      if (!read_more()) throw std::runtime_error("the connection ended within a body");
    }
    answer.body = input_.substr(0, size);
    input_.erase(0, size);
    return answer;
  }
  /// All that comes until the server ends the connection in order.
  std::string read_to_end() {
    while (read_more()) {
    }
    return std::move(input_);
  }

 private:
  bool read_more() {
    char buffer[65536];
    const ssize_t read = ::recv(socket_, buffer, sizeof buffer, 0);
    if (read < 0) throw std::runtime_error("the connection was reset, or nothing came for too long");
    input_.append(buffer, static_cast<std::size_t>(read));
    return read > 0;
  }

  const int socket_;
  std::string input_;
};

}  // namespace taskgraph::http::testing
