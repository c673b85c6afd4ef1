/// One end of the stream between a supervisor and a worker.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "host/dataplane/stream_strand.hpp"
#include "host/wire/limits.hpp"
#include "host/wire/message_splitter.hpp"

namespace taskgraph::processes {

/// At a stable address until the executor has stopped. Messages come in and go out in order, but for bodies that go in
/// parts: those go one after another, and let all other messages pass. Memory: what the peer does not take.
class ControlLink : public dataplane::StreamStrand {
 public:
  ControlLink(runtime::Executor& executor, process::Descriptor socket)
      : StreamStrand(executor), unopened_(std::move(socket)) {}
  ~ControlLink() override;

  // Any thread.
  /// Messages flow from here on. Once.
  void start() { post(new Outgoing(std::string())); }
  /// An encoded message, with its length. Dropped when the link has ended.
  void send_message(std::string encoded) { post(new Outgoing(std::move(encoded))); }
  /// The same for a message with the beginning of `body` (wire::kBodyPartBytesMax of it). If there is more, it waits
  /// for the bodies before it, and the rest follows in parts.
  void send_with_body(std::string encoded, core::Bytes body) {
    const bool is_large = body.size() > wire::kBodyPartBytesMax;
    post(new Outgoing(std::move(encoded), std::move(body), is_large));
  }
  /// Behind all that send_with_body() was given before.
  void send_behind_bodies(std::string encoded) { post(new Outgoing(std::move(encoded), {}, true)); }

 protected:
  /// On the strand: a whole message; false: it is none, and the link ends.
  virtual bool message(std::string_view message) = 0;
  /// On the strand, once. Nothing comes after it.
  virtual void ended(const std::string& why) = 0;
  /// Encodes a wire::BodyPart in this direction.
  virtual std::string body_part(std::string_view bytes) const = 0;

 private:
  /// With the whole body, the beginning of which is in `bytes`.
  struct Large {
    std::string bytes;
    core::Bytes body;
    std::size_t sent_bytes = 0;  ///< of the body
  };
  struct Outgoing : Node {
    explicit Outgoing(std::string encoded, core::Bytes body = {}, bool in_line = false)
        : message{std::move(encoded), std::move(body)}, is_in_line(in_line) {}
    Large message;
    bool is_in_line;  ///< behind bodies
  };
  static constexpr std::size_t kPartsPerTurn = 4;

  // StreamStrand
  void received(std::string_view bytes) override;
  void closed(const std::string& why) override;
  void emptied() override;
  void posted(Node* batch, bool ticked, core::Time now) override;

  process::Descriptor unopened_;
  wire::MessageSplitter splitter_;
  std::deque<Large> line_;
};

}  // namespace taskgraph::processes
