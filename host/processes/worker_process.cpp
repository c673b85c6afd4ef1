#include "host/processes/worker_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <system_error>
#include <utility>

#include "host/processes/worker_main.hpp"
#include "host/runtime/log.hpp"
#include "host/wire/control_codec.hpp"

namespace taskgraph::processes {

struct WorkerProcess::Ends {
  process::Descriptor ours;
  process::Descriptor theirs;
};

WorkerProcess::Ends WorkerProcess::socket_pair() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    throw std::system_error(errno, std::generic_category(), "socketpair");
  }
  Ends made{process::Descriptor(ends[0]), process::Descriptor(ends[1])};
  ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
  return made;
}

namespace {

/// The child reads its setup by blocking reads and makes its end non-blocking afterwards.
process::Child spawn(int link, int beats) {
  static_assert(kLinkDescriptor == 3 && kBeatDescriptor == 4);
  return process::Child::spawn(
      {"/proc/self/exe", {kWorkerOption}, {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO, link, beats}});
}

}  // namespace

WorkerProcess::WorkerProcess(runtime::Executor& executor, wire::Setup setup, std::uint64_t body_bytes_max,
                             Listener listener)
    : WorkerProcess(executor, std::move(setup), body_bytes_max, std::move(listener), socket_pair()) {}

WorkerProcess::WorkerProcess(runtime::Executor& executor, wire::Setup setup, std::uint64_t body_bytes_max,
                             Listener listener, Ends ends)
    : life_(setup.life),
      listener_(std::move(listener)),
      link_(executor, std::move(ends.ours), body_bytes_max, *this),
      watch_(executor, spawn(ends.theirs.get(), beats_.descriptor().get()), *this) {
  send(setup);
  link_.start();
  watch_.start();
}

namespace {

std::string encoded(const wire::ToWorker& message) {
  std::string bytes;
  if (!wire::encode(message, bytes)) {
    runtime::log(runtime::LogLevel::error, "bug: a message to a worker is beyond its limits, and is lost");
  }
  return bytes;
}

}  // namespace

void WorkerProcess::send(const wire::ToWorker& message) {
  link_.send_message(encoded(message));
}

void WorkerProcess::send(core::OutsideRequest&& request) {
  core::Bytes body = request.body;
  link_.send_with_body(encoded(wire::OutsideRequestStart{std::move(request), 0}), std::move(body));
}

void WorkerProcess::send(const core::OutsideEnd& end) {
  link_.send_behind_bodies(encoded(end));
}

void WorkerProcess::await(core::Time end) {
  pollfd ended{watch_.child.pidfd(), POLLIN, 0};
  const core::Duration left = end - runtime::now();
  ::poll(&ended, 1, static_cast<int>(std::max<std::int64_t>(0, left.ns / 1'000'000)));
  if (watch_.child.try_reap().has_value()) return;
  watch_.child.signal(SIGKILL);
  watch_.child.reap();
}

bool WorkerProcess::Link::message(std::string_view bytes) {
  auto decoded = wire::decode_to_supervisor(bytes);
  auto* const message = std::get_if<wire::ToSupervisor>(&decoded);
  if (message == nullptr) return false;
  if (auto* start = std::get_if<wire::OutsideReplyStart>(message)) {
    replied(replies_.begin(std::move(start->reply), start->body_bytes));
  } else if (const auto* part = std::get_if<wire::BodyPart>(message)) {
    replied(replies_.add(part->bytes));
  } else {
    of_.listener_.told(of_, std::move(*message));
  }
  return replies_.ok();
}

void WorkerProcess::Link::replied(std::optional<core::OutsideReply> reply) {
  if (reply.has_value()) of_.listener_.replied(*std::move(reply));
}

std::string WorkerProcess::Link::body_part(std::string_view bytes) const {
  return encoded(wire::BodyPart{bytes});
}

void WorkerProcess::Watch::ready(std::uint32_t, core::Time) {
  if (told_) return;
  const auto ending = child.try_reap();
  if (!ending.has_value()) return;
  told_ = true;
  unwatch(child.pidfd());
  of_.listener_.died(of_, *ending);
}

}  // namespace taskgraph::processes
