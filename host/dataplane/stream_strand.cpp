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

std::string_view StreamStrand::Piece::rest() const {
  const auto* text = std::get_if<std::string>(&bytes);
  const std::string_view all = text != nullptr ? std::string_view(*text) : std::get<core::Bytes>(bytes).view();
  return all.substr(sent);
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
  spare_ = {};
  unsent_bytes_ = 0;
}

void StreamStrand::fail(const std::string& why) {
  close();
  closed(why);
}

void StreamStrand::send(std::string bytes, std::size_t begin) {
  if (!is_open() || bytes.size() <= begin) return;
  unsent_bytes_ += bytes.size() - begin;
  output_.push_back({std::move(bytes), begin});
}

void StreamStrand::send(core::Bytes bytes, std::size_t begin) {
  if (!is_open() || bytes.size() <= begin) return;
  unsent_bytes_ += bytes.size() - begin;
  output_.push_back({std::move(bytes), begin});
}

void StreamStrand::flush() {
  while (!output_.empty() && is_open() && !connecting_) {
    const ssize_t sent = write_once();
    if (sent < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN) return;  // told when there is room
      return fail("write: " + text_of(errno));
    }
    auto left = static_cast<std::size_t>(sent);
    unsent_bytes_ -= left;
    while (!output_.empty() && left >= output_.front().rest().size()) {
      left -= output_.front().rest().size();
      pop();
    }
    if (!output_.empty()) output_.front().sent += left;
  }
  if (is_open() && !connecting_) emptied();
}

ssize_t StreamStrand::write_once() {
  if (output_.size() == 1) {
    const std::string_view bytes = output_.front().rest();
    return ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }
  std::array<iovec, kPiecesPerWrite> pieces;  // the first `count` are set
  std::size_t count = 0;
  for (const Piece& piece : output_) {
    if (count == pieces.size()) break;
    const std::string_view bytes = piece.rest();
    pieces[count++] = {const_cast<char*>(bytes.data()), bytes.size()};
  }
  msghdr message{};
  message.msg_iov = pieces.data();
  message.msg_iovlen = count;
  return ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL);
}

void StreamStrand::pop() {
  if (auto* const text = std::get_if<std::string>(&output_.front().bytes)) keep_spare(std::move(*text));
  output_.pop_front();
}

void StreamStrand::keep_spare(std::string&& text) {
  if (text.capacity() <= spare_.capacity() || text.capacity() > kSpareBytesMax) return;
  spare_ = std::move(text);
  spare_.clear();
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
