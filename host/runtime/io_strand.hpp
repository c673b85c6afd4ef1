/// A strand that owns descriptors: it runs when they are ready, beside what is posted to it.
#pragma once

#include <atomic>
#include <cstdint>

#include "host/runtime/executor.hpp"

namespace taskgraph::runtime {

/// As the threads that run strands wait for descriptors themselves, a message is read, handled by the strands that it
/// concerns and answered by one thread, without a hop.
class IoStrand : public Strand {
 public:
  explicit IoStrand(Executor& executor) : Strand(executor) {}

 protected:
  /// Tells this strand of a non-blocking descriptor, once for each change to ready (edge trigger): it must read or
  /// write until EAGAIN. One strand may have several; `ready` does not say which. Throws std::system_error.
  void watch(int descriptor) { executor().add(descriptor, *this); }
  void unwatch(int descriptor) { executor().remove(descriptor); }

  /// `ready` once more, after the other strands had their turn.
  void again(std::uint32_t events);

  /// Something of EPOLLIN, EPOLLOUT, EPOLLRDHUP, EPOLLERR, EPOLLHUP has happened. May come late, when the descriptor
  /// has been closed.
  virtual void ready(std::uint32_t events, core::Time now) = 0;
  /// As Strand::run; after `ready` when both have work.
  virtual void posted(Node* batch, bool ticked, core::Time now) = 0;
  /// As Strand::take_rest.
  Node* take_posted();

 private:
  friend class Executor;
  void run(Node* batch, bool ticked, core::Time now) final;
  bool take_mark(Node*& list);

  /// By the executor. True: it was idle, and is to be scheduled.
  bool mark_ready(std::uint32_t events);

  std::atomic<std::uint32_t> events_{0};
  Node mark_;  // posted while events_ is not 0
};

}  // namespace taskgraph::runtime
