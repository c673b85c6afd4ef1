/// The newest view that a replica has been handed and has not applied yet.
#pragma once

#include <algorithm>
#include <iterator>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "host/core/replica_event.hpp"

namespace taskgraph::core {

/// Whoever handles a replica's events looks here before each of them. So a view counts from the moment in which it is
/// put here, although the hook that runs just then may go on for long: the next frame is checked by the new view.
///
/// No thread of its own: the owner guards it. Memory: one view, however many were put.
class ViewLatch {
 public:
  /// Newer than all before.
  void put(event::ApplyView&& newer) {
    if (latched_.has_value()) {
      auto changed = std::make_shared<std::vector<TaskId>>();
      std::set_union(latched_->changed->begin(), latched_->changed->end(), newer.changed->begin(), newer.changed->end(),
                     std::back_inserter(*changed));
      newer.changed = std::move(changed);
    }
    latched_ = std::move(newer);
  }
  std::optional<event::ApplyView> take() { return std::exchange(latched_, std::nullopt); }
  /// A replica that is made with view `version` needs none of those up to it.
  void forget_up_to(ViewVersion version) {
    if (latched_.has_value() && latched_->view->version() <= version) latched_.reset();
  }
  bool is_empty() const { return !latched_.has_value(); }

 private:
  std::optional<event::ApplyView> latched_;
};

}  // namespace taskgraph::core
