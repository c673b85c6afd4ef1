/// The wire between worker lives: batches of messages, one batch per HTTP body, in requests and responses alike.
///
/// All numbers are little-endian; `v` is a varint in its shortest form (encoder.hpp), `s` a varint and so many bytes,
/// `z` a zigzag varint, `uuid` 16 bytes (high half, low half). Numbers of kinds are only ever appended to; a change of
/// any other sort is a new wire version, and versions N and N-1 are read.
///
///     batch := header message*                            at most kBatchBytesMax, kBatchMessagesMax
///
///     header   offset  size
///                   0     4  magic "tgWB"
///                   4     2  wire version                 the same place in every version
///                   6    16  uuid: job
///                  22    16  uuid: sender's life
///                  38    16  uuid: receiver's life
///
///     message := length (4 bytes: of what follows)        at most kMessageBytesMax
///                kind (1 byte) fields
///
///     kind  message              fields
///        1  Acknowledgement      stamp
///        2  Flag                 stamp flag
///        3  PullRequest          stamp v:pull s:method s:body                 body at most kEagerBytesMax
///        4  PullAnswer           stamp v:pull v:outcome z:code s:body         the same
///        5  AnnouncedRequest     stamp v:pull s:method blob
///        6  AnnouncedAnswer      stamp v:pull v:outcome z:code blob
///        7  SealAsk              v:task v:term v:version uuid:asker
///        8  SealAckPart          v:task v:term uuid:life v:serial v:part v:parts v:count stored*
///
///     stamp  := v:from v:from_term v:to v:to_term v:epoch v:sequence v:acknowledged      job: the header's
///     flag   := v:origin_term v:index v:link s:meta                                      meta at most kEagerBytesMax
///     stored := v:sender v:epoch flag
///     blob   := uuid:id v:size                                                           size > 0
///
/// What is well-formed may still be wrong: that job, lives, tasks and links are the receiver's own is its caller's to
/// check.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "host/core/ids.hpp"
#include "host/wire/decoder.hpp"
#include "host/wire/limits.hpp"
#include "host/wire/message.hpp"

namespace taskgraph::wire {

inline constexpr std::string_view kBatchMagic = "tgWB";
inline constexpr std::size_t kBatchHeaderBytes = 54;

/// Who speaks to whom. A receiver whose life is another one sits at a reused port or is a successor: what follows is
/// not for it.
struct BatchHeader {
  core::JobId job;
  core::LifeId from;
  core::LifeId to;
  std::uint16_t version = kWireVersion;
  friend bool operator==(const BatchHeader&, const BatchHeader&) = default;
};

/// Writes one batch. Used by one thread.
class BatchWriter {
 public:
  enum class Added : std::uint8_t {
    added,
    batch_full,  ///< nothing was written: it fits into the next batch
    too_large    ///< nothing was written: it fits into no batch; announce its body, or refuse it
  };

  /// Appends to `out`, which outlives the writer and which nobody else changes meanwhile.
  BatchWriter(std::string& out, const BatchHeader& header);

  /// The stamp's job is the header's: a process speaks for one job only.
  Added add(const core::Frame& frame);
  Added add(const AnnouncedRequest& request);
  Added add(const AnnouncedAnswer& answer);
  Added add(const core::SealAsk& ask);
  Added add(const SealAckPart& part);
  Added add(const Message& message);

  std::size_t messages() const { return messages_; }
  std::size_t bytes() const { return out_.size() - start_; }  ///< header included

 private:
  template <typename Fill>
  Added write(Fill fill);

  std::string& out_;
  const core::JobId job_;
  const std::size_t start_;
  std::size_t messages_ = 0;
};

/// Reads one batch, message by message. Used by one thread; the input outlives it. What it returns owns its bytes.
class BatchReader {
 public:
  explicit BatchReader(std::string_view batch);

  /// All zero when error() says why the header was refused.
  const BatchHeader& header() const { return header_; }
  /// Nothing at the end, and from the first error on. Messages before a damaged one are good.
  std::optional<Message> next();
  const std::optional<WireError>& error() const { return in_.error(); }

 private:
  Decoder in_;
  BatchHeader header_;
  std::size_t messages_ = 0;
};

}  // namespace taskgraph::wire
