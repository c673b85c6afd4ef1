/// Messages of the wire with random contents, and their text: two messages with the same text are the same. The text is
/// made from the fields alone, so that it finds what an encoder and a decoder forget alike.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <string_view>

#include "host/wire/control.hpp"
#include "host/wire/frame_codec.hpp"

namespace taskgraph::tests {

/// Same seed, same messages, whatever the standard library. Numbers gather where encodings change their length.
class WireRandom {
 public:
  static constexpr std::size_t kMessageKinds = 8;
  static constexpr std::size_t kToWorkerKinds = 8;
  static constexpr std::size_t kToSupervisorKinds = 12;

  /// Bodies, texts and results are at most `body_bytes_max` long, views have at most `tasks_max` tasks.
  explicit WireRandom(std::uint64_t seed, std::size_t body_bytes_max = 300, std::size_t tasks_max = 40)
      : random_(seed), body_bytes_max_(body_bytes_max), tasks_max_(tasks_max) {}

  std::uint64_t below(std::uint64_t limit) { return random_() % limit; }
  std::uint64_t number();
  template <typename T>
  T strong() {
    return T{static_cast<typename T::rep>(number())};
  }
  template <typename T>
  T uuid() {
    return T{random_(), random_()};
  }
  std::string bytes(std::size_t bytes_max);

  /// The kinds in turn: 0 .. kMessageKinds - 1.
  wire::Message message(std::size_t kind, core::JobId job);
  // A BodyPart is that of this object, until its next function.
  wire::ToWorker to_worker(std::size_t kind);
  wire::ToSupervisor to_supervisor(std::size_t kind);
  core::View view();
  core::StoredFlag stored_flag();

 private:
  core::Stamp stamp(core::JobId job);
  core::Flag flag();
  core::OutsideName outside_name();
  wire::BodyPart body_part();
  core::Outcome outcome();
  std::int32_t code();
  wire::Blob blob();
  std::vector<core::Seat> seats(const std::vector<core::LifeId>& lives);
  core::Seat seat(const std::vector<core::LifeId>& lives);

  std::string part_;
  std::mt19937_64 random_;
  const std::size_t body_bytes_max_;
  const std::size_t tasks_max_;
};

std::string text_of(const wire::Message& message);
std::string text_of(const wire::ToWorker& message);
std::string text_of(const wire::ToSupervisor& message);

}  // namespace taskgraph::tests
