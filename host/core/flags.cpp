#include "host/core/flags.hpp"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <tuple>
#include <utility>

namespace taskgraph::core {

const Flag* Flags::raise(Term term, LinkIndex link, Bytes meta) {
  if (next_index_ >= flags_max_) return nullptr;
  return &raised_.emplace_back(Flag{FlagName{term, next_index_++}, link, std::move(meta)});
}

Flags::Kept Flags::adopt(const Flag& flag) {
  std::size_t of_term = 0;
  for (const Flag& known : raised_) {
    if (known.name == flag.name) return Kept::known;
    of_term += known.name.origin_term == flag.name.origin_term ? 1 : 0;
  }
  const std::size_t adopted = raised_.size() - raised_here();
  if (of_term >= flags_max_ || adopted >= std::size_t{flags_max_} * kOriginTermsMax) return Kept::over_limit;
  raised_.push_back(flag);
  return Kept::added;
}

Flags::Kept Flags::store(TaskId sender, const Flag& flag) {
  const auto key = std::tie(sender, flag.name);
  const auto place = std::lower_bound(
      stored_.begin(), stored_.end(), key,
      [](const Stored& stored, const auto& wanted) { return std::tie(stored.sender, stored.flag.name) < wanted; });
  if (place != stored_.end() && place->sender == sender && place->flag.name == flag.name) return Kept::known;
  if (stored_.size() >= flags_max_) {
    const auto count = [&](const auto& is_same) {
      const auto first = std::find_if_not(std::make_reverse_iterator(place), stored_.rend(), is_same).base();
      return std::find_if_not(place, stored_.end(), is_same) - first;
    };
    const auto of_sender = [&](const Stored& stored) { return stored.sender == sender; };
    const auto of_term = [&](const Stored& stored) {
      return of_sender(stored) && stored.flag.name.origin_term == flag.name.origin_term;
    };
    const bool over = count(of_term) >= flags_max_ || count(of_sender) >= std::ptrdiff_t{flags_max_} * kOriginTermsMax;
    if (over) return Kept::over_limit;
  }
  stored_.insert(place, Stored{sender, flag});
  return Kept::added;
}

void Flags::stored_from(TaskId sender, Epoch epoch, std::vector<StoredFlag>& out) const {
  for (const Stored& stored : stored_) {
    if (stored.sender == sender) out.push_back(StoredFlag{sender, epoch, stored.flag});
  }
}

void Flags::clear() {
  raised_.clear();
  stored_.clear();
  next_index_ = 0;
}

}  // namespace taskgraph::core
