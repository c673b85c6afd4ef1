/// The documents of one job in memory: sessions, compare-and-set, transactions. A state machine without I/O or threads,
/// behind the embedded coordinator and the simulated one.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "host/core/documents.hpp"

namespace taskgraph::coordinator {

using SessionId = std::uint64_t;

/// Not thread-safe. Memory: the documents.
class Store {
 public:
  SessionId open_session();
  /// Removes what is bound to the session. Returns whether a document changed. An unknown session changes nothing.
  bool close_session(SessionId session);

  struct Result {
    bool committed = false;
    std::vector<core::DocumentVersion> versions;  ///< of each write; 0 for a delete
    bool worth_a_notice = false;                  ///< something other than the epoch changed
  };
  /// Refused when a check fails, or a bound write comes from a session that has ended.
  Result apply(SessionId session, const core::Transaction& transaction);
  std::vector<core::Entry> read() const;
  bool has_session(SessionId session) const { return sessions_.contains(session); }
  core::DocumentVersion version(const core::Key& key) const;

 private:
  struct Stored {
    core::DocumentVersion version;
    core::DocumentPtr document;
    SessionId owner;  ///< 0: not bound
  };
  std::map<core::Key, Stored> documents_;
  std::set<SessionId> sessions_;
  SessionId next_session_ = 1;
  core::DocumentVersion next_version_ = 1;  ///< rises over all documents and is never used again
};

}  // namespace taskgraph::coordinator
