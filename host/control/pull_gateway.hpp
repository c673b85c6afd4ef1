/// Requests of people and other programs, turned into pulls.
#pragma once

#include <boost/asio/io_context.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "host/control/idempotency.hpp"
#include "host/control/return_path.hpp"
#include "host/http/router.hpp"
#include "host/runtime/outside_pulls.hpp"

namespace taskgraph::control {

/// The job that is asked. What it refers to outlives the gateway.
struct PullTarget {
  std::string job;  ///< its name
  std::uint32_t tasks = 0;
  core::Duration deadline;         ///< for how long a request is held at most
  std::size_t body_bytes_max = 0;  ///< of a request
  runtime::OutsidePulls& pulls;
  /// Whether the plugin declares this method so; nothing: it is not loaded yet. Any thread.
  std::function<std::optional<bool>(std::string_view)> is_read_only;
};

struct GatewayLimits {
  std::size_t waiting_max = 4096;                                  ///< requests without an answer; over it: 429
  std::size_t waiting_bytes_max = std::size_t{256} * 1024 * 1024;  ///< of their bodies; over it: 429
  IdempotencyLimits idempotency;
};

/// POST /v1/jobs/JOB/tasks/K/METHOD, and GET for methods that are read-only. pull_response.hpp has the statuses.
///
/// An Idempotency-Key of a POST lets one be sent again: whoever comes while the first is under way gets its answer,
/// too; who comes later gets the stored answer with `Idempotent-Replayed: true`. Only what a task has answered is
/// stored. The table lives here: it survives the death of workers, and not that of this process.
///
/// All on the one thread that runs the io_context, but for the constructor, and the destructor, which comes when no
/// thread runs it any more and before the io_context's.
class PullGateway {
 public:
  PullGateway(boost::asio::io_context& io, PullTarget target, std::function<core::Time()> now,
              GatewayLimits limits = {});
  ~PullGateway();
  PullGateway(const PullGateway&) = delete;
  PullGateway& operator=(const PullGateway&) = delete;

  /// Refer to the gateway.
  std::vector<http::Route> routes();
  /// The job ends: whoever waits and whoever comes is told so.
  void close();
  std::size_t waiting() const { return waiting_; }

 private:
  using PullNumber = IdempotencyTable::PullNumber;
  struct Open {
    std::vector<http::Responder> responders;
    std::string key;  ///< empty: none
    std::size_t bytes = 0;
  };

  void ask(http::Request request, http::Responder responder);
  /// What is wrong with it, before its key is looked at.
  std::optional<http::Response> refuse(const http::Request& request) const;
  std::optional<http::Response> refuse_get(std::string_view method) const;
  /// True: `responder` has its answer, or will get that of another request.
  bool joins(const http::Request& request, PullNumber number, http::Responder& responder);
  void start(http::Request request, PullNumber number, http::Responder responder);
  void ended(PullNumber number, const runtime::OutsideAnswer& answer);
  void send(Open open, const http::Response& response);

  const PullTarget target_;
  const std::function<core::Time()> now_;
  const GatewayLimits limits_;
  const std::shared_ptr<ReturnPath> back_;
  IdempotencyTable table_;
  std::unordered_map<PullNumber, Open> open_;
  PullNumber next_number_ = 1;
  std::size_t waiting_ = 0;        ///< responders in open_
  std::size_t waiting_bytes_ = 0;  ///< of bodies that pulls have
  bool closed_ = false;
};

}  // namespace taskgraph::control
