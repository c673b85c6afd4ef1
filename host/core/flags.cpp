#include "host/core/flags.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "host/core/assert.hpp"

namespace taskgraph::core {

const Flag& Flags::raise(Term term, LinkIndex link, Bytes meta) {
  TG_ASSERT(has_room());
  return raised_.emplace_back(Flag{FlagName{term, next_index_++}, link, std::move(meta)});
}

bool Flags::adopt(const Flag& flag) {
  const auto same = [&](const Flag& known) { return known.name == flag.name; };
  if (std::any_of(raised_.begin(), raised_.end(), same) || !has_room()) return false;
  raised_.push_back(flag);
  return true;
}

bool Flags::store(TaskId sender, const Flag& flag) {
  const auto key = std::tie(sender, flag.name);
  const auto place = std::lower_bound(
      stored_.begin(), stored_.end(), key,
      [](const Stored& stored, const auto& wanted) { return std::tie(stored.sender, stored.flag.name) < wanted; });
  if (place != stored_.end() && place->sender == sender && place->flag.name == flag.name) return false;
  if (stored_.size() >= flags_max_) {
    const auto first = std::partition_point(stored_.begin(), place, [&](const Stored& s) { return s.sender < sender; });
    const auto end = std::partition_point(place, stored_.end(), [&](const Stored& s) { return s.sender == sender; });
    if (end - first >= flags_max_) return false;
  }
  stored_.insert(place, Stored{sender, flag});
  return true;
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
