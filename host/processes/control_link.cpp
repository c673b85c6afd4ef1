#include "host/processes/control_link.hpp"

namespace taskgraph::processes {

ControlLink::~ControlLink() {
  for (Node* node = take_posted(); node != nullptr;) {
    const std::unique_ptr<Outgoing> outgoing(static_cast<Outgoing*>(node));
    node = node->next;
  }
}

void ControlLink::posted(Node* batch, bool, core::Time) {
  while (batch != nullptr) {
    const std::unique_ptr<Outgoing> outgoing(static_cast<Outgoing*>(batch));
    batch = batch->next;
    if (unopened_.is_open()) open(std::move(unopened_), false);
    send(std::move(outgoing->bytes));
  }
  flush();
}

void ControlLink::received(std::string_view bytes) {
  splitter_.feed(bytes);
  while (const auto one = splitter_.next()) {
    if (message(*one)) continue;
    close();
    return ended("a message that makes no sense");
  }
  if (!splitter_.error().has_value()) return;
  close();
  ended(splitter_.error()->text);
}

}  // namespace taskgraph::processes
