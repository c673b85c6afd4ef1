/// Whether a new primary may act: every life that the assignment names has applied its grant (protocol.md section 5).
#pragma once

#include <algorithm>
#include <vector>

#include "host/core/assignment.hpp"
#include "host/core/ids.hpp"
#include "host/core/mutant.hpp"

namespace taskgraph::core {

/// Owned by a replica, on its strand. Memory: one entry per life of the view.
class Seal {
 public:
  /// A grant of term 1 is closed at once: there is no primary before it that could still act.
  void begin(Term term, Time now) {
    acknowledged_.clear();
    term_ = term;
    closed_ = term == Term{1} || mutated(Mutant::skip_seal);
    ask_after_ = kAskAfterFirst;
    ask_at_ = now + ask_after_;
  }
  void acknowledged(LifeId life, Term term) {
    if (term != term_ || closed_) return;
    const auto place = std::lower_bound(acknowledged_.begin(), acknowledged_.end(), life);
    if (place == acknowledged_.end() || *place != life) acknowledged_.insert(place, life);
  }
  /// Lives of `view` that have not acknowledged. Who was proven dead or waited out is named by no view any more.
  std::vector<LifeId> missing(const Assignment& view) const {
    std::vector<LifeId> missing;
    std::set_difference(view.lives().begin(), view.lives().end(), acknowledged_.begin(), acknowledged_.end(),
                        std::back_inserter(missing));
    return missing;
  }
  /// True once, when the last one is in.
  bool try_close(const Assignment& view) {
    if (closed_) return false;
    const bool complete = missing(view).empty();
    closed_ = complete || (mutated(Mutant::seal_by_subset) && !acknowledged_.empty());
    return closed_;
  }
  bool is_closed() const { return closed_; }
  Time ask_at() const { return closed_ ? Time::never() : ask_at_; }
  void asked(Time now) {
    ask_after_ = std::min(ask_after_ * 2, kAskAfterMax);
    ask_at_ = now + ask_after_;
  }

 private:
  /// Soon: a life that has applied the view before this replica had its term has acknowledged in vain.
  static constexpr Duration kAskAfterFirst = milliseconds(5);
  static constexpr Duration kAskAfterMax = milliseconds(200);

  Term term_;
  bool closed_ = false;
  Duration ask_after_ = kAskAfterFirst;
  Time ask_at_ = Time::never();
  std::vector<LifeId> acknowledged_;
};

}  // namespace taskgraph::core
