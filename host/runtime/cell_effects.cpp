/// Cell: what the core's effects do.
#include <utility>

#include "host/core/assert.hpp"
#include "host/runtime/cell.hpp"
#include "host/runtime/cell_live.hpp"

namespace taskgraph::runtime {
// ---------------------------------------------------------------- effects: hooks

void Cell::perform(core::effect::BecamePrimary& effect) {
  live_->bridge.became(TG_ROLE_PRIMARY, effect.term, live_->core.epoch());
  if (effect.term > core::Term{1}) {  // a failover
    tell(core::ReplicaMoment::What::promoted);
    live_->watched = true;
  }
  if (live_->hooks().became_primary == nullptr) return;
  call(Hook::became_primary, [&](tg_error* error) {
    return live_->hooks().became_primary(live_->task.object, effect.term.value, static_cast<tg_origin>(effect.origin),
                                         error);
  });
}

void Cell::perform(core::effect::BecameBackup&) {
  live_->bridge.became(TG_ROLE_BACKUP, core::Term{}, live_->core.epoch());
  if (live_->hooks().became_backup == nullptr) return;
  call(Hook::became_backup, [&](tg_error* error) { return live_->hooks().became_backup(live_->task.object, error); });
}

void Cell::perform(core::effect::EnterEpoch& effect) {
  if (live_->failure != nullptr) return;
  live_->bridge.enter_epoch(effect.epoch);
  const auto fault = shared_.outside.before_epoch(task_, effect.epoch);
  if (fault.has_value() && is_fatal(*fault)) {
    live_->failure = std::make_unique<core::effect::Failed>(by_chaos(*fault));
    return;
  }
  if (live_->hooks().enter_epoch == nullptr) return;
  call(Hook::enter_epoch,
       [&](tg_error* error) { return live_->hooks().enter_epoch(live_->task.object, effect.epoch.value, error); });
}

void Cell::perform(core::effect::DeliverFlag& effect) {
  if (live_->hooks().flag_raised == nullptr) return;
  const tg_view link = view_of(shared_.spec.topology->link(effect.link).name);
  call(Hook::flag_raised, [&](tg_error* error) {
    return live_->hooks().flag_raised(live_->task.object, effect.from.value, link, view_of(effect.meta.view()), error);
  });
}

void Cell::perform(core::effect::Serve& effect) {
  if (live_->hooks().serve == nullptr) {
    scratch().commands.push_back(core::event::Reply{effect.serve, core::Outcome::error, TG_CODE_NO_SUCH_METHOD,
                                                    core::Bytes("this task serves nothing")});
    return;
  }
  call(Hook::serve, [&](tg_error* error) {
    tg_pull* pull = live_->bridge.make_pull(effect.serve);  // the task's from here on
    const std::uint64_t from = effect.from.has_value() ? effect.from->value : TG_FROM_OUTSIDE;
    return live_->hooks().serve(live_->task.object, pull, from, view_of(effect.method), view_of(effect.body.view()),
                                error);
  });
}

void Cell::perform(core::effect::PullEnded& effect) {
  call(Hook::on_done, [&](tg_error* error) {
    const auto done = live_->bridge.take_completion(effect.token);
    TG_ASSERT(done.has_value());  // S8: one outcome each
    return done->run(done->owner, static_cast<tg_outcome>(effect.outcome), effect.code, view_of(effect.body.view()),
                     error);
  });
}

void Cell::perform(core::effect::NeighbourChanged& effect) {
  if (live_->hooks().neighbour_changed == nullptr) return;
  const tg_view link = view_of(shared_.spec.topology->link(effect.link).name);
  call(Hook::neighbour_changed, [&](tg_error* error) {
    return live_->hooks().neighbour_changed(live_->task.object, effect.neighbour.value, link,
                                            static_cast<tg_neighbour_change>(effect.change), error);
  });
}

void Cell::perform(core::effect::Exit& effect) {
  if (live_->failure != nullptr) return end(std::move(*live_->failure));
  live_->bridge.ending();
  if (live_->hooks().exit != nullptr) {
    const InHook in_hook(task_, Hook::exit);
    live_->hooks().exit(live_->task.object, static_cast<tg_exit_reason>(effect.reason));
  }
  end(std::nullopt);
}

void Cell::perform(core::effect::Failed& effect) {
  end(std::move(effect));
}

// ---------------------------------------------------------------- effects: outward

void Cell::perform(core::effect::Send& effect) {
  shared_.outside.send(effect.to, std::move(effect.frame));
}
void Cell::perform(core::effect::ReplyOutside& effect) {
  shared_.outside.reply(std::move(effect.reply));
}
void Cell::perform(core::effect::ViewApplied& effect) {
  shared_.outside.view_applied(task_, live_->core.identity().seat.counter, std::move(effect));
}
void Cell::perform(core::effect::AskSeal& effect) {
  shared_.outside.ask_seal(task_, std::move(effect));
}
void Cell::perform(core::effect::AskAdvance& effect) {
  shared_.outside.ask_advance(task_, effect);
}
void Cell::perform(core::effect::AskFinish& effect) {
  shared_.outside.ask_finish(task_, std::move(effect));
}

}  // namespace taskgraph::runtime
