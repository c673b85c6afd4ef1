/// Where sessions, leadership and assignments live. One interface for all coordinators; nothing in it is of one alone.
#pragma once

#include <functional>

#include "host/core/documents.hpp"

namespace taskgraph::coordinator {

/// One host's connection to the coordinator of one job, with one session. All functions from the host's strand; replies
/// and notices come through the callbacks of `Listener`, from any thread, never before the call returned to the
/// strand's queue. An outcome may be `unknown` at any time (a timeout, a lost reply), and then the transaction may have
/// happened, or may still happen. A reply may be missing altogether: callers keep a deadline of their own.
class Coordinator {
 public:
  /// Called from any thread; must not call back into the coordinator.
  class Listener {
   public:
    virtual ~Listener() = default;
    virtual void replied(core::TransactionReply reply) = 0;
    virtual void replied(core::ReadReply reply) = 0;
    /// A hint: some document other than the epoch changed, or may have. Several changes may give one notice.
    virtual void documents_changed() = 0;
    /// The session has ended; what was bound to it is gone.
    virtual void session_lost() = 0;
  };

  virtual ~Coordinator() = default;
  /// Opens the session; before anything else, once.
  virtual void open(Listener& listener) = 0;
  /// All or nothing. Writes with `bound_to_session` vanish with the session.
  virtual void transact(core::RequestId request, const core::Transaction& transaction) = 0;
  /// A consistent read of all documents of the job: it shows every transaction whose outcome was told before it was
  /// sent.
  virtual void read(core::RequestId request) = 0;
  /// Ends the session; nothing is called on the listener from the return on.
  virtual void close() = 0;
};

}  // namespace taskgraph::coordinator
