/// Responses of a peer's data plane: bytes in, bodies out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace taskgraph::dataplane {

struct Response {
  int status = 0;
  std::string_view body;  ///< valid until the reader is used again
};

/// Owned by a connection. Only what our own listener sends is taken: HTTP/1.1, one Content-Length, no chunks. Memory:
/// a head of at most kHeadBytesMax, and a body of at most what expect() allowed, if it comes in pieces.
class ResponseReader {
 public:
  enum class Step { need_more, response, malformed };

  /// Of the next response.
  void expect(std::size_t body_bytes_max) { expect_into({}, body_bytes_max); }
  /// Its body comes to lie in `room`, and has no more bytes than that.
  void expect_into(std::span<char> room) { expect_into(room, room.size()); }
  /// Takes bytes from the front of `input`, up to the next step.
  Step advance(std::string_view& input);
  /// Once, after Step::response. The body may lie in what was the input.
  Response take();
  const char* reason() const { return reason_; }
  /// A head was taken, and its response not yet.
  bool in_body() const { return in_body_; }

  /// Of a response whose head is there; 0 before.
  int status() const { return in_body_ ? status_ : 0; }
  /// Bytes of its body so far.
  std::size_t filled_bytes() const { return in_body_ ? filled_bytes_ : 0; }

  /// Where the next bytes of the body belong; empty when input goes to advance().
  std::span<char> room();
  void filled(std::size_t bytes) { filled_bytes_ += bytes; }

  /// For the next connection.
  void reset() { *this = ResponseReader(); }

  static constexpr std::size_t kHeadBytesMax = 4 * 1024;
  /// A body that is larger is read straight into its place.
  static constexpr std::size_t kDirectBytesMin = std::size_t{64} * 1024;

 private:
  void expect_into(std::span<char> room, std::size_t body_bytes_max) {
    given_ = room;
    body_bytes_max_ = body_bytes_max;
  }
  Step refuse(const char* reason);
  bool take_usual_head(std::string_view& input);
  bool parse_head();
  char* place();

  std::size_t body_bytes_max_ = 0;
  std::span<char> given_;
  std::string head_;
  bool in_body_ = false;
  bool malformed_ = false;
  int status_ = 0;
  std::unique_ptr<char[]> own_;  ///< for bodies that come in pieces
  std::size_t own_bytes_ = 0;
  const char* body_ = nullptr;
  std::size_t body_bytes_ = 0;
  std::size_t filled_bytes_ = 0;
  const char* reason_ = "";
};

}  // namespace taskgraph::dataplane
