#include "host/wire/view_codec.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "host/wire/limits.hpp"

namespace taskgraph::wire {

namespace {

constexpr std::size_t kSeatBytesMin = 2;
/// term, next counter, the primary, and the counts of backups and in-sync set.
constexpr std::size_t kTaskBytesMin = 2 + kSeatBytesMin + 2;

// ---------------------------------------------------------------- writing

void put_seat(Encoder& out, const core::Seat& seat, const std::vector<core::LifeId>& lives) {
  std::uint64_t place = 0;
  if (!seat.is_empty()) {
    const auto found = std::lower_bound(lives.begin(), lives.end(), seat.life);
    place = static_cast<std::uint64_t>(found - lives.begin()) + 1;
  }
  out.varint(place);
  out.number(seat.counter);
}

bool put_seats(Encoder& out, const std::vector<core::Seat>& seats, const std::vector<core::LifeId>& lives) {
  if (seats.size() > kViewSeatsMax) return false;
  out.varint(seats.size());
  for (const core::Seat& seat : seats) put_seat(out, seat, lives);
  return true;
}

// ---------------------------------------------------------------- reading

core::Seat get_seat(Decoder& in, const std::vector<core::LifeId>& lives) {
  core::Seat seat;
  const auto place = static_cast<std::size_t>(in.varint("the seat's life", lives.size()));
  if (place > 0) seat.life = lives[place - 1];
  seat.counter = in.number<core::ReplicaCounter>("the seat's counter");
  return seat;
}

std::vector<core::Seat> get_seats(Decoder& in, const char* what, const std::vector<core::LifeId>& lives) {
  std::vector<core::Seat> seats;
  const std::size_t count = in.count(what, kViewSeatsMax, kSeatBytesMin);
  seats.reserve(count);
  for (std::size_t i = 0; i < count && in.ok(); ++i) seats.push_back(get_seat(in, lives));
  return seats;
}

core::TaskAssignment get_task(Decoder& in, const std::vector<core::LifeId>& lives) {
  core::TaskAssignment task;
  task.term = in.number<core::Term>("the task's term");
  task.next_counter = in.number<core::ReplicaCounter>("the task's next counter");
  task.primary = get_seat(in, lives);
  task.backups = get_seats(in, "the backups", lives);
  task.in_sync = get_seats(in, "the members of the in-sync set", lives);
  return task;
}

/// Rising, without the nil uuid: the only order in which a view lists its lives.
std::vector<core::LifeId> get_lives(Decoder& in) {
  std::vector<core::LifeId> lives;
  const std::size_t count = in.count("the lives", kViewLivesMax, kUuidBytes);
  lives.reserve(count);
  for (std::size_t i = 0; i < count && in.ok(); ++i) {
    const std::size_t at = in.offset_bytes();
    const auto life = in.uuid<core::LifeId>("a life");
    if (in.ok() && life <= (lives.empty() ? core::LifeId{} : lives.back())) {
      in.fail(WireError::Kind::malformed, "the lives of the view do not rise", at);
    }
    lives.push_back(life);
  }
  return lives;
}

}  // namespace

bool put_view(Encoder& out, const core::Assignment& view) {
  const std::vector<core::LifeId>& lives = view.lives();
  if (view.candidates().size() > core::Assignment::kCandidatesMax || lives.size() > kViewLivesMax ||
      view.tasks().size() > kViewTasksMax) {
    return false;
  }
  out.number(view.version());
  out.varint(view.candidates().size());
  for (const core::HostId host : view.candidates()) out.uuid(host);
  out.varint(lives.size());
  for (const core::LifeId life : lives) out.uuid(life);
  out.varint(view.tasks().size());
  for (const core::TaskAssignment& task : view.tasks()) {
    out.number(task.term);
    out.number(task.next_counter);
    put_seat(out, task.primary, lives);
    if (!put_seats(out, task.backups, lives) || !put_seats(out, task.in_sync, lives)) return false;
  }
  return true;
}

core::View get_view(Decoder& in) {
  const auto version = in.number<core::ViewVersion>("the view's version");
  std::vector<core::HostId> candidates;
  const std::size_t candidate_count = in.count("the candidates", core::Assignment::kCandidatesMax, kUuidBytes);
  for (std::size_t i = 0; i < candidate_count && in.ok(); ++i) {
    candidates.push_back(in.uuid<core::HostId>("a candidate"));
  }
  const std::vector<core::LifeId> lives = get_lives(in);
  std::vector<core::TaskAssignment> tasks;
  const std::size_t task_count = in.count("the tasks", kViewTasksMax, kTaskBytesMin);
  tasks.reserve(task_count);
  for (std::size_t i = 0; i < task_count && in.ok(); ++i) tasks.push_back(get_task(in, lives));
  if (!in.ok()) return nullptr;
  return std::make_shared<const core::Assignment>(version, std::move(candidates), std::move(tasks));
}

}  // namespace taskgraph::wire
