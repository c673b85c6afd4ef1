// A link between a supervisor and a worker that carries large bodies: nothing else waits for them.
#include "host/processes/control_link.hpp"

#include <fcntl.h>
#include <sys/socket.h>

#include <array>
#include <memory>
#include <string>
#include <utility>
#include <variant>

#include "host/runtime/executor.hpp"
#include "host/wire/body_joiner.hpp"
#include "host/wire/control_codec.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/waited.hpp"

namespace taskgraph::processes {
namespace {

using tests::Waited;

/// Writes down what comes.
class NotingLink final : public ControlLink {
 public:
  NotingLink(runtime::Executor& executor, int socket) : ControlLink(executor), socket_(socket) {}
  void start() { ControlLink::start(std::move(socket_)); }

  Waited<std::string> seen;
  Waited<core::Bytes> bodies;

  void send(const core::OutsideReply& reply) { send_with_body(encoded(wire::OutsideReplyStart{reply, 0}), reply.body); }
  static std::string encoded(const wire::ToSupervisor& message) {
    std::string bytes;
    if (!wire::encode(message, bytes)) throw std::runtime_error("beyond a limit");
    return bytes;
  }

 private:
  bool message(std::string_view bytes) override {
    auto decoded = wire::decode_to_supervisor(bytes);
    auto* const one = std::get_if<wire::ToSupervisor>(&decoded);
    if (one == nullptr) return false;
    if (auto* start = std::get_if<wire::OutsideReplyStart>(one)) {
      whole(joiner_.begin(std::move(start->reply), start->body_bytes));
    } else if (const auto* part = std::get_if<wire::BodyPart>(one)) {
      whole(joiner_.add(part->bytes));
    } else if (const auto* said = std::get_if<wire::CannotStart>(one)) {
      seen.put(said->reason);
    }
    return joiner_.ok();
  }
  void whole(std::optional<core::OutsideReply> reply) {
    if (!reply.has_value()) return;
    seen.put("reply " + std::to_string(reply->name.number));
    bodies.put(reply->body);
  }
  void ended(const std::string& why) override { seen.put("ended: " + why); }
  std::string body_part(std::string_view bytes) const override { return encoded(wire::BodyPart{bytes}); }

  process::Descriptor socket_;
  wire::BodyJoiner<core::OutsideReply> joiner_{std::uint64_t{1} << 30U};
};

core::OutsideReply reply_of(std::uint64_t number, std::size_t bytes) {
  return {core::OutsideReply::Kind::answered,
          {{1, 1}, number},
          {0},
          {1},
          core::Outcome::value,
          0,
          core::Bytes(std::string(bytes, static_cast<char>('a' + number)))};
}

struct Ends {
  Ends() {
    std::array<int, 2> sockets{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sockets.data()) == 0);
    from = std::make_unique<NotingLink>(executor, sockets[0]);
    to = std::make_unique<NotingLink>(executor, sockets[1]);
  }
  ~Ends() { executor.stop(); }
  runtime::Executor executor{2};
  std::unique_ptr<NotingLink> from;
  std::unique_ptr<NotingLink> to;
};

TEST_CASE("small messages pass a large body that is under way, and large ones keep their order", "[link]") {
  Ends ends;
  constexpr std::size_t kLarge = std::size_t{48} * 1024 * 1024;
  ends.from->start();
  ends.from->send(reply_of(1, kLarge));
  ends.from->send(reply_of(2, wire::kBodyPartBytesMax + 1));
  ends.from->send_behind_bodies(NotingLink::encoded(wire::CannotStart{0, "behind"}));
  ends.from->send(reply_of(3, wire::kBodyPartBytesMax));
  ends.from->send_message(NotingLink::encoded(wire::CannotStart{0, "small"}));
  // Nobody has read until here: of the large body no more than the socket's buffer is gone, and the rest lets all pass.
  ends.to->start();
  CHECK(ends.to->seen.take() == "reply 3");
  CHECK(ends.to->seen.take() == "small");
  CHECK(ends.to->seen.take() == "reply 1");
  CHECK(ends.to->seen.take() == "reply 2");
  CHECK(ends.to->seen.take() == "behind");
  CHECK(ends.to->bodies.take().size() == wire::kBodyPartBytesMax);
  CHECK(ends.to->bodies.take().view() == std::string(kLarge, 'b'));
  CHECK(ends.to->bodies.take().view() == std::string(wire::kBodyPartBytesMax + 1, 'c'));
}

TEST_CASE("without a body under way all goes out in order", "[link]") {
  Ends ends;
  ends.to->start();
  ends.from->start();
  for (std::uint64_t i = 1; i <= 3; ++i) {
    ends.from->send(reply_of(i, 10));
    ends.from->send_behind_bodies(NotingLink::encoded(wire::CannotStart{0, "behind"}));
  }
  for (int i = 1; i <= 3; ++i) {
    CHECK(ends.to->seen.take() == "reply " + std::to_string(i));
    CHECK(ends.to->seen.take() == "behind");
  }
}

TEST_CASE("parts that belong to nothing end the link", "[link]") {
  Ends ends;
  ends.to->start();
  ends.from->start();
  ends.from->send_message(NotingLink::encoded(wire::BodyPart{"of nothing"}));
  CHECK(ends.to->seen.take() == "ended: a message that makes no sense");
  CHECK(ends.from->seen.take() == "ended: the peer has closed");
}

}  // namespace
}  // namespace taskgraph::processes
