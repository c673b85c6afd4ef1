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
#include <new>
#include <system_error>
#include <utility>

#include "host/processes/worker_main.hpp"
#include "host/runtime/log.hpp"
#include "host/wire/control_codec.hpp"

namespace taskgraph::processes {
namespace {

/// Both ends are closed on exec; ours does not block.
struct Ends {
  process::Descriptor ours;
  process::Descriptor theirs;
};
Ends ends_of(const std::array<int, 2>& numbers, int result, const char* what) {
  if (result != 0) throw std::system_error(errno, std::generic_category(), what);
  Ends ends{process::Descriptor(numbers[0]), process::Descriptor(numbers[1])};
  ::fcntl(numbers[0], F_SETFL, O_NONBLOCK);
  return ends;
}
Ends socket_pair() {
  std::array<int, 2> numbers{};
  const int result = ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, numbers.data());
  return ends_of(numbers, result, "socketpair");
}
Ends pipe_pair() {
  std::array<int, 2> numbers{};
  const int result = ::pipe2(numbers.data(), O_CLOEXEC);
  return ends_of(numbers, result, "pipe2");
}

/// The child reads its setup by blocking reads and makes its end non-blocking afterwards.
process::Child spawn(int output, int link, int page, int chaos, int lease) {
  static_assert(kLinkDescriptor == 3 && kBeatDescriptor == 4 && kChaosDescriptor == 5 && kLeaseDescriptor == 6);
  return process::Child::spawn(
      {"/proc/self/exe", {kWorkerOption}, {STDIN_FILENO, STDOUT_FILENO, output, link, page, chaos, lease}});
}

}  // namespace

WorkerProcess::WorkerProcess(runtime::Executor& executor, std::uint64_t body_bytes_max, Listener listener)
    : listener_(std::move(listener)),
      link_(executor, body_bytes_max, listener_),
      output_(executor, {[](std::string_view lines) { runtime::pass_on(lines); }, [this] { link_.finish(); }}) {}

void WorkerProcess::start(const wire::Setup& setup, const process::Descriptor& chaos) {
  Ends link = socket_pair();
  Ends output = pipe_pair();
  process::SharedMemory page = process::SharedMemory::make("taskgraph-beats", kBeatPageBytes);
  process::SharedMemory lease_memory = process::SharedMemory::make("taskgraph-lease", kLeasePageBytes);
  auto* const lease = new (lease_memory.address()) core::Lease(core::Lease::open_ended());
  const process::Descriptor lease_of_worker = lease_memory.read_only();
  process::Child child =
      spawn(output.theirs.get(), link.theirs.get(), page.descriptor().get(), chaos.get(), lease_of_worker.get());
  const int pidfd = child.pidfd();
  process_.emplace(
      Process{setup.life, runtime::now(), std::move(page), std::move(lease_memory), lease, std::move(child)});
  link_.start(std::move(link.ours));
  send(setup);
  output_.start(std::move(output.ours), pidfd);
}

WorkerProcess::Remains WorkerProcess::reap() {
  Remains remains{process_->life, process_->child.pid(), process_->child.reap(), std::move(process_->page)};
  process_.reset();
  return remains;
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

/// Its output is read on the way: a worker that waits for that could not end.
void WorkerProcess::await(core::Time end) {
  if (!process_.has_value()) return;
  std::array<pollfd, 2> either{pollfd{process_->child.pidfd(), POLLIN, 0}, pollfd{output_.descriptor(), POLLIN, 0}};
  for (core::Time now = runtime::now(); now < end; now = runtime::now()) {
    ::poll(either.data(), either.size(), static_cast<int>((end - now).ns / 1'000'000 + 1));
    output_.drain();
    if (process_->child.try_reap().has_value()) return output_.drain();
    if ((either[1].revents & POLLHUP) != 0) either[1].fd = -1;  // nobody writes any more
  }
  process_->child.signal(SIGKILL);
  process_->child.reap();
  output_.drain();
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
    listener_.told(std::move(*message));
  }
  return replies_.ok();
}

void WorkerProcess::Link::replied(std::optional<core::OutsideReply> reply) {
  if (reply.has_value()) listener_.replied(*std::move(reply));
}

std::string WorkerProcess::Link::body_part(std::string_view bytes) const {
  return encoded(wire::BodyPart{bytes});
}

}  // namespace taskgraph::processes
