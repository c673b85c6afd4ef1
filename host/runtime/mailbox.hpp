/// A strand whose events are values of one type, handed to one function in the order of posting.
#pragma once

#include <memory>
#include <utility>

#include "host/runtime/executor.hpp"

namespace taskgraph::runtime {

/// Base of actors around a state machine of the core: `handle` for each event, `ticked` when the timer fired. Both on
/// the strand. What was posted and never run is destroyed with the actor.
template <typename Event>
class Mailbox : public Strand {
 public:
  explicit Mailbox(Executor& executor) : Strand(executor) {}
  ~Mailbox() override { drop_posted(); }

  /// Any thread. `one`: the event, or what makes one.
  template <typename T>
  void post(T&& one) {
    Strand::post(new Posted(std::forward<T>(one)));
  }

 protected:
  virtual void handle(Event event, core::Time now) = 0;
  virtual void ticked(core::Time now) = 0;
  /// Destroys what was posted and never run; after the executor has stopped.
  void drop_posted() { this->template destroy<Posted>(take_rest()); }

 private:
  struct Posted : Node {
    template <typename T>
    explicit Posted(T&& one) : event(std::forward<T>(one)) {}
    Event event;
  };

  void run(Node* batch, bool tick, core::Time now) final {
    while (batch != nullptr) {
      const std::unique_ptr<Posted> posted(static_cast<Posted*>(std::exchange(batch, batch->next)));
      handle(std::move(posted->event), now);
    }
    if (tick) ticked(now);
  }
};

}  // namespace taskgraph::runtime
