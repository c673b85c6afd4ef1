#include "host/dataplane/stream_strand.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <system_error>
#include <utility>

namespace taskgraph::dataplane {
namespace {

/// Of the thread that runs the strand: an idle connection keeps no buffer.
std::span<char> read_buffer(std::size_t size) {
  thread_local const std::unique_ptr<char[]> memory(new char[size]);
  return {memory.get(), size};
}

std::string text_of(int error) {
  return std::generic_category().message(error);
}

}  // namespace

std::string_view StreamStrand::view(const Piece& piece) {
  if (const auto* text = std::get_if<std::string>(&piece)) return *text;
  return std::get<core::Bytes>(piece).view();
}

void StreamStrand::open(process::Descriptor socket, bool connecting) {
  close();
  socket_ = std::move(socket);
  connecting_ = connecting;
  watch(socket_.get());
}

void StreamStrand::close() {
  if (!socket_.is_open()) return;
  unwatch(socket_.get());
  socket_ = process::Descriptor();
  connecting_ = false;
  output_.clear();
  sent_of_first_ = 0;
  unsent_bytes_ = 0;
}

void StreamStrand::fail(const std::string& why) {
  close();
  closed(why);
}

void StreamStrand::send(std::string bytes) {
  if (!is_open() || bytes.empty()) return;
  unsent_bytes_ += bytes.size();
  output_.emplace_back(std::move(bytes));
}

void StreamStrand::send(core::Bytes bytes) {
  if (!is_open() || bytes.size() == 0) return;
  unsent_bytes_ += bytes.size();
  output_.emplace_back(std::move(bytes));
}

void StreamStrand::flush() {
  while (!output_.empty() && is_open() && !connecting_) {
    std::array<iovec, kPiecesPerWrite> pieces{};
    std::size_t count = 0;
    for (const Piece& piece : output_) {
      if (count == pieces.size()) break;
      std::string_view bytes = view(piece);
      if (count == 0) bytes.remove_prefix(sent_of_first_);
      pieces[count++] = {const_cast<char*>(bytes.data()), bytes.size()};
    }
    msghdr message{};
    message.msg_iov = pieces.data();
    message.msg_iovlen = count;
    const ssize_t sent = ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN) return;  // told when there is room
      return fail("write: " + text_of(errno));
    }
    unsent_bytes_ -= static_cast<std::size_t>(sent);
    sent_of_first_ += static_cast<std::size_t>(sent);
    while (!output_.empty() && sent_of_first_ >= view(output_.front()).size()) {
      sent_of_first_ -= view(output_.front()).size();
      output_.pop_front();
    }
  }
  if (is_open() && !connecting_) emptied();
}

void StreamStrand::ready(std::uint32_t events, core::Time) {
  if (!is_open()) return;
  if (connecting_) {
    if ((events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) == 0) return;
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) return fail("connect: " + text_of(error));
    connecting_ = false;
    connected();
  }
  constexpr std::uint32_t kEnd = EPOLLRDHUP | EPOLLERR | EPOLLHUP;
  if ((events & (EPOLLIN | kEnd)) != 0) read((events & kEnd) != 0);
  flush();
}

/// Until there is nothing more: with edge trigger nobody would tell of the rest.
void StreamStrand::read(bool to_the_end) {
  std::size_t done = 0;
  while (is_open() && done < kReadBytesPerTurn) {
    const Read read = read_once(done);
    // What comes after a short read is told anew. An end that has been told already is not.
    if (read == Read::nothing || (read == Read::some && !to_the_end)) return;
  }
  if (is_open()) again(EPOLLIN | EPOLLRDHUP);
}

StreamStrand::Read StreamStrand::read_once(std::size_t& done) {
  const std::span<char> own = room();
  const std::span<char> buffer = own.empty() ? read_buffer(kReadBytes) : own;
  const ssize_t count = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
  if (count < 0 && errno == EINTR) return Read::all_asked_for;
  if (count < 0 && errno == EAGAIN) return Read::nothing;
  if (count <= 0) {
    fail(count == 0 ? "the peer has closed" : "read: " + text_of(errno));
    return Read::nothing;
  }
  const auto size = static_cast<std::size_t>(count);
  done += size;
  if (own.empty()) {
    received({buffer.data(), size});
  } else {
    filled(size);
  }
  return size == buffer.size() ? Read::all_asked_for : Read::some;
}

}  // namespace taskgraph::dataplane
