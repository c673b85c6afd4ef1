/// How a worker that ends before its time tells what it did: the thread that crashes, or calls exit(), writes signal
/// and running hook into the beat page.
#pragma once

#include <memory>

#include "host/processes/beat_page.hpp"

namespace taskgraph::processes {

/// From here on SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS and SIGTRAP, and exit(), leave their words in `page`,
/// which stays until the process ends. A signal then does what it does by default, core dump included, at the place
/// where it came. Main thread, once, before the plugin is loaded: what that installs itself takes the place of this.
void leave_last_words_in(BeatPage& page);

/// A stack for signal handlers, so that a thread whose own is full can tell. Made on that thread, which has it until
/// its end or the end of this object; where there is one already, that one stays.
class SignalStack {
 public:
  SignalStack();
  ~SignalStack();
  SignalStack(const SignalStack&) = delete;
  SignalStack& operator=(const SignalStack&) = delete;

 private:
  std::unique_ptr<char[]> memory_;
};

}  // namespace taskgraph::processes
