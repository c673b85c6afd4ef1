/// Bytes in, requests out: the protocol half of a connection, without a socket.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "host/core/bytes.hpp"
#include "host/http/chunk_decoder.hpp"
#include "host/http/head_scanner.hpp"
#include "host/http/limits.hpp"
#include "host/http/request.hpp"

namespace taskgraph::http {

/// Owned by a connection, on its strand. Keeps nothing of a complete request, and of an incomplete one at most
/// limits.head_bytes_max and the body that its head announced. The outcome does not depend on how bytes are split.
///
/// A large body needs no second buffer: while body_room() is not empty, read straight into it.
class RequestReader {
 public:
  enum class Step {
    need_more,  ///< all input is taken
    head,       ///< head() is complete and nothing of its body was taken; go on with advance(), or drop the connection
    request,    ///< take_request()
    rejected,   ///< rejection(); nothing more is taken, ever
  };

  /// The limits must outlive it.
  explicit RequestReader(const RequestLimits& limits) : limits_(limits), scanner_(limits) {}

  /// Takes bytes from the front of `input`, up to the next step.
  Step advance(std::string_view& input);
  /// Right after Step::head: this request's body has at most so many bytes, if that is less than the limit for all.
  void limit_body(std::size_t bytes_max);

  const RequestHead& head() const { return request_.head; }
  /// Once, after Step::request.
  Request take_request();
  const Rejection& rejection() const { return *rejection_; }

  /// Where the next bytes of a body of known length belong; empty when input goes to advance().
  std::span<char> body_room();
  /// So many bytes were read into body_room(); advance() tells whether the body is complete.
  void body_filled(std::size_t bytes);

  /// Takes nothing more and frees what it holds; as if rejected.
  void stop();

  /// Some of a request's head was taken, and not all of it.
  bool in_head() const { return state_ == State::head && scanner_.started(); }
  /// A head was taken, and its request not yet.
  bool in_body() const { return state_ != State::head && state_ != State::rejected; }
  /// Memory for the body that is under way; all of it from its head on when its length is known.
  std::size_t body_bytes_held() const { return fixed_ ? fixed_bytes_ : chunks_ ? chunks_->capacity() : 0; }

 private:
  enum class State { head, after_head, fixed_body, chunked_body, complete, rejected };

  Step take_head(std::string_view& input);
  Step begin_body(std::string_view& input);
  Step take_fixed(std::string_view& input);
  Step take_chunks(std::string_view& input);
  Step complete(core::Bytes body);
  Step reject(Rejection rejection);

  const RequestLimits& limits_;
  State state_ = State::head;
  HeadScanner scanner_;
  std::string head_text_;  ///< of a head that came in pieces
  Request request_;
  std::size_t body_bytes_max_ = 0;
  std::optional<Rejection> rejection_;

  // of a body whose length is known
  std::unique_ptr<char[]> fixed_;
  std::size_t fixed_bytes_ = 0;
  std::size_t filled_bytes_ = 0;
  // of a chunked one
  std::optional<ChunkDecoder> decoder_;
  std::unique_ptr<std::string> chunks_;
};

}  // namespace taskgraph::http
