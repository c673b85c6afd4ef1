#include "host/processes/control_link.hpp"

#include <algorithm>
#include <utility>

#include "host/wire/limits.hpp"

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
    Large& message = outgoing->message;
    const bool goes_on = message.body.size() > wire::kBodyPartBytesMax;
    if (goes_on || (outgoing->is_in_line && !line_.empty())) {
      line_.push_back(std::move(message));
    } else {
      send(std::move(message.bytes));
    }
  }
  flush();
}

void ControlLink::emptied() {
  for (std::size_t parts = 0; parts < kPartsPerTurn && !line_.empty(); ++parts) {
    Large& first = line_.front();
    if (!first.bytes.empty()) {
      send(std::exchange(first.bytes, {}));
      first.sent_bytes = std::min(first.body.size(), wire::kBodyPartBytesMax);
    } else {
      const std::string_view part = first.body.view().substr(first.sent_bytes, wire::kBodyPartBytesMax);
      send(body_part(part));
      first.sent_bytes += part.size();
    }
    if (first.sent_bytes == first.body.size()) line_.pop_front();
  }
  if (unsent_bytes() != 0) post(new Outgoing(std::string()));  // flushes, when others had their turn
}

void ControlLink::closed(const std::string& why) {
  line_.clear();
  ended(why);
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
