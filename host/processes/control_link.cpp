#include "host/processes/control_link.hpp"

#include <sys/epoll.h>

#include <memory>
#include <utility>

namespace taskgraph::processes {

void ControlLink::posted(Node* batch, bool, core::Time now) {
  while (batch != nullptr) {
    const std::unique_ptr<Posted> one(static_cast<Posted*>(std::exchange(batch, batch->next)));
    switch (one->what) {
      case Posted::What::start:
        splitter_ = {};
        open(std::move(one->socket), false);
        break;
      case Posted::What::send:
        send(std::move(one->bytes));
        break;
      case Posted::What::finish:
        ready(EPOLLIN | EPOLLRDHUP, now);
        close();
        finished();
        break;
    }
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
