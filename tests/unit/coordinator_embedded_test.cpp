#include "host/coordinator/embedded.hpp"

#include <string>

#include "tests/support/catch.hpp"

namespace taskgraph::coordinator {
namespace {

using core::DocumentKind;
using core::Key;

/// Writes down what it hears.
class Ear final : public Coordinator::Listener {
 public:
  void replied(core::TransactionReply reply) override {
    heard += "transaction " + std::to_string(reply.request) +
             (reply.outcome == core::TransactionOutcome::committed ? " committed; " : " refused; ");
    versions = reply.versions;
  }
  void replied(core::ReadReply reply) override {
    heard += "read " + std::to_string(reply.request) + (reply.known ? ": " : " failed: ") +
             std::to_string(reply.entries.size()) + " documents; ";
  }
  void documents_changed() override { heard += "changed; "; }
  void session_lost() override { heard += "session lost; "; }

  std::string take() { return std::exchange(heard, {}); }
  std::string heard;
  std::vector<core::DocumentVersion> versions;
};

core::Transaction create(DocumentKind kind, bool bound = false) {
  const auto document = std::make_shared<const core::Document>(core::EpochDocument{});
  return {{{Key::of(kind), 0}}, {{Key::of(kind), document, bound}}};
}

TEST_CASE("the embedded coordinator answers each request with its outcome", "[coordinator][embedded]") {
  Embedded embedded;
  Ear ear;
  embedded.open(ear);
  embedded.read(1);
  CHECK(ear.take() == "read 1: 0 documents; ");
  embedded.transact(2, create(DocumentKind::view));
  CHECK(ear.take() == "transaction 2 committed; changed; ");
  REQUIRE(ear.versions.size() == 1);
  embedded.transact(3, create(DocumentKind::view));
  CHECK(ear.take() == "transaction 3 refused; ");
  CHECK(ear.versions.empty());
  embedded.transact(4, create(DocumentKind::epoch));
  CHECK(ear.take() == "transaction 4 committed; ");              // no notice of an epoch
  embedded.transact(5, create(DocumentKind::controller, true));  // its session lives
  CHECK(ear.take() == "transaction 5 committed; changed; ");
  embedded.read(6);
  CHECK(ear.take() == "read 6: 3 documents; ");
}

TEST_CASE("nothing is heard of the embedded coordinator before it is opened and after it is closed",
          "[coordinator][embedded]") {
  Embedded embedded;
  Ear ear;
  embedded.read(1);
  embedded.transact(2, create(DocumentKind::view));
  embedded.open(ear);
  embedded.read(3);
  CHECK(ear.take() == "read 3: 0 documents; ");
  embedded.close();
  embedded.read(4);
  embedded.transact(5, create(DocumentKind::view));
  CHECK(ear.take().empty());
}

TEST_CASE("closing the embedded coordinator ends the session: what was bound to it is gone",
          "[coordinator][embedded]") {
  Embedded embedded;
  Ear ear;
  embedded.open(ear);
  embedded.transact(1, create(DocumentKind::controller, true));
  embedded.transact(2, create(DocumentKind::view));
  embedded.close();
  Ear next;
  embedded.open(next);
  embedded.read(3);
  CHECK(next.take() == "read 3: 1 documents; ");
}

}  // namespace
}  // namespace taskgraph::coordinator
