/// One end of the stream between a supervisor and a worker.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "host/dataplane/stream_strand.hpp"
#include "host/wire/message_splitter.hpp"

namespace taskgraph::processes {

/// At a stable address until the executor has stopped. Messages go out and come in in order.
class ControlLink : public dataplane::StreamStrand {
 public:
  ControlLink(runtime::Executor& executor, process::Descriptor socket)
      : StreamStrand(executor), unopened_(std::move(socket)) {}
  ~ControlLink() override;

  // Any thread.
  /// Messages flow from here on. Once.
  void start() { post(new Outgoing({})); }
  /// An encoded message, with its length. Dropped when the link has ended.
  void send_message(std::string encoded) { post(new Outgoing(std::move(encoded))); }

 protected:
  /// On the strand: a whole message; false: it is none, and the link ends.
  virtual bool message(std::string_view message) = 0;
  /// On the strand, once. Nothing comes after it.
  virtual void ended(const std::string& why) = 0;

 private:
  struct Outgoing : Node {
    explicit Outgoing(std::string of) : bytes(std::move(of)) {}
    std::string bytes;
  };

  // StreamStrand
  void received(std::string_view bytes) override;
  void closed(const std::string& why) override { ended(why); }
  void posted(Node* batch, bool ticked, core::Time now) override;

  process::Descriptor unopened_;
  wire::MessageSplitter splitter_;
};

}  // namespace taskgraph::processes
