/// The right and duty to answer one request.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "host/http/response.hpp"

namespace taskgraph::http {

/// Where answers go; a connection, or a double in a test. Called by any thread, once for each number.
class ResponseSink {
 public:
  virtual ~ResponseSink() = default;
  /// The answer to the `number`-th request. When the connection is gone, it is dropped.
  virtual void answered(std::uint64_t number, Response response) = 0;
};

/// Move-only. Answers once, at once or later, on any thread; dropped unanswered it answers 503, so that nobody waits
/// for ever. Answers leave in the order of the requests: who holds this long holds up those who asked later on the same
/// connection. May outlive the server, but not the io_context.
class Responder {
 public:
  Responder(std::shared_ptr<ResponseSink> sink, std::uint64_t number) : sink_(std::move(sink)), number_(number) {}
  Responder(Responder&& other) noexcept = default;
  Responder& operator=(Responder&& other) noexcept {
    drop();
    sink_ = std::move(other.sink_);
    number_ = other.number_;
    return *this;
  }
  ~Responder() { drop(); }

  /// False once answered or moved away.
  explicit operator bool() const { return sink_ != nullptr; }
  /// Once.
  void send(Response response);

 private:
  void drop();

  std::shared_ptr<ResponseSink> sink_;
  std::uint64_t number_;
};

}  // namespace taskgraph::http
