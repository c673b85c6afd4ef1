/// What happened, as a hash and, when asked for, as lines of text.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "host/core/replica_event.hpp"
#include "host/core/supervisor.hpp"
#include "host/core/worker.hpp"
#include "host/dataplane/plane_limits.hpp"
#include "tests/sim/random.hpp"

namespace taskgraph::sim {

/// Owned by a cluster. The hash depends on the order and content of all that was added.
class Trace {
 public:
  explicit Trace(bool print) : print_(print) {}

  bool prints() const { return print_; }
  void add(std::uint64_t value) { hash_ = Random::mix(hash_ ^ value) + 0x9e3779b97f4a7c15ULL; }
  void line(core::Time now, const std::string& text) const;
  std::uint64_t hash() const { return hash_; }

 private:
  const bool print_;
  std::uint64_t hash_ = 0;
};

/// Words for people, in the style of the stories.
std::string describe(const core::ReplicaEffect& effect, const core::Topology& topology);
std::string describe(const core::Frame& frame);
std::string describe(const core::Transaction& transaction);
std::string describe(const dataplane::PlaneLimits& limits);
std::string_view name_of(core::Outcome outcome);
std::string_view name_of(core::Role role);
std::string_view name_of(core::JobStatus status);

/// Numbers that stand for a value in the hash.
std::uint64_t fingerprint(std::string_view text);
std::uint64_t fingerprint(const core::FrameBody& body);
std::uint64_t fingerprint(const core::ReplicaEffect& effect);

}  // namespace taskgraph::sim
