#include "host/http/responder.hpp"

#include "host/core/assert.hpp"

namespace taskgraph::http {

void Responder::send(Response response) {
  TG_ASSERT(sink_ != nullptr);  // answered twice
  std::exchange(sink_, nullptr)->answered(number_, std::move(response));
}

void Responder::drop() {
  if (sink_ != nullptr) send(error_response(503, "the request was dropped unanswered; try again"));
}

}  // namespace taskgraph::http
