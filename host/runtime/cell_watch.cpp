/// Cell: what is told of a replica to those who watch: the times of a failover, and every detail where that is wanted.
#include <algorithm>
#include <utility>
#include <variant>

#include "host/runtime/cell.hpp"
#include "host/runtime/cell_live.hpp"

namespace taskgraph::runtime {
namespace {

using What = core::ReplicaMoment::What;

bool answers_a_pull(const core::ReplicaEffect& effect) {
  const auto* send = std::get_if<core::effect::Send>(&effect);
  const auto* answer = send == nullptr ? nullptr : std::get_if<core::PullAnswer>(&send->frame.body);
  return answer != nullptr && (answer->outcome == core::Outcome::value || answer->outcome == core::Outcome::error);
}

}  // namespace

void Cell::handle_watched(core::ReplicaEvent&& event) {
  now_ = runtime::now();  // the times of different strands are compared: that of the activation may be too early
  core::ReplicaEffects& effects = scratch().effects;
  if (live_->recorder.has_value()) live_->recorder->handling(event, now_);
  live_->core.handle(std::move(event), now_, effects);
  if (live_->recorder.has_value()) live_->recorder->handled(effects, now_);
  if (live_->told.has_value()) tell_progress(effects);
  perform_all(effects);
}

void Cell::tell(What what) {
  live_->told = what;
  const core::Replica::Identity& own = live_->core.identity();
  shared_.outside.replica_moment({what, own.task, own.seat, live_->core.term(), runtime::now()});
}

/// After `promoted`; the last thing to be told is the first answer.
void Cell::tell_progress(const core::ReplicaEffects& effects) {
  if (live_->told == What::promoted && live_->core.is_sealed()) tell(What::sealed);
  if (live_->told != What::sealed || std::none_of(effects.begin(), effects.end(), answers_a_pull)) return;
  tell(What::served);
  live_->told.reset();
  live_->watched = live_->recorder.has_value();
}

}  // namespace taskgraph::runtime
