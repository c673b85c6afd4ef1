#include "host/control/control_listener.hpp"

#include <fmt/format.h>
#include <pthread.h>

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/post.hpp>
#include <csignal>
#include <utility>

namespace taskgraph::control {
namespace {

http::ServerLimits server_limits(const PullTarget& target) {
  http::ServerLimits limits;
  limits.connections_max = limits.connections_per_peer_max = ControlListener::kConnectionsMax;
  limits.pipelined_requests_max = ControlListener::kPipelinedMax;
  limits.request.body_bytes_max = std::min(limits.request.body_bytes_max, target.body_bytes_max);
  limits.close_time = ControlListener::kCloseTime;
  return limits;
}

/// Signals are the main thread's.
std::thread start_thread(boost::asio::io_context& io) {
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread thread([&io] { io.run(); });
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return thread;
}

}  // namespace

config::Result<std::unique_ptr<ControlListener>> ControlListener::open(ControlSettings settings) {
  std::unique_ptr<ControlListener> listener(new ControlListener(std::move(settings)));
  auto server = listener->bind();
  if (!server) return server.error();
  listener->server_ = *std::move(server);
  listener->thread_ = start_thread(listener->io_);
  return listener;
}

ControlListener::ControlListener(ControlSettings settings)
    : settings_(std::move(settings)), gateway_(io_, settings_.target, settings_.now) {}

config::Result<std::unique_ptr<http::Server>> ControlListener::bind() {
  http::ServerOptions options;
  options.address = boost::asio::ip::make_address(settings_.listen.address);
  options.port = settings_.listen.port;
  options.token = settings_.token;
  options.limits = server_limits(settings_.target);
  options.now = settings_.now;
  auto server = http::Server::open(io_, std::move(options), routes());
  if (server) return *std::move(server);
  return config::Failure{
      config::ExitCode::cannot_listen,
      fmt::format("--listen {}: {}; port 0 takes a free one", settings_.listen.text(), server.error().message())};
}

std::vector<http::Route> ControlListener::routes() {
  std::vector<http::Route> routes = http::health_routes([this] { return why_not_ready(settings_.status()); });
  http::Route status;
  status.pattern = "/v1/status";
  status.handler = [this](const http::Request&, http::Responder responder) {
    const std::string failovers = settings_.failovers ? settings_.failovers() : std::string();
    responder.send(
        http::json_response(200, status_json(settings_.identity, settings_.status(), failovers, settings_.now())));
  };
  routes.push_back(std::move(status));
  for (http::Route& route : gateway_.routes()) routes.push_back(std::move(route));
  return routes;
}

ControlListener::~ControlListener() {
  if (!thread_.joinable()) return;
  boost::asio::post(io_, [this] {
    gateway_.close();
    server_->close([this] { io_.stop(); });
  });
  thread_.join();
}

std::string ControlListener::url() const {
  config::ListenAddress bound = settings_.listen;
  bound.port = server_->port();
  return "http://" + bound.text();
}

}  // namespace taskgraph::control
