/// A server on a thread of its own, its handlers, and a clock that runs fast.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <condition_variable>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include "host/http/server.hpp"
#include "tests/support/http_client.hpp"

namespace taskgraph::http::testing {

inline const std::string kToken = "0123456789abcdef";

/// Stands still; once it runs, each look at it is a second later than the one before.
class FastClock {
 public:
  core::Time now() {
    const std::lock_guard lock(mutex_);
    if (!runs_) return now_;
    now_ = now_ + core::seconds(1);
    passed_.notify_all();
    return now_;
  }
  void run() {
    const std::lock_guard lock(mutex_);
    runs_ = true;
  }
  void wait_until(core::Time time) {
    std::unique_lock lock(mutex_);
    passed_.wait(lock, [&] { return now_ >= time; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable passed_;
  core::Time now_{};
  bool runs_ = false;
};

/// POST /echo answers with the body. POST /hold/{name} is answered by release(). POST /drop drops its Responder.
/// GET /big/{bytes} answers with so many bytes. PUT /small takes 10 bytes at most.
class World {
 public:
  explicit World(ServerLimits limits = {}, Clock clock = {}) {
    ServerOptions options;
    options.token = kToken;
    options.limits = limits;
    options.now = std::move(clock);
    server = std::move(Server::open(io, std::move(options), routes()).value());
    thread_ = std::thread([this] { io.run(); });
  }
  ~World() {
    {
      const std::lock_guard lock(mutex_);
      held_.clear();
    }
    server.reset();
    thread_.join();  // the io_context has nothing left to do, or the test hangs
  }
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  /// The head of a request that the middleware lets pass, with its empty line.
  std::string head(const std::string& line, const std::string& fields = "") const {
    return line + " HTTP/1.1\r\nHost: localhost:" + std::to_string(server->port()) + "\r\nAuthorization: Bearer " +
           kToken + "\r\n" + fields + "\r\n";
  }
  std::string post(const std::string& path, const std::string& body = "", const std::string& fields = "") const {
    return head("POST " + path, fields + "Content-Length: " + std::to_string(body.size()) + "\r\n") + body;
  }

  /// Waits until so many requests are held, then returns their number.
  std::size_t wait_for_held(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return held_.size() >= count; });
    return held_.size();
  }
  /// Answers the held request of that name, on this thread.
  void release(const std::string& name) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return held_.contains(name); });
    Responder responder = std::move(held_.at(name));
    held_.erase(name);
    lock.unlock();
    responder.send({200, "text/plain", core::Bytes("released " + name), {}});
  }

  boost::asio::io_context io;
  std::unique_ptr<Server> server;

 private:
  std::vector<Route> routes() {
    std::vector<Route> routes = health_routes([] { return std::string(); });
    routes.push_back({Method::post, "/echo",
                      [](const Request& request, Responder responder) {
                        responder.send({200, "application/octet-stream", request.body, {}});
                      },
                      Access::token, SIZE_MAX});
    routes.push_back({Method::post, "/hold/{name}",
                      [this](const Request& request, Responder responder) {
                        const std::lock_guard lock(mutex_);
                        held_.emplace(request.id(0), std::move(responder));
                        changed_.notify_all();
                      },
                      Access::token, SIZE_MAX});
    routes.push_back({Method::post, "/drop", [](const Request&, const Responder&) {}, Access::token, SIZE_MAX});
    routes.push_back(
        {Method::get, "/big/{bytes}",
         [](const Request& request, Responder responder) {
           responder.send(
               {200, "text/plain", core::Bytes(std::string(std::stoul(std::string(request.id(0))), 'b')), {}});
         },
         Access::token, SIZE_MAX});
    routes.push_back({Method::put, "/small",
                      [](const Request& request, Responder responder) {
                        responder.send({200, "text/plain", request.body, {}});
                      },
                      Access::token, 10});
    return routes;
  }

  std::thread thread_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, Responder> held_;  ///< guarded by mutex_
};

}  // namespace taskgraph::http::testing
