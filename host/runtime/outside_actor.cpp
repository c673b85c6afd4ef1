#include "host/runtime/outside_actor.hpp"

#include <memory>

#include "host/core/assert.hpp"

namespace taskgraph::runtime {

void OutsideActor::heard(const core::WorkerEvent& event) {
  if (const auto* pushed = std::get_if<core::event::ViewPushed>(&event)) post(OutsideEvent{pushed->view});
  if (std::holds_alternative<core::event::StopAll>(event)) post(OutsideEvent{OutsideEvent::Close{}});
}

void OutsideActor::handle(OutsideEvent event, core::Time now) {
  core::OutsideEffects effects;
  if (auto* asked = std::get_if<OutsideEvent::Asked>(&event.what)) {
    waiting_.emplace(asker_.ask(std::move(asked->pull), now, effects), std::move(asked->done));
  } else if (auto* view = std::get_if<core::View>(&event.what)) {
    asker_.learn(std::move(*view), now, effects);
  } else if (auto* reply = std::get_if<core::OutsideReply>(&event.what)) {
    asker_.replied(std::move(*reply), now, effects);
  } else {
    asker_.close(effects);
  }
  perform(effects);
}

void OutsideActor::ticked(core::Time now) {
  core::OutsideEffects effects;
  asker_.tick(now, effects);
  perform(effects);
}

void OutsideActor::perform(core::OutsideEffects& effects) {
  for (core::OutsideEffect& effect : effects) {
    if (auto* sent = std::get_if<core::effect::SendOutside>(&effect)) {
      route_.send(sent->to, std::move(sent->request));
    } else if (const auto* end = std::get_if<core::effect::SendOutsideEnd>(&effect)) {
      route_.send(end->to, end->end);
    } else if (auto* answered = std::get_if<core::effect::OutsideAnswered>(&effect)) {
      auto waiting = waiting_.extract(answered->number);
      TG_ASSERT(!waiting.empty());  // S8: one outcome each
      waiting.mapped()(std::move(answered->answer));
    }
  }
  if (asker_.wakeup() != core::Time::never()) wake_at(asker_.wakeup());
}

void OutsideActor::drop_all() {
  drop_posted();
  waiting_.clear();
}

}  // namespace taskgraph::runtime
