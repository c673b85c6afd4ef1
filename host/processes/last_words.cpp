#include "host/processes/last_words.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <system_error>

namespace taskgraph::processes {
namespace {

BeatPage* page_of_process = nullptr;  // set before there are handlers
pid_t own_pid = 0;

/// Async-signal-safe. A plugin's fork has the page, too, and is not meant.
void write_words(int signal, int sender) {
  if (::getpid() != own_pid) return;
  LastWords& words = page_of_process->last_words;
  auto expected = LastWords::State::none;
  if (!words.state.compare_exchange_strong(expected, LastWords::State::under_way)) return;  // another thread was first
  const runtime::HookSlot* const slot = runtime::own_hook_slot();
  words.signal = signal;
  words.sender = sender;
  words.thread = static_cast<std::int32_t>(::syscall(SYS_gettid));
  words.has_slot = slot != nullptr ? 1 : 0;
  words.slot_word = slot != nullptr ? slot->word() : 0;
  words.state.store(LastWords::State::complete, std::memory_order_release);
}

void on_signal(int number, siginfo_t* info, void*) {
  const int error = errno;
  const bool sent = info->si_code <= 0;
  write_words(number, sent ? info->si_pid : 0);
  struct sigaction by_default {};
  by_default.sa_handler = SIG_DFL;
  ::sigaction(number, &by_default, nullptr);
  // It is blocked until this handler has returned: then it comes with all that it came with, where it came.
  if (::syscall(SYS_rt_tgsigqueueinfo, own_pid, ::syscall(SYS_gettid), number, info) != 0) ::raise(number);
  errno = error;
}

/// On a thread that runs tasks nothing is torn down: the others still run, and use it.
void on_exit_called(int status, void*) {
  write_words(0, 0);
  if (::syscall(SYS_gettid) == ::getpid()) return;
  std::fflush(nullptr);
  ::_exit(status);
}

}  // namespace

void leave_last_words_in(BeatPage& page) {
  page_of_process = &page;
  own_pid = ::getpid();
  struct sigaction action {};
  action.sa_sigaction = &on_signal;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  ::sigemptyset(&action.sa_mask);
  for (const int number : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS, SIGTRAP}) {
    if (::sigaction(number, &action, nullptr) != 0)
      throw std::system_error(errno, std::generic_category(), "sigaction");
  }
  ::on_exit(&on_exit_called, nullptr);
}

SignalStack::SignalStack() {
  stack_t before{};
  ::sigaltstack(nullptr, &before);
  if ((before.ss_flags & SS_DISABLE) == 0) return;
  const auto size = static_cast<std::size_t>(std::max(::sysconf(_SC_SIGSTKSZ), 16L * 1024));
  memory_ = std::make_unique<char[]>(size);
  stack_t own{};
  own.ss_sp = memory_.get();
  own.ss_size = size;
  if (::sigaltstack(&own, nullptr) != 0) throw std::system_error(errno, std::generic_category(), "sigaltstack");
}

SignalStack::~SignalStack() {
  if (memory_ == nullptr) return;
  stack_t none{};
  none.ss_flags = SS_DISABLE;
  ::sigaltstack(&none, nullptr);
}

}  // namespace taskgraph::processes
