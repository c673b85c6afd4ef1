#include "host/dataplane/session.hpp"

#include <memory>
#include <utility>

namespace taskgraph::dataplane {

Session::~Session() {
  for (Node* node = take_posted(); node != nullptr;) {
    Node* const one = std::exchange(node, node->next);
    if (one != &turn_) delete static_cast<Event*>(one);
  }
}

void Session::posted(Node* batch, bool ticked, core::Time now) {
  while (batch != nullptr) {
    Node* const node = std::exchange(batch, batch->next);
    if (node == &turn_) {
      turn_posted_ = false;
      for (; batches_ != 0; --batches_) protocol_->answer_batch();
      continue;
    }
    const std::unique_ptr<Event> event(static_cast<Event*>(node));
    Output& out = *this;
    protocol_.emplace(shared_, out);
    open(std::move(event->socket), false);
    wake_at(now + SessionProtocol::kProofTime);
  }
  if (ticked && is_open() && !protocol_->is_proven()) drop();
  flush();
}

void Session::filled(std::size_t bytes) {
  took(protocol_->filled(bytes, runtime::now()));
}

void Session::received(std::string_view bytes) {
  took(protocol_->received(bytes, runtime::now()));
}

void Session::took(bool is_good) {
  if (!is_good) {
    flush();
    return drop();
  }
  // Behind all strands that the batches have made ready.
  batches_ += protocol_->take_batches();
  if (batches_ != 0 && !std::exchange(turn_posted_, true)) post(&turn_);
}

void Session::closed(const std::string&) {
  drop();
}

void Session::drop() {
  if (!protocol_.has_value()) return;
  close();
  batches_ = 0;
  protocol_->dropped();
  protocol_.reset();
  busy_.store(false, std::memory_order_release);
}

}  // namespace taskgraph::dataplane
