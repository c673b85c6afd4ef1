#include "host/wire/control_codec.hpp"

#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "host/config/result_file.hpp"
#include "host/config/topology_tasks.hpp"
#include "host/wire/message_splitter.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/wire_messages.hpp"

namespace taskgraph::wire {
namespace {

using tests::text_of;
using tests::WireRandom;

static_assert(kViewTasksMax >= config::kTasksMax);
static_assert(kViewSeatsMax >= config::kBackupsMax + 1);
static_assert(kResultBytesMax >= config::kResultBytesMax);

/// The message of `stream`, which holds one, in memory that ends where it does.
std::vector<char> only_message(const std::string& stream) {
  MessageSplitter splitter;
  splitter.feed(stream);
  const auto message = splitter.next();
  REQUIRE(message.has_value());
  std::vector<char> exact(message->begin(), message->end());
  CHECK_FALSE(splitter.next().has_value());
  CHECK(splitter.buffered_bytes() == 0);
  return exact;
}

std::string_view view_of(const std::vector<char>& bytes) {
  return {bytes.data(), bytes.size()};
}

/// The text of a decoded message, or of its error.
template <typename ControlMessage>
std::string outcome(const std::variant<ControlMessage, WireError>& decoded) {
  if (const auto* error = std::get_if<WireError>(&decoded)) return error->text;
  return text_of(std::get<ControlMessage>(decoded));
}

template <typename ControlMessage>
std::string through_the_wire(const ControlMessage& message) {
  std::string stream;
  REQUIRE(encode(message, stream));
  const std::vector<char> exact = only_message(stream);
  if constexpr (std::is_same_v<ControlMessage, ToWorker>) {
    return outcome(decode_to_worker(view_of(exact)));
  } else {
    return outcome(decode_to_supervisor(view_of(exact)));
  }
}

TEST_CASE("every control message comes back as it was written", "[wire][control]") {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    WireRandom random(seed);
    INFO("seed " << seed);
    for (std::size_t kind = 0; kind < WireRandom::kToWorkerKinds; ++kind) {
      const ToWorker message = random.to_worker(kind);
      CHECK(through_the_wire(message) == text_of(message));
    }
    for (std::size_t kind = 0; kind < WireRandom::kToSupervisorKinds; ++kind) {
      const ToSupervisor message = random.to_supervisor(kind);
      CHECK(through_the_wire(message) == text_of(message));
    }
  }
}

TEST_CASE("an advance is laid out as the table says", "[wire][control]") {
  std::string stream;
  REQUIRE(encode(ToSupervisor{core::AdvanceAsk{{1}, {300}, {2}}}, stream));
  using namespace std::string_literals;
  CHECK(stream == "\5\0\0\0\x42\1\xac\2\2"s);
}

TEST_CASE("a view of 100,000 tasks fits into one message", "[wire][control]") {
  std::vector<core::LifeId> lives;
  for (std::uint64_t i = 1; i <= 1'000; ++i) lives.push_back({i, ~i});
  std::vector<core::TaskAssignment> tasks(kViewTasksMax);
  for (std::uint32_t i = 0; i < tasks.size(); ++i) {
    const auto seat = [&](std::uint32_t n) {
      return core::Seat{lives[(i + n) % lives.size()], core::ReplicaCounter{1'000'000 + n}};
    };
    tasks[i] = {core::Term{UINT64_MAX - i}, seat(0), {seat(1), seat(2)}, {seat(0), seat(1), seat(2)}, {2'000'000}};
  }
  const auto view = std::make_shared<const core::Assignment>(core::ViewVersion{7}, std::vector<core::HostId>{{1, 2}},
                                                             std::move(tasks));
  std::string stream;
  REQUIRE(encode(ToWorker{core::event::ViewPushed{view}}, stream));
  CHECK(stream.size() < kControlBytesMax / 8);
  const auto decoded = decode_to_worker(view_of(only_message(stream)));
  REQUIRE(std::holds_alternative<ToWorker>(decoded));
  const core::View& read = std::get<core::event::ViewPushed>(std::get<ToWorker>(decoded)).view;
  CHECK(read->version() == view->version());
  CHECK(read->candidates() == view->candidates());
  CHECK(read->lives() == view->lives());
  CHECK(read->tasks() == view->tasks());
}

TEST_CASE("what is beyond a limit is not encoded, and leaves nothing behind", "[wire][control]") {
  std::string out = "before";
  const auto refused = [&](auto&& message) { return !encode(std::forward<decltype(message)>(message), out); };
  const auto view_of_tasks = [](std::vector<core::TaskAssignment> tasks) {
    return ToWorker{core::event::ViewPushed{
        std::make_shared<const core::Assignment>(core::ViewVersion{1}, std::vector<core::HostId>{}, std::move(tasks))}};
  };
  CHECK(refused(view_of_tasks(std::vector<core::TaskAssignment>(kViewTasksMax + 1))));
  core::TaskAssignment crowded;
  crowded.backups.resize(kViewSeatsMax + 1);
  CHECK(refused(view_of_tasks({crowded})));
  CHECK(refused(ToWorker{Addresses{std::vector<Address>(kAddressesMax + 1)}}));
  CHECK(
      refused(ToSupervisor{core::FinishAsk{{}, {}, {}, core::JobStatus::done, std::string(kResultBytesMax + 1, 'r')}}));
  const core::OutsideRequest too_long{{}, {}, {}, {}, std::string(kMethodBytesMax + 1, 'm'), {}};
  CHECK(refused(ToWorker{OutsideRequestStart{too_long, 0}}));
  CHECK(refused(ToWorker{OutsideRequestStart{{{}, {}, {}, core::Duration{-1}, "m", {}}, 0}}));
  const std::string part(kBodyPartBytesMax + 1, 'p');
  CHECK(refused(ToWorker{BodyPart{part}}));
  CHECK(refused(ToSupervisor{BodyPart{}}));
  CHECK(refused(ToSupervisor{Ready{1, std::vector<std::string>(kReadOnlyMethodsMax + 1)}}));
  CHECK(refused(ToSupervisor{Ready{1, {std::string(kMethodBytesMax + 1, 'm')}}}));
  CHECK(refused(ToSupervisor{SlowPullsTold{std::vector<core::SlowPull>(core::SlowPulls::kMax + 1)}}));
  CHECK(refused(ToSupervisor{SlowPullsTold{{{{}, {}, std::string(kMethodBytesMax + 1, 'm'), {}, {}}}}}));
  CHECK(out == "before");

  CHECK_FALSE(refused(ToSupervisor{Ready{1, std::vector<std::string>(kReadOnlyMethodsMax)}}));
  CHECK_FALSE(refused(ToSupervisor{BodyPart{std::string_view(part).substr(1)}}));
  crowded.backups.resize(kViewSeatsMax);
  CHECK_FALSE(refused(view_of_tasks({crowded})));
  CHECK_FALSE(refused(ToWorker{Addresses{std::vector<Address>(kAddressesMax)}}));
  CHECK_FALSE(refused(ToSupervisor{core::FinishAsk{{}, {}, {}, {}, std::string(kResultBytesMax, 'r')}}));
  CHECK_FALSE(refused(ToSupervisor{SlowPullsTold{
      std::vector<core::SlowPull>(core::SlowPulls::kMax, {{}, {}, std::string(kMethodBytesMax, 'm'), {}, {}})}}));
}

TEST_CASE("reasons are cut as they are sent", "[wire][control]") {
  const std::string text = std::string(kTextBytesMax, 'x') + "rest";
  std::string stream;
  REQUIRE(encode(ToSupervisor{CannotStart{78, text}}, stream));
  const auto failure = std::get<ToSupervisor>(decode_to_supervisor(view_of(only_message(stream))));
  CHECK(std::get<CannotStart>(failure).reason == std::string(kTextBytesMax - 40, 'x') + " [... 44 bytes cut]");

  stream.clear();
  REQUIRE(encode(ToSupervisor{core::Resignation{{3}, {}, core::Blame::plugin, text}}, stream));
  const auto resigned = std::get<ToSupervisor>(decode_to_supervisor(view_of(only_message(stream))));
  CHECK(std::get<core::Resignation>(resigned).reason.size() < kTextBytesMax);
}

TEST_CASE("a decoder of control messages refuses what no encoder writes", "[wire][control]") {
  using namespace std::string_literals;
  const auto worker = [](const std::string& message) { return outcome(decode_to_worker(message)); };
  const auto supervisor = [](const std::string& message) { return outcome(decode_to_supervisor(message)); };
  CHECK(worker("") == "byte 0: the kind of the message is cut off: 1 bytes are needed and 0 are left");
  CHECK(worker("\x44") == "byte 0: no message of kind 68 goes to a worker");
  CHECK(supervisor("\2\1") == "byte 0: no message of kind 2 goes to a supervisor");
  CHECK(worker("\2\1\1") == "byte 2: 1 bytes are left over after the message");
  CHECK(worker("\3\3") == "byte 1: the reason is 3; at most 2");
  CHECK(worker("\4\2"s + std::string(18, 'a')) ==
        "byte 1: the addresses are 2 of at least 18 bytes each; 18 bytes follow");
  CHECK(worker("\1\1\4"s + std::string(64, 'h')) == "byte 2: the candidates are 4; at most 3");
  CHECK(worker("\1\1\0\0\xa1\x8d\x06"s) == "byte 4: the tasks are 100001; at most 100000");
  CHECK(worker("\1\1\0\0\x90\x4e"s + std::string(600, '\0')) ==
        "byte 4: the tasks are 10000 of at least 6 bytes each; 600 bytes follow");
  CHECK(worker("\1\1\0\0\1\1\1\1\0\0\0"s) == "byte 7: the seat's life is 1; at most 0");
  CHECK(worker("\1\1\0\0\1\1\1\0\0\x11"s + std::string(34, '\0')) == "byte 9: the backups are 17; at most 16");
  CHECK(worker("\1\1\0\1"s + std::string(16, '\0') + '\0') == "byte 4: the lives of the view do not rise");
  CHECK(worker("\1\1\0\2"s + std::string(32, 'l') + '\0') == "byte 20: the lives of the view do not rise");
  CHECK(supervisor("\x41\1"s + std::string(16, 'l') + "\1\3\0"s) == "byte 19: the blame is 3; at most 2");
  CHECK(supervisor("\x43\1\1\1\2\0"s) == "byte 4: the status is 2; at most 1");
  CHECK(supervisor("\x43\1\1\1\0\x81\x80\x10"s) == "byte 5: the result has 262145 bytes; at most 262144");
  CHECK(supervisor("\x45\4"s) == "byte 1: 1 bytes are left over after the message");
  CHECK(supervisor("\x48\1\x81\x20"s) == "byte 2: the reason has 4097 bytes; at most 4096");
  const std::string name = std::string(16, 'h') + "\5"s;
  CHECK(worker("\6"s + name + "\1\1\1\0\2\1x"s) ==
        "byte 23: a body of 2 bytes begins with 1; all that fits into 262144 comes first");
  CHECK(worker("\6"s + name + "\1\1\1\0\0\1x"s) ==
        "byte 23: a body of 0 bytes begins with 1; all that fits into 262144 comes first");
  CHECK(worker("\6"s + name + "\1\1\1\x81\x08"s + std::string(1'030, 'm')) ==
        "byte 21: the method has 1025 bytes; at most 1024");
  CHECK(worker("\7"s + name) == "byte 18: the task is cut off: 1 bytes are needed and 0 are left");
  CHECK(worker("\x8\0"s) == "byte 1: the part of the body is empty");
  CHECK(worker("\x8\x81\x80\x10"s) == "byte 1: the part of the body has 262145 bytes; at most 262144");
  CHECK(supervisor("\x49\3"s + name) == "byte 1: the kind of the reply is 3; at most 2");
  CHECK(supervisor("\x49\0"s + name + "\1\1\2\0\0\0"s) == "byte 21: the outcome is 2; at most 1");
  CHECK(supervisor("\x4a\0"s) == "byte 1: the part of the body is empty");
  CHECK(supervisor("\x8\1x"s) == "byte 0: no message of kind 8 goes to a supervisor");
  CHECK(supervisor("\x47\1\0\x81\x08"s + std::string(1'100, 'm')) ==
        "byte 3: the read-only methods are 1025; at most 1024");
  CHECK(supervisor("\x47\1\0\1\x81\x08"s + std::string(1'100, 'm')) ==
        "byte 4: the method has 1025 bytes; at most 1024");
  CHECK(supervisor("\x4c\4"s) == "byte 1: what happened is 4; at most 3");
  CHECK(supervisor("\x4d\4"s + std::string(40, '\1')) == "byte 1: the pulls are 4; at most 3");
  CHECK(supervisor("\x4d\2\1\1\1m"s) == "byte 1: the pulls are 2 of at least 5 bytes each; 4 bytes follow");
  CHECK(supervisor("\x4d\1\1\1\x81\x08"s + std::string(40, 'm')) == "byte 4: the method has 1025 bytes; at most 1024");
}

TEST_CASE("a stream is split into its messages, whatever pieces it comes in", "[wire][control]") {
  WireRandom random(5);
  std::string stream;
  std::vector<std::string> expected;
  for (int i = 0; i < 60; ++i) {
    const ToSupervisor message = random.to_supervisor(random.below(WireRandom::kToSupervisorKinds));
    REQUIRE(encode(message, stream));
    expected.push_back(text_of(message));
  }
  for (const std::size_t piece_max :
       {std::size_t{1}, std::size_t{2}, std::size_t{7}, std::size_t{900}, stream.size()}) {
    MessageSplitter splitter;
    std::vector<std::string> read;
    for (std::size_t at = 0; at < stream.size();) {
      const std::size_t piece = std::min<std::size_t>(1 + random.below(piece_max), stream.size() - at);
      const std::vector<char> exact(stream.begin() + static_cast<std::ptrdiff_t>(at),
                                    stream.begin() + static_cast<std::ptrdiff_t>(at + piece));
      splitter.feed(view_of(exact));
      at += piece;
      while (const auto message = splitter.next()) read.push_back(outcome(decode_to_supervisor(*message)));
    }
    CHECK_FALSE(splitter.error().has_value());
    CHECK(splitter.buffered_bytes() == 0);
    CHECK(read == expected);
  }
}

std::string length_of(std::size_t length) {
  std::string bytes(4, '\0');
  for (std::size_t i = 0; i < 4; ++i) bytes[i] = static_cast<char>(length >> (8 * i));
  return bytes;
}

TEST_CASE("a splitter takes a message of the longest length, and refuses a longer one at its prefix",
          "[wire][control]") {
  MessageSplitter splitter;
  splitter.feed(length_of(kControlBytesMax));
  const std::string piece(kControlBytesMax / 64, 'x');
  for (int i = 0; i < 64; ++i) {
    CHECK_FALSE(splitter.next().has_value());
    splitter.feed(piece);
  }
  const auto whole = splitter.next();
  REQUIRE(whole.has_value());
  CHECK(whole->size() == kControlBytesMax);

  splitter.feed(length_of(kControlBytesMax + 1) + "more");
  CHECK_FALSE(splitter.next().has_value());
  REQUIRE(splitter.error().has_value());
  CHECK(splitter.error()->kind == WireError::Kind::too_large);
  CHECK(splitter.error()->text == "byte 67108868: a message of 67108865 bytes; at least 1 and at most 67108864");
  CHECK(splitter.buffered_bytes() == 0);
  splitter.feed(length_of(1) + "x");  // the stream has lost its rhythm
  CHECK_FALSE(splitter.next().has_value());
  CHECK(splitter.buffered_bytes() == 0);
}

TEST_CASE("a length of 0 ends a stream", "[wire][control]") {
  MessageSplitter splitter;
  splitter.feed(length_of(1) + "x" + length_of(0));
  CHECK(splitter.next() == std::string_view("x"));
  CHECK_FALSE(splitter.next().has_value());
  REQUIRE(splitter.error().has_value());
  CHECK(splitter.error()->kind == WireError::Kind::malformed);
  CHECK(splitter.error()->offset_bytes == 5);
}

TEST_CASE("a control message that is cut or changed anywhere gives an error or a message", "[wire][control][hostile]") {
  std::size_t refused = 0;
  std::size_t accepted = 0;
  const auto check = [&](std::string_view bytes, bool to_worker) {
    const std::vector<char> exact(bytes.begin(), bytes.end());
    const auto judge = [&](const auto& decoded) {
      const auto* error = std::get_if<WireError>(&decoded);
      (error != nullptr ? refused : accepted) += 1;
      if (error != nullptr) CHECK(error->offset_bytes <= bytes.size());
      if (error != nullptr) return;
      std::string again;  // what was accepted can be said, and says the same
      REQUIRE(encode(std::get<0>(decoded), again));
      CHECK(through_the_wire(std::get<0>(decoded)) == text_of(std::get<0>(decoded)));
    };
    to_worker ? judge(decode_to_worker(view_of(exact))) : judge(decode_to_supervisor(view_of(exact)));
  };
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    WireRandom random(seed, 30, 5);
    for (std::size_t kind = 0; kind < WireRandom::kToWorkerKinds + WireRandom::kToSupervisorKinds; ++kind) {
      const bool to_worker = kind < WireRandom::kToWorkerKinds;
      std::string stream;
      REQUIRE((to_worker ? encode(random.to_worker(kind), stream)
                         : encode(random.to_supervisor(kind - WireRandom::kToWorkerKinds), stream)));
      const std::string message = stream.substr(4);
      for (std::size_t size = 0; size < message.size(); ++size) check(message.substr(0, size), to_worker);
      for (std::size_t at = 0; at < message.size(); ++at) {
        for (const unsigned flip : {0x01U, 0x10U, 0x80U, 0xffU}) {
          std::string damaged = message;
          damaged[at] = static_cast<char>(static_cast<unsigned char>(damaged[at]) ^ flip);
          check(damaged, to_worker);
        }
      }
    }
  }
  CHECK(refused > 1'000);
  CHECK(accepted > 1'000);
}

}  // namespace
}  // namespace taskgraph::wire
