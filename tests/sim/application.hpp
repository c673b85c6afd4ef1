/// What tasks do in the simulator: flags, pulls and answers at random, and enough of a rule that epochs go on.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "host/core/replica.hpp"
#include "host/core/replica_event.hpp"
#include "tests/sim/invariants.hpp"
#include "tests/sim/random.hpp"

namespace taskgraph::sim {

/// Carried by every flag and pull of the simulated tasks, so that a receiver's hook shows where it came from.
struct Label {
  std::uint64_t id = 0;  ///< of the flag, or the token of the pull; never used twice in a run
  std::uint64_t epoch = 0;
  std::uint64_t term = 0;
  std::uint32_t task = 0;
  std::uint32_t link = 0;

  core::Bytes bytes() const;
  /// The same, and filler up to `size`.
  core::Bytes bytes_padded_to(std::size_t size) const;
  /// Nothing when `bytes` is no label, or what follows it is damaged.
  static std::optional<Label> from(std::string_view bytes);
};

/// The body of every pull from outside.
struct OutsideLabel {
  core::OutsideName name;
  core::TaskId task;

  core::Bytes bytes() const;
  /// Nothing when `bytes` is no such label.
  static std::optional<OutsideLabel> from(std::string_view bytes);
};

struct AppTimer {
  enum class Kind : std::uint8_t { reply, retry, chat, cancel, check } kind = Kind::check;
  std::uint64_t value = 0;
};

/// What the application may look at and ask for in one hook.
struct AppContext {
  const core::Replica& replica;
  core::TaskId task;
  std::uint32_t task_count;
  std::size_t links;
  core::Epoch last_epoch;
  bool hold;   ///< nobody advances or chats
  bool storm;  ///< the job must not end yet
  std::size_t message_bytes_max;
  bool large_bodies;
  Random& random;
  Invariants& invariants;
  std::uint32_t replica_index;
  core::Time now;
  std::vector<core::ReplicaEvent>& commands;
  std::vector<std::pair<core::Duration, AppTimer>>& timers;
};

/// The task of one replica life. In epoch e task e modulo count leads: it advances when each of its neighbours has
/// raised a flag and answered a pull.
class Application {
 public:
  void hook(const core::ReplicaEffect& effect, AppContext& context);
  void timer(const AppTimer& timer, AppContext& context);

 private:
  struct Need {
    core::TaskId task;
    bool flag = false;
    bool answered = false;
    std::uint64_t token = 0;
  };
  struct Serving {
    std::uint64_t serve;
    core::Bytes body;
  };

  void on(const core::effect::BecamePrimary&, AppContext&);
  void on(const core::effect::EnterEpoch& entered, AppContext&);
  void on(const core::effect::DeliverFlag& flag, AppContext&);
  void on(const core::effect::Serve& serve, AppContext&);
  void on(const core::effect::PullEnded& ended, AppContext&);
  void on(const core::effect::NeighbourChanged&, AppContext&);
  template <typename Other>
  void on(const Other&, AppContext&) {}

  void raise(core::LinkIndex link, AppContext&);
  std::uint64_t pull(core::TaskId to, std::string_view method, core::Duration deadline, AppContext&);
  void chat(AppContext&);
  void check(AppContext&);
  void reply(std::uint64_t serve, const core::Bytes& body, AppContext&) const;

  bool primary_ = false;
  core::Epoch epoch_;
  bool leads_ = false;
  bool advanced_ = false;
  std::uint32_t raised_ = 0;
  std::vector<Need> needs_;
  std::vector<Serving> later_;  ///< answers that are promised for later, at most kLaterMax
  static constexpr std::size_t kLaterMax = 32;
  static constexpr std::uint32_t kRaisedMax = 8;  ///< flags of one life in one epoch
};

}  // namespace taskgraph::sim
