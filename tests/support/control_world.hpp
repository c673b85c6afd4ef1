/// A gateway without sockets: pulls are answered by hand, time is moved on, answers are kept by number.
#pragma once

#include <boost/asio/io_context.hpp>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "host/control/pull_gateway.hpp"
#include "tests/support/http_reading.hpp"

namespace taskgraph::control::testing {

/// Keeps pulls until they are answered.
class Pulls final : public runtime::OutsidePulls {
 public:
  struct Open {
    runtime::OutsidePull pull;
    std::function<void(runtime::OutsideAnswer)> done;
  };
  void pull(runtime::OutsidePull pull, std::function<void(runtime::OutsideAnswer)> done) override {
    ++asked;
    open.push_back({std::move(pull), std::move(done)});
    if (at_once) answer(*at_once);
  }
  /// The oldest open one.
  void answer(runtime::OutsideAnswer answer) {
    const Open first = std::move(open.front());
    open.pop_front();
    first.done(std::move(answer));
  }

  std::deque<Open> open;
  std::optional<runtime::OutsideAnswer> at_once;  ///< the answer within pull()
  int asked = 0;
};

class Sink final : public http::ResponseSink {
 public:
  void answered(std::uint64_t number, http::Response response) override { responses[number] = std::move(response); }
  std::map<std::uint64_t, http::Response> responses;
};

/// A job "job" of 12 tasks whose method "whoami" is read-only.
class GatewayWorld {
 public:
  explicit GatewayWorld(GatewayLimits limits = {})
      : gateway(std::make_unique<PullGateway>(
            io,
            PullTarget{
                "job", 12, core::seconds(30), 1000, pulls,
                [this](std::string_view method) { return loaded ? std::optional(method == "whoami") : std::nullopt; }},
            [this] { return now; }, limits)),
        router(gateway->routes()) {}

  /// Sends a request: "POST /v1/jobs/job/tasks/0/echo". Its number.
  std::uint64_t ask(const std::string& line, const std::string& body = "", const std::string& key = "") {
    std::string text = line + " HTTP/1.1\r\nHost: localhost\r\n";
    if (!key.empty()) text += "Idempotency-Key: " + key + "\r\n";
    if (!body.empty()) text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    text += "\r\n" + body;
    http::Request request = std::move(http::testing::read({text}).requests.at(0));
    const auto found = std::get<http::Router::Found>(router.find(request.head.method(), request.head.path()));
    request.path_ids = found.ids;
    found.route->handler(std::move(request), http::Responder(sink, ++number_));
    return number_;
  }
  std::uint64_t post(const std::string& body = "", const std::string& key = "") {
    return ask("POST /v1/jobs/job/tasks/0/echo", body, key);
  }
  /// Lets the gateway handle the answers that have come; the status of a request's answer, 0 without one.
  int status(std::uint64_t number) {
    io.restart();
    io.poll();
    const auto found = sink->responses.find(number);
    return found == sink->responses.end() ? 0 : found->second.status;
  }
  std::string body(std::uint64_t number) const { return std::string(sink->responses.at(number).body.view()); }
  std::string field(std::uint64_t number, std::string_view name) const {
    for (const auto& [field, value] : sink->responses.at(number).fields) {
      if (field == name) return value;
    }
    return "";
  }

  boost::asio::io_context io;
  Pulls pulls;
  core::Time now;
  bool loaded = true;
  std::unique_ptr<PullGateway> gateway;
  http::Router router;
  std::shared_ptr<Sink> sink = std::make_shared<Sink>();

 private:
  std::uint64_t number_ = 0;
};

inline runtime::OutsideAnswer value(std::string_view bytes) {
  return {runtime::OutsideAnswer::Kind::answered, core::Outcome::value, 0, core::Bytes(bytes)};
}
inline runtime::OutsideAnswer error(std::int32_t code, std::string_view text = "no") {
  return {runtime::OutsideAnswer::Kind::answered, core::Outcome::error, code, core::Bytes(text)};
}
inline runtime::OutsideAnswer without_task(runtime::OutsideAnswer::Kind kind) {
  return {kind, core::Outcome::value, 0, {}};
}

}  // namespace taskgraph::control::testing
