/// One end of the stream between a supervisor and a worker.
#pragma once

#include <string>
#include <string_view>

#include "host/dataplane/stream_strand.hpp"
#include "host/wire/message_splitter.hpp"

namespace taskgraph::processes {

/// At a stable address until the executor has stopped. Messages go out and come in in order. One stream after another:
/// each from `start` to `ended` or `finished`.
class ControlLink : public dataplane::StreamStrand {
 public:
  explicit ControlLink(runtime::Executor& executor) : StreamStrand(executor) {}
  ~ControlLink() override { destroy<Posted>(take_posted()); }

  // Any thread.
  /// Messages flow over this non-blocking stream socket from here on.
  void start(process::Descriptor socket) { post(new Posted(Posted::What::start, std::move(socket), {})); }
  /// An encoded message, with its length. Dropped when the link has ended.
  void send_message(std::string encoded) { post(new Posted(Posted::What::send, {}, std::move(encoded))); }
  /// The process at the other end is gone. What it has sent is read, then comes `finished`; a copy of its end that
  /// another process still has does not matter.
  void finish() { post(new Posted(Posted::What::finish, {}, {})); }

 protected:
  /// On the strand: a whole message; false: it is none, and the link ends.
  virtual bool message(std::string_view message) = 0;
  /// On the strand, when the stream ends. Nothing comes after it but `finished`.
  virtual void ended(const std::string& why) = 0;
  /// On the strand, after `finish`.
  virtual void finished() {}

 private:
  struct Posted : Node {
    enum class What { start, send, finish } what;
    process::Descriptor socket;
    std::string bytes;
    Posted(What which, process::Descriptor of, std::string text)
        : what(which), socket(std::move(of)), bytes(std::move(text)) {}
  };

  // StreamStrand
  void received(std::string_view bytes) override;
  void closed(const std::string& why) override { ended(why); }
  void posted(Node* batch, bool ticked, core::Time now) override;

  wire::MessageSplitter splitter_;
};

}  // namespace taskgraph::processes
