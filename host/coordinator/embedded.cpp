#include "host/coordinator/embedded.hpp"

#include <utility>

namespace taskgraph::coordinator {

void Embedded::open(Listener& listener) {
  const std::lock_guard lock(mutex_);
  listener_ = &listener;
  session_ = store_.open_session();
}

void Embedded::transact(core::RequestId request, const core::Transaction& transaction) {
  const std::lock_guard lock(mutex_);
  if (listener_ == nullptr) return;
  Store::Result result = store_.apply(session_, transaction);
  core::TransactionReply reply{request, core::TransactionOutcome::refused, {}};
  if (result.committed) reply = {request, core::TransactionOutcome::committed, std::move(result.versions)};
  listener_->replied(std::move(reply));
  if (result.worth_a_notice) listener_->documents_changed();
}

void Embedded::read(core::RequestId request) {
  const std::lock_guard lock(mutex_);
  if (listener_ != nullptr) listener_->replied(core::ReadReply{request, true, store_.read()});
}

void Embedded::close() {
  const std::lock_guard lock(mutex_);
  listener_ = nullptr;
  store_.close_session(session_);
}

}  // namespace taskgraph::coordinator
