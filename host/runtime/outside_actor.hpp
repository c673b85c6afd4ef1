/// The asker of pulls from outside in this process: the core's OutsideAsker on a strand, and who waits for the answers.
#pragma once

#include <functional>
#include <unordered_map>
#include <utility>
#include <variant>

#include "host/core/outside_asker.hpp"
#include "host/core/worker.hpp"
#include "host/runtime/mailbox.hpp"
#include "host/runtime/outside_pulls.hpp"

namespace taskgraph::runtime {

/// The way from the asker to the workers. Called on its strand; does not block.
class OutsideRoute {
 public:
  virtual void send(core::LifeId to, core::OutsideRequest&& request) = 0;
  virtual void send(core::LifeId to, const core::OutsideEnd& end) = 0;

 protected:
  ~OutsideRoute() = default;
};

/// Called at most once; with `closed` when it is destroyed before.
class OutsideDone {
 public:
  explicit OutsideDone(std::function<void(OutsideAnswer)> done) : done_(std::move(done)) {}
  OutsideDone(OutsideDone&& other) noexcept : done_(std::exchange(other.done_, nullptr)) {}
  OutsideDone& operator=(OutsideDone&&) = delete;
  ~OutsideDone() {
    if (done_) done_(OutsideAnswer{});
  }
  void operator()(OutsideAnswer answer) { std::exchange(done_, nullptr)(std::move(answer)); }

 private:
  std::function<void(OutsideAnswer)> done_;
};

/// All that happens to pulls from outside.
struct OutsideEvent {
  struct Asked {
    OutsidePull pull;
    OutsideDone done;
  };
  struct Close {};
  std::variant<Asked, core::View, core::OutsideReply, Close> what;
};

/// At a stable address until the executor has stopped.
class OutsideActor final : public Mailbox<OutsideEvent>, public OutsidePulls {
 public:
  /// `self` is that of the host; `spec` and `route` outlive the actor.
  OutsideActor(Executor& executor, core::HostId self, const core::JobSpec& spec, OutsideRoute& route)
      : Mailbox(executor), route_(route), asker_(self, spec) {}

  // Any thread.
  void pull(OutsidePull pull, std::function<void(OutsideAnswer)> done) override {
    post(OutsideEvent{OutsideEvent::Asked{std::move(pull), OutsideDone(std::move(done))}});
  }
  /// What this host passes on to its workers, and has passed on before: views, and that they shall stop.
  void heard(const core::WorkerEvent& event);
  void replied(core::OutsideReply&& reply) { post(OutsideEvent{std::move(reply)}); }

  /// After the executor has stopped: what is open is answered `closed`.
  void drop_all();

 private:
  // Mailbox
  void handle(OutsideEvent event, core::Time now) override;
  void ticked(core::Time now) override;

  void perform(core::OutsideEffects& effects);

  OutsideRoute& route_;
  core::OutsideAsker asker_;
  std::unordered_map<std::uint64_t, OutsideDone> waiting_;  ///< by the pull's number
};

}  // namespace taskgraph::runtime
