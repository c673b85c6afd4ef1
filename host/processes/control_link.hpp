/// One end of the stream between a supervisor and a worker.
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <utility>

#include "host/core/bytes.hpp"
#include "host/dataplane/stream_strand.hpp"
#include "host/wire/limits.hpp"
#include "host/wire/message_splitter.hpp"

namespace taskgraph::processes {

/// At a stable address until the executor has stopped. Messages come in and go out in order, but for bodies that go in
/// parts: those go one after another, and let all other messages pass. One stream after another: each from `start` to
/// `ended` or `finished`. Memory: what the peer does not take.
class ControlLink : public dataplane::StreamStrand {
 public:
  explicit ControlLink(runtime::Executor& executor) : StreamStrand(executor) {}
  ~ControlLink() override { destroy<Posted>(take_posted()); }

  // Any thread.
  /// Messages flow over this non-blocking stream socket from here on.
  void start(process::Descriptor socket) {
    Posted* const posted = new Posted(Posted::What::start);
    posted->socket = std::move(socket);
    post(posted);
  }
  /// An encoded message, with its length. Dropped when the link has ended.
  void send_message(std::string encoded) { post(new Posted(Posted::What::send, Message{std::move(encoded), {}})); }
  /// The same for a message with the beginning of `body` (wire::kBodyPartBytesMax of it). If there is more, it waits
  /// for the bodies before it, and the rest follows in parts.
  void send_with_body(std::string encoded, core::Bytes body) {
    const bool is_large = body.size() > wire::kBodyPartBytesMax;
    post(new Posted(is_large ? Posted::What::send_in_line : Posted::What::send,
                    Message{std::move(encoded), std::move(body)}));
  }
  /// Behind all that send_with_body() was given before.
  void send_behind_bodies(std::string encoded) {
    post(new Posted(Posted::What::send_in_line, Message{std::move(encoded), {}}));
  }
  /// The process at the other end is gone. What it has sent is read, then comes `finished`; a copy of its end that
  /// another process still has does not matter.
  void finish() { post(new Posted(Posted::What::finish)); }

 protected:
  /// On the strand: a whole message; false: it is none, and the link ends.
  virtual bool message(std::string_view message) = 0;
  /// On the strand, when the stream ends. Nothing comes after it but `finished`.
  virtual void ended(const std::string& why) = 0;
  /// On the strand, after `finish`.
  virtual void finished() {}
  /// Encodes a wire::BodyPart in this direction.
  virtual std::string body_part(std::string_view bytes) const = 0;

 private:
  /// With the whole body, the beginning of which is in `bytes`.
  struct Message {
    std::string bytes;
    core::Bytes body;
    std::size_t sent_bytes = 0;  ///< of the body
  };
  struct Posted : Node {
    enum class What { start, send, send_in_line, flush, finish };
    explicit Posted(What which) : what(which) {}
    Posted(What which, Message of) : what(which), message(std::move(of)) {}
    What what;
    process::Descriptor socket;
    Message message;
  };
  static constexpr std::size_t kPartsPerTurn = 4;

  // StreamStrand
  void received(std::string_view bytes) override;
  void closed(const std::string& why) override;
  void emptied() override;
  void posted(Node* batch, bool ticked, core::Time now) override;

  void put_in_line(Message message);

  wire::MessageSplitter splitter_;
  std::deque<Message> line_;
};

}  // namespace taskgraph::processes
