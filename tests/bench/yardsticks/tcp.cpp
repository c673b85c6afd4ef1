// usage: taskgraph-tcp_yardstick BYTES COUNT [CONGESTION]
// Two processes, one blocking TCP connection over loopback: a request of min(BYTES, 64), an answer of BYTES from and
// into buffers that are used again; one at a time. CONGESTION: the congestion control of both ends, else the system's.
// Prints a line of JSON.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <string_view>

#include "tests/bench/yardsticks/tally.hpp"

namespace {

void check(bool good, const char* what) {
  if (good) return;
  std::perror(what);
  std::exit(1);
}

/// False: the peer has closed.
bool receive(int socket, std::string& into) {
  for (std::size_t done = 0; done < into.size();) {
    const ssize_t count = ::recv(socket, into.data() + done, into.size() - done, 0);
    check(count >= 0, "recv");
    if (count == 0) return false;
    done += static_cast<std::size_t>(count);
  }
  return true;
}

void send(int socket, const std::string& bytes) {
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t count = ::send(socket, bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL);
    check(count > 0, "send");
    done += static_cast<std::size_t>(count);
  }
}

void tune(int socket, std::string_view congestion) {
  const int one = 1;
  check(::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) == 0, "TCP_NODELAY");
  if (congestion.empty()) return;
  const auto size = static_cast<socklen_t>(congestion.size());
  check(::setsockopt(socket, IPPROTO_TCP, TCP_CONGESTION, congestion.data(), size) == 0, "TCP_CONGESTION");
}

void serve(int listener, std::size_t bytes, std::string_view congestion) {
  const int socket = ::accept(listener, nullptr, nullptr);
  check(socket >= 0, "accept");
  tune(socket, congestion);
  std::string request(std::min<std::size_t>(bytes, 64), '\0');
  const std::string answer(bytes, 'a');
  while (receive(socket, request)) send(socket, answer);
}

void ask(const sockaddr_in& address, std::size_t bytes, std::int64_t count, std::string_view congestion) {
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  check(socket >= 0, "socket");
  check(::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0, "connect");
  tune(socket, congestion);
  const std::string request(std::min<std::size_t>(bytes, 64), 'q');
  std::string answer(bytes, '\0');
  yardstick::Tally tally(count);
  std::int64_t since = yardstick::now_ns();
  do {
    send(socket, request);
    check(receive(socket, answer), "the answering process has ended");
  } while (tally.ended(since));
  ::close(socket);
  tally.print();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3 && argc != 4) {
    std::fputs("usage: taskgraph-tcp_yardstick BYTES COUNT [CONGESTION]\n", stderr);
    return 64;
  }
  const std::size_t bytes = std::strtoull(argv[1], nullptr, 10);
  const std::int64_t count = std::strtoll(argv[2], nullptr, 10);
  const std::string_view congestion = argc == 4 ? argv[3] : "";
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  check(listener >= 0, "socket");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  check(::bind(listener, reinterpret_cast<const sockaddr*>(&address), size) == 0, "bind");
  check(::listen(listener, 1) == 0, "listen");
  check(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) == 0, "getsockname");
  const pid_t server = ::fork();
  check(server >= 0, "fork");
  if (server == 0) {
    serve(listener, bytes, congestion);
    return 0;
  }
  ::close(listener);
  ask(address, bytes, count, congestion);
  ::waitpid(server, nullptr, 0);
  return 0;
}
