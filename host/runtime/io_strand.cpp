#include "host/runtime/io_strand.hpp"

namespace taskgraph::runtime {

bool IoStrand::mark_ready(std::uint32_t events) {
  return events_.fetch_or(events, std::memory_order_acq_rel) == 0 && enqueue(&mark_);
}

void IoStrand::again(std::uint32_t events) {
  if (events_.fetch_or(events, std::memory_order_acq_rel) == 0) post(&mark_);
}

/// True: the mark was in the list, and is not any more.
bool IoStrand::take_mark(Node*& list) {
  for (Node** place = &list; *place != nullptr; place = &(*place)->next) {
    if (*place != &mark_) continue;
    *place = mark_.next;
    return true;
  }
  return false;
}

void IoStrand::run(Node* batch, bool ticked, core::Time now) {
  // The mark may be posted again as soon as events_ is 0, so that is not done before it is out of every list.
  if (take_mark(batch)) ready(events_.exchange(0, std::memory_order_acq_rel), now);
  if (batch != nullptr || ticked) posted(batch, ticked, now);
}

Strand::Node* IoStrand::take_posted() {
  Node* rest = take_rest();
  take_mark(rest);
  return rest;
}

}  // namespace taskgraph::runtime
