#include "host/runtime/poller.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

namespace taskgraph::runtime {
namespace {

void check(bool good, const char* what) {
  if (!good) throw std::system_error(errno, std::generic_category(), what);
}

}  // namespace

Poller::Poller() : epoll_(::epoll_create1(EPOLL_CLOEXEC)), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  check(epoll_.is_open(), "epoll_create1");
  check(wake_.is_open(), "eventfd");
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;  // each write is an edge: nobody has to read it back
  event.data.ptr = nullptr;
  check(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_.get(), &event) == 0, "epoll_ctl of the eventfd");
}

void Poller::add(int descriptor, void* whose) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = whose;
  check(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, descriptor, &event) == 0, "epoll_ctl");
}

void Poller::remove(int descriptor) {
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, descriptor, nullptr);
}

std::span<const Poller::Ready> Poller::wait(core::Duration timeout) {
  std::array<epoll_event, kEventsMax> events{};
  timespec limit{};
  limit.tv_sec = timeout.ns / 1'000'000'000;
  limit.tv_nsec = timeout.ns % 1'000'000'000;
  const int count = ::epoll_pwait2(epoll_.get(), events.data(), kEventsMax, timeout.ns < 0 ? nullptr : &limit, nullptr);
  check(count >= 0 || errno == EINTR, "epoll_pwait2");
  ready_.clear();
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    if (event.data.ptr != nullptr) ready_.push_back({event.data.ptr, event.events});
  }
  return ready_;
}

void Poller::wake() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(wake_.get(), &one, sizeof one);  // full: it is awake anyway
}

}  // namespace taskgraph::runtime
