/// Who one end of a connection is.
#pragma once

#include <functional>

#include "host/core/ids.hpp"
#include "host/dataplane/secret.hpp"

namespace taskgraph::dataplane {

/// Outlives all connections, which call its functions on any thread.
struct Identity {
  core::JobId job;
  core::LifeId life;
  /// dataplane::prove by the job's secret, which nobody else sees.
  std::function<Proof(Side, const Handshake&)> prove;
  std::function<Nonce()> random_nonce;
};

}  // namespace taskgraph::dataplane
