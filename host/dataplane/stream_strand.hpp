/// A TCP connection on a strand: what comes is handed over as it is read, what goes is sent in as few calls as
/// possible.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "host/core/bytes.hpp"
#include "host/dataplane/output.hpp"
#include "host/process/descriptor.hpp"
#include "host/runtime/io_strand.hpp"

namespace taskgraph::dataplane {

/// All on the strand. One connection after another; closed at first.
class StreamStrand : public runtime::IoStrand, protected Output {
 public:
  explicit StreamStrand(runtime::Executor& executor) : IoStrand(executor) {}

 protected:
  /// A non-blocking stream socket. `connecting`: connect() is under way; `connected` follows, or `closed`.
  void open(process::Descriptor socket, bool connecting);
  /// Drops what was not sent; `closed` is not called.
  void close();
  bool is_open() const { return socket_.is_open(); }

  /// Sent at the end of this activation, with all else that is there. Memory: what the peer does not take; callers look
  /// at unsent_bytes().
  void send(std::string bytes, std::size_t begin = 0) override;
  void send(core::Bytes bytes, std::size_t begin = 0) override;
  std::string spare() override { return std::exchange(spare_, {}); }
  void keep_spare(std::string&& text) override;
  std::size_t unsent_bytes() const { return unsent_bytes_; }
  /// Tries to write now; by `ready` and `posted` at their ends.
  void flush();
  /// By flush(), when nothing is left to be written: the moment to send more of something large, a piece of it. Written
  /// by the next flush().
  virtual void emptied() {}

  virtual void connected() {}
  /// Where the next bytes belong, if the stream is in the middle of something large; else empty.
  virtual std::span<char> room() { return {}; }
  virtual void filled(std::size_t /*bytes*/) {}
  /// Takes all of `bytes`, or closes.
  virtual void received(std::string_view bytes) = 0;
  /// By the peer or by an error, after all that was received before. `why` is for the log.
  virtual void closed(const std::string& why) = 0;

  void ready(std::uint32_t events, core::Time now) final;

  static constexpr std::size_t kReadBytes = std::size_t{256} * 1024;
  /// Read in one activation: then it is the turn of others.
  static constexpr std::size_t kReadBytesPerTurn = std::size_t{4} * 1024 * 1024;
  static constexpr std::size_t kPiecesPerWrite = 64;
  static constexpr std::size_t kSpareBytesMax = std::size_t{64} * 1024;

 private:
  struct Piece {
    std::variant<std::string, core::Bytes> bytes;
    std::size_t sent;  ///< or skipped
    std::string_view rest() const;
  };

  enum class Read { nothing, some, all_asked_for };
  void read(bool to_the_end);
  Read read_once(std::size_t& done);
  ssize_t write_once();
  void pop();
  void fail(const std::string& why);

  process::Descriptor socket_;
  bool connecting_ = false;
  std::deque<Piece> output_;
  std::string spare_;
  std::size_t unsent_bytes_ = 0;
};

}  // namespace taskgraph::dataplane
