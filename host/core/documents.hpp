/// What the coordinator stores for a job, and what can be asked of it, in the core's terms (protocol.md, design.md 7).
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "host/core/assignment.hpp"
#include "host/core/ids.hpp"
#include "host/core/job.hpp"
#include "host/core/replica_event.hpp"

namespace taskgraph::core {

enum class DocumentKind : std::uint8_t { spec, view, epoch, shard, host, life, gone, suspected, controller, status };

/// Name of a document: its kind and, where a kind has many, a number or uuid.
struct Key {
  DocumentKind kind = DocumentKind::spec;
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  friend auto operator<=>(const Key&, const Key&) = default;

  static Key of(DocumentKind kind) { return {kind, 0, 0}; }
  static Key shard(std::uint32_t number) { return {DocumentKind::shard, 0, number}; }
  static Key host(HostId id) { return {DocumentKind::host, id.high, id.low}; }
  static Key life(LifeId id) { return {DocumentKind::life, id.high, id.low}; }
  static Key gone(LifeId id) { return {DocumentKind::gone, id.high, id.low}; }
};

/// Created once per job; `digest` is the SHA-256 of the topology's canonical form.
struct SpecDocument {
  JobId job;
  std::string name;
  std::string digest;
};
/// A grant exists only through this one: it names the version that each shard has.
struct ViewDocument {
  ViewVersion version;
  std::vector<HostId> candidates;
};
struct EpochDocument {
  Epoch epoch;
};
struct ShardDocument {
  std::vector<TaskAssignment> tasks;
};
struct HostDocument {
  HostId host;
};
/// Presence of a worker process; vanishes with its host's session.
struct LifeDocument {
  LifeId life;
  HostId host;
};
/// Proof that a life has ended.
struct GoneDocument {
  LifeId life;
};
struct ControllerDocument {
  HostId host;
};
struct StatusDocument {
  bool ended = false;
  JobStatus status = JobStatus::done;
  Epoch epoch;         ///< in which it ended
  std::string result;  ///< JSON, opaque here
  std::string reason;  ///< of a failure that the framework declared
};

using Document = std::variant<SpecDocument, ViewDocument, EpochDocument, ShardDocument, HostDocument, LifeDocument,
                              GoneDocument, ControllerDocument, StatusDocument>;
using DocumentPtr = std::shared_ptr<const Document>;

/// The coordinator's own version of a document, for comparing only. 0: it does not exist.
using DocumentVersion = std::uint64_t;

struct Entry {
  Key key;
  DocumentVersion version = 0;
  DocumentPtr document;  ///< nullptr when it does not exist
};

/// All or nothing: every check holds, then every write is done.
struct Transaction {
  struct Check {
    Key key;
    DocumentVersion version = 0;
  };
  struct Write {
    Key key;
    DocumentPtr document;           ///< nullptr: delete
    bool bound_to_session = false;  ///< vanishes with the writer's session
  };
  std::vector<Check> checks;
  std::vector<Write> writes;
};

/// What is known of a transaction. `unknown`: it may have happened, or may still happen; read and compare.
enum class TransactionOutcome : std::uint8_t { committed, refused, unknown };

/// Names a request to the coordinator; the reply carries it.
using RequestId = std::uint64_t;

struct TransactionReply {
  RequestId request = 0;
  TransactionOutcome outcome = TransactionOutcome::unknown;
  std::vector<DocumentVersion> versions;  ///< committed: of each write, in order
};
/// A consistent read of all documents of the job. `known` false: it failed, nothing is known.
struct ReadReply {
  RequestId request = 0;
  bool known = false;
  std::vector<Entry> entries;
};

/// The last consistent read of a job's documents, with what this host has committed since. Owned by a supervisor.
class Documents {
 public:
  /// Takes a later read; returns what stood before.
  Documents replace(std::vector<Entry> entries);
  void committed(const Transaction& transaction, const std::vector<DocumentVersion>& versions);

  /// Spec, view, epoch, status and shards are created together and stand as long as the job (protocol.md 6.4).
  bool has_lasting() const;
  /// The first of them that is missing, the spec aside: its name under the job's keys; empty when all are there.
  std::string missing(const JobSpec& spec) const;
  /// What of them is missing, or older than in `before`, in words; empty when nothing is. What this host has seen may
  /// never go back: data was lost or restored, and who acts on it grants what was granted already.
  std::string lost_since(const Documents& before, const JobSpec& spec) const;

  bool empty() const { return entries_.empty(); }
  DocumentVersion version(const Key& key) const;
  template <typename T>
  const T* find(const Key& key) const {
    const auto found = entries_.find(key);
    return found == entries_.end() ? nullptr : std::get_if<T>(found->second.document.get());
  }
  /// Calls `fn(const T&)` for each document of the type, by rising key.
  template <typename T, typename F>
  void for_each(DocumentKind kind, F fn) const {
    for (auto at = entries_.lower_bound(Key{kind, 0, 0}); at != entries_.end() && at->first.kind == kind; ++at) {
      fn(std::get<T>(*at->second.document));
    }
  }
  /// The assignment that view and shards give; the same object as long as the view's version stays.
  View view(const JobSpec& spec);

 private:
  std::map<Key, Entry> entries_;
  View view_;
};

}  // namespace taskgraph::core
