#include "host/dataplane/session.hpp"

#include <memory>

namespace taskgraph::dataplane {

Session::~Session() {
  destroy<Event>(take_posted());
}

void Session::posted(Node* batch, bool ticked, core::Time now) {
  while (batch != nullptr) {
    const std::unique_ptr<Event> event(static_cast<Event*>(batch));
    batch = batch->next;
    if (event->socket.is_open()) {
      ++connection_;
      Output& out = *this;
      protocol_.emplace(shared_, out);
      open(std::move(event->socket), false);
      wake_at(now + SessionProtocol::kProofTime);
    } else if (event->connection == connection_ && is_open()) {
      protocol_->answer_batch();
    }
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
  for (std::uint32_t batches = protocol_->take_batches(); batches != 0; --batches) {
    auto turn = std::make_unique<Event>();
    turn->connection = connection_;
    post(turn.release());
  }
}

void Session::closed(const std::string&) {
  drop();
}

void Session::drop() {
  if (!protocol_.has_value()) return;
  close();
  ++connection_;
  protocol_->dropped();
  protocol_.reset();
  busy_.store(false, std::memory_order_release);
}

}  // namespace taskgraph::dataplane
