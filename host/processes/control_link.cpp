#include "host/processes/control_link.hpp"

#include <sys/epoll.h>

#include <algorithm>
#include <memory>
#include <utility>

namespace taskgraph::processes {

void ControlLink::posted(Node* batch, bool, core::Time now) {
  while (batch != nullptr) {
    const std::unique_ptr<Posted> one(static_cast<Posted*>(std::exchange(batch, batch->next)));
    switch (one->what) {
      case Posted::What::start:
        splitter_ = {};
        line_.clear();
        open(std::move(one->socket), false);
        break;
      case Posted::What::send:
        send(std::move(one->message.bytes));
        break;
      case Posted::What::send_in_line:
        put_in_line(std::move(one->message));
        break;
      case Posted::What::flush:
        break;
      case Posted::What::finish:
        ready(EPOLLIN | EPOLLRDHUP, now);
        close();
        line_.clear();
        finished();
        break;
    }
  }
  flush();
}

void ControlLink::put_in_line(Message message) {
  if (message.body.size() <= wire::kBodyPartBytesMax && line_.empty()) return send(std::move(message.bytes));
  line_.push_back(std::move(message));
}

void ControlLink::emptied() {
  for (std::size_t parts = 0; parts < kPartsPerTurn && !line_.empty(); ++parts) {
    Message& first = line_.front();
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
  if (unsent_bytes() != 0) post(new Posted(Posted::What::flush));  // flushes, when others had their turn
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
