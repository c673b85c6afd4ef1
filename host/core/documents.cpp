#include "host/core/documents.hpp"

#include <algorithm>
#include <utility>

namespace taskgraph::core {

Documents Documents::replace(std::vector<Entry> entries) {
  Documents before;
  before.entries_.swap(entries_);
  for (Entry& entry : entries) entries_.emplace(entry.key, std::move(entry));
  return before;
}

void Documents::committed(const Transaction& transaction, const std::vector<DocumentVersion>& versions) {
  for (std::size_t i = 0; i < transaction.writes.size(); ++i) {
    const Transaction::Write& write = transaction.writes[i];
    if (write.document == nullptr) {
      entries_.erase(write.key);
    } else {
      entries_[write.key] = Entry{write.key, versions[i], write.document};
    }
  }
}

DocumentVersion Documents::version(const Key& key) const {
  const auto found = entries_.find(key);
  return found == entries_.end() ? 0 : found->second.version;
}

View Documents::view(const JobSpec& spec) {
  const auto* document = find<ViewDocument>(Key::of(DocumentKind::view));
  if (document == nullptr) return nullptr;
  if (view_ != nullptr && view_->version() == document->version) return view_;
  std::vector<TaskAssignment> tasks;
  tasks.reserve(spec.topology->task_count());
  for_each<ShardDocument>(DocumentKind::shard, [&](const ShardDocument& shard) {
    tasks.insert(tasks.end(), shard.tasks.begin(), shard.tasks.end());
  });
  if (tasks.size() != spec.topology->task_count()) return nullptr;
  view_ = std::make_shared<const Assignment>(document->version, document->candidates, std::move(tasks));
  return view_;
}

// ---------------------------------------------------------------- what may not get lost

bool Documents::has_lasting() const {
  const auto lasts = [](const auto& entry) {
    switch (entry.first.kind) {
      case DocumentKind::spec:
      case DocumentKind::view:
      case DocumentKind::epoch:
      case DocumentKind::shard:
      case DocumentKind::status:
        return true;
      default:
        return false;
    }
  };
  return std::any_of(entries_.begin(), entries_.end(), lasts);
}

std::string Documents::missing(const JobSpec& spec) const {
  if (find<ViewDocument>(Key::of(DocumentKind::view)) == nullptr) return "view";
  if (find<EpochDocument>(Key::of(DocumentKind::epoch)) == nullptr) return "epoch";
  if (find<StatusDocument>(Key::of(DocumentKind::status)) == nullptr) return "status";
  const std::uint32_t count = spec.topology->task_count();
  for (std::uint32_t first = 0; first < count; first += spec.tasks_per_shard) {
    const std::uint32_t number = first / spec.tasks_per_shard;
    const auto* shard = find<ShardDocument>(Key::shard(number));
    const bool whole = shard != nullptr && shard->tasks.size() == std::min(spec.tasks_per_shard, count - first);
    if (!whole) return "assign/" + std::to_string(number);
  }
  return {};
}

std::string Documents::lost_since(const Documents& before, const JobSpec& spec) const {
  if (std::string name = missing(spec); !name.empty()) return name + " is missing";
  const auto older = [](const std::string& what, std::uint64_t now, std::uint64_t seen) {
    return what + " is " + std::to_string(now) + ", this host has seen " + std::to_string(seen);
  };
  const Key view = Key::of(DocumentKind::view);
  if (const auto* seen = before.find<ViewDocument>(view)) {
    const ViewVersion now = find<ViewDocument>(view)->version;
    if (now < seen->version) return older("the view's version", now.value, seen->version.value);
  }
  const Key epoch = Key::of(DocumentKind::epoch);
  if (const auto* seen = before.find<EpochDocument>(epoch)) {
    const Epoch now = find<EpochDocument>(epoch)->epoch;
    if (now < seen->epoch) return older("epoch", now.value, seen->epoch.value);
  }
  const Key status = Key::of(DocumentKind::status);
  if (const auto* seen = before.find<StatusDocument>(status)) {
    if (seen->ended && !find<StatusDocument>(status)->ended) return "status is without the end that this host has seen";
  }
  for (std::uint32_t first = 0; first < spec.topology->task_count(); first += spec.tasks_per_shard) {
    const Key key = Key::shard(first / spec.tasks_per_shard);
    const auto* seen = before.find<ShardDocument>(key);
    if (seen == nullptr || before.version(key) == version(key)) continue;
    const std::vector<TaskAssignment>& tasks = find<ShardDocument>(key)->tasks;
    for (std::size_t i = 0; i < tasks.size(); ++i) {
      const Term now = tasks[i].term;
      if (now >= seen->tasks[i].term) continue;
      return older("the term of task " + std::to_string(first + i), now.value, seen->tasks[i].term.value);
    }
  }
  return {};
}

}  // namespace taskgraph::core
