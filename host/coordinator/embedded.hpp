/// The coordinator of a job on one machine: in memory, in the host's own process, gone with it.
#pragma once

#include <mutex>

#include "host/coordinator/coordinator.hpp"
#include "host/coordinator/store.hpp"

namespace taskgraph::coordinator {

/// Replies before the call returns, through the listener, which must only queue them. Any thread.
class Embedded final : public Coordinator {
 public:
  void open(Listener& listener) override;
  void transact(core::RequestId request, const core::Transaction& transaction) override;
  void read(core::RequestId request) override;
  void close() override;

 private:
  std::mutex mutex_;
  Listener* listener_ = nullptr;  // guarded by mutex_, as all below
  Store store_;
  SessionId session_ = 0;
};

}  // namespace taskgraph::coordinator
