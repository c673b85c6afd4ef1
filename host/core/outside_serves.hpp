/// Pulls from outside at one replica life: each reaches the task once, whatever its asker sends again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "host/core/outside_pull.hpp"

namespace taskgraph::core {

/// Owned by a replica, on its strand. A pull is known from its arrival until its asker ends it, so that it is found
/// when it comes again; then its answer goes again, too. An asker that does not end its pulls (its host is gone) is
/// waited for until kForgetAfter beyond their deadlines.
///
/// Memory: at most limits.serves_open pulls, which the caller checks by size(), with the answers of those that have
/// one.
class OutsideServes {
 public:
  bool knows(const OutsideName& name) const { return pulls_.contains(name); }
  /// A pull that is not known yet; `serve` is the task's name for it.
  void open(const OutsideRequest& request, std::uint64_t serve, Time now);
  /// The task's answer to a known pull; to be sent.
  void answered(OutsideReply reply);
  /// A known pull has come again: its answer, if it has one, is sent again.
  void repeat(const OutsideName& name);
  /// The task's name for the pull if it was open.
  std::optional<std::uint64_t> forget(const OutsideName& name);
  /// Forgets what nobody has ended; returns the task's names for those that were open.
  std::vector<std::uint64_t> expire(Time now);
  /// The answers to be sent, in the order in which they were given.
  std::vector<OutsideReply> take_unsent();

  bool has_unsent() const { return !unsent_.empty(); }
  std::size_t size() const { return pulls_.size(); }
  /// No pull is to be forgotten before; it may be too early.
  Time next_expiry() const { return pulls_.empty() ? Time::never() : next_expiry_; }

  static constexpr Duration kForgetAfter = seconds(10);

 private:
  struct Pull {
    std::uint64_t serve;
    Time forget_at;
    std::optional<OutsideReply> answer;
    bool unsent = false;  ///< it stands in unsent_
  };

  std::map<OutsideName, Pull> pulls_;
  std::vector<OutsideName> unsent_;
  Time next_expiry_ = Time::never();
};

}  // namespace taskgraph::core
