/// The control listener: status, health and pulls of a job for people and other programs, over HTTP on loopback.
#pragma once

#include <boost/asio/io_context.hpp>

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "host/config/failure.hpp"
#include "host/config/listen_address.hpp"
#include "host/control/pull_gateway.hpp"
#include "host/control/status_json.hpp"
#include "host/http/server.hpp"

namespace taskgraph::control {

/// The last failovers as a JSON array, the newest last; empty: none. Called on the listener's thread; must not block.
using FailoversJson = std::function<std::string()>;

struct ControlSettings {
  config::ListenAddress listen;
  std::string token;  ///< http::is_token()
  JobIdentity identity;
  PullTarget target;
  std::function<runtime::JobStatus()> status;  ///< any thread; must not block
  std::function<core::Time()> now;             ///< CLOCK_BOOTTIME; any thread
  FailoversJson failovers{};
};

/// GET /livez, GET /readyz (both without token); GET /v1/status; pulls, see PullGateway.
///
/// Made and destroyed by one thread. One thread of its own does all the work, so that whatever clients do, the job's
/// threads do not wait for it. What `settings` refers to outlives it.
class ControlListener {
 public:
  /// Binds, and answers from then on. Refuses with ExitCode::cannot_listen.
  static config::Result<std::unique_ptr<ControlListener>> open(ControlSettings settings);
  /// Tells those who wait that the job ends, and gives them kCloseTime to read it.
  ~ControlListener();
  ControlListener(const ControlListener&) = delete;
  ControlListener& operator=(const ControlListener&) = delete;

  /// "http://127.0.0.1:PORT"
  std::string url() const;

  static constexpr std::size_t kConnectionsMax = 4096;
  static constexpr std::size_t kPipelinedMax = 16;  ///< requests of one connection
  static constexpr core::Duration kCloseTime = core::seconds(1);

 private:
  explicit ControlListener(ControlSettings settings);
  config::Result<std::unique_ptr<http::Server>> bind();
  std::vector<http::Route> routes();

  const ControlSettings settings_;
  // The thread ends first; Responders, which the gateway has, must be gone before the io_context.
  boost::asio::io_context io_{1};
  PullGateway gateway_;
  std::unique_ptr<http::Server> server_;
  std::thread thread_;
};

}  // namespace taskgraph::control
