/// What one life of a worker says to everyone else: to other lives, in this process or not, and to its supervisor.
#pragma once

#include <variant>

#include "host/core/chaos.hpp"
#include "host/core/controller.hpp"
#include "host/core/frame.hpp"
#include "host/core/ids.hpp"
#include "host/core/observation.hpp"
#include "host/core/outside_pull.hpp"
#include "host/core/worker.hpp"

namespace taskgraph::runtime {

/// From a worker to its supervisor.
using WorkerRequest = std::variant<core::Resignation, core::AdvanceAsk, core::FinishAsk>;

/// Called on the strands of the worker and of its cells, several at once; does not block, and does not call back into
/// the worker but by posting. Whatever is sent may get lost: the core sends it again.
class WorkerOutside {
 public:
  virtual core::JobId job() const = 0;  ///< known before the first view
  virtual void send(core::LifeId to, core::Frame&& frame) = 0;
  virtual void send(core::LifeId to, const core::SealAsk& ask) = 0;
  virtual void send(core::LifeId to, core::SealAck&& ack) = 0;
  virtual void ask(WorkerRequest&& request) = 0;
  /// To the asker of pulls from outside, who is told if it gets lost only by the end of this life.
  virtual void reply(core::OutsideReply&& reply) = 0;
  /// For progress; its resignation goes another way.
  virtual void replica_failed(core::TaskId task) = 0;
  /// Chaos hits this whole worker (core::hits_worker), now. Returns only when somebody has let a stopped one go on.
  virtual void hit_by(core::FaultKind fault) = 0;
  /// For the journal.
  virtual void replica_moment(const core::ReplicaMoment& moment) = 0;
  /// All replicas have exited after event::StopAll.
  virtual void all_stopped() = 0;

 protected:
  ~WorkerOutside() = default;
};

}  // namespace taskgraph::runtime
