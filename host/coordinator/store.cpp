#include "host/coordinator/store.hpp"

#include <algorithm>

namespace taskgraph::coordinator {

SessionId Store::open_session() {
  sessions_.insert(next_session_);
  return next_session_++;
}

bool Store::close_session(SessionId session) {
  if (sessions_.erase(session) == 0) return false;
  return std::erase_if(documents_, [&](const auto& entry) { return entry.second.owner == session; }) != 0;
}

core::DocumentVersion Store::version(const core::Key& key) const {
  const auto found = documents_.find(key);
  return found == documents_.end() ? 0 : found->second.version;
}

Store::Result Store::apply(SessionId session, const core::Transaction& transaction) {
  const auto holds = [&](const auto& check) { return version(check.key) == check.version; };
  const bool bound = std::any_of(transaction.writes.begin(), transaction.writes.end(),
                                 [](const auto& write) { return write.bound_to_session; });
  if (!std::all_of(transaction.checks.begin(), transaction.checks.end(), holds)) return {};
  if (bound && !has_session(session)) return {};
  Result result{true, {}, false};
  for (const core::Transaction::Write& write : transaction.writes) {
    if (write.key.kind != core::DocumentKind::epoch) result.worth_a_notice = true;
    if (write.document == nullptr) {
      documents_.erase(write.key);
      result.versions.push_back(0);
      continue;
    }
    documents_[write.key] = Stored{next_version_, write.document, write.bound_to_session ? session : 0};
    result.versions.push_back(next_version_++);
  }
  return result;
}

std::vector<core::Entry> Store::read() const {
  std::vector<core::Entry> entries;
  entries.reserve(documents_.size());
  for (const auto& [key, stored] : documents_) entries.push_back({key, stored.version, stored.document});
  return entries;
}

}  // namespace taskgraph::coordinator
