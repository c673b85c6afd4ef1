/// Responses of a peer's data plane: bytes in, bodies out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "host/core/bytes.hpp"

namespace taskgraph::dataplane {

struct Response {
  int status = 0;
  core::Bytes body;
};

/// Owned by a connection. Only what our own listener sends is taken: HTTP/1.1, one Content-Length, no chunks. Memory:
/// a head of at most kHeadBytesMax, and a body of at most what expect() allowed.
class ResponseReader {
 public:
  enum class Step { need_more, response, malformed };

  /// Of the next response.
  void expect(std::size_t body_bytes_max) { body_bytes_max_ = body_bytes_max; }
  /// Takes bytes from the front of `input`, up to the next step.
  Step advance(std::string_view& input);
  /// Once, after Step::response.
  Response take();
  const char* reason() const { return reason_; }
  /// A head was taken, and its response not yet.
  bool in_body() const { return in_body_; }

  /// Where the next bytes of the body belong; empty when input goes to advance().
  std::span<char> room();
  void filled(std::size_t bytes) { filled_bytes_ += bytes; }

  /// For the next connection.
  void reset() { *this = ResponseReader(); }

  static constexpr std::size_t kHeadBytesMax = 4 * 1024;
  /// A body that is larger is read straight into its place.
  static constexpr std::size_t kDirectBytesMin = std::size_t{64} * 1024;

 private:
  Step refuse(const char* reason);
  bool parse_head();

  std::size_t body_bytes_max_ = 0;
  std::string head_;
  bool in_body_ = false;
  bool malformed_ = false;
  int status_ = 0;
  std::unique_ptr<char[]> body_;
  std::size_t body_bytes_ = 0;
  std::size_t filled_bytes_ = 0;
  const char* reason_ = "";
};

}  // namespace taskgraph::dataplane
