/// What is known of requests with an Idempotency-Key: who sends one again gets the answer to the first.
#pragma once

#include <array>
#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "host/core/bytes.hpp"
#include "host/core/ids.hpp"

namespace taskgraph::control {

inline constexpr std::size_t kIdempotencyKeyBytesMax = 255;
/// Printable ASCII, 1 to 255 characters.
bool is_idempotency_key(std::string_view text);

/// SHA-256 of a request's route and body: tells whether a key is used again for the same request.
using RequestDigest = std::array<unsigned char, 32>;
RequestDigest digest_of(std::string_view route, std::string_view body);

/// An answer that a task gave.
struct StoredAnswer {
  std::uint16_t status = 200;
  std::string content_type;
  core::Bytes body;
};

struct IdempotencyLimits {
  std::size_t entries_max = 4096;                         ///< under way and answered
  std::size_t bytes_max = std::size_t{64} * 1024 * 1024;  ///< of keys and answers
  core::Duration age_max = core::seconds(600);            ///< of an answer, since it was given
};

/// Pure: time comes in and never falls. One thread. Answers beyond a limit are forgotten, the oldest first; what is
/// under way never is.
class IdempotencyTable {
 public:
  /// Names a pull that is under way; chosen by the caller.
  using PullNumber = std::uint64_t;

  explicit IdempotencyTable(IdempotencyLimits limits = {}) : limits_(limits) {}

  struct Known {
    enum class What : std::uint8_t {
      nothing,    ///< it is under way from now on, as `pull`; ends by answered() or failed()
      under_way,  ///< as `pull`
      answered,   ///< with `answer`, which is valid until the next call
      other,      ///< the key belongs to a request with another route or body
      full,       ///< so many are under way that there is no room
    } what = What::nothing;
    PullNumber pull = 0;
    const StoredAnswer* answer = nullptr;
  };
  /// A request with `key` has come; `pull` is what it would be under way as.
  Known begin(const std::string& key, const RequestDigest& digest, PullNumber pull, core::Time now);
  /// The task has answered what was under way; the answer is kept unless it is larger than all that may be.
  void answered(const std::string& key, StoredAnswer answer, core::Time now);
  /// It has ended without an answer of the task: the next one with that key is a first one.
  void failed(const std::string& key);

  std::size_t size() const { return entries_.size(); }
  std::size_t bytes() const { return bytes_; }

 private:
  struct Entry {
    RequestDigest digest{};
    PullNumber pull = 0;
    std::optional<StoredAnswer> answer;  ///< nothing: it is under way
    core::Time answered_at;
  };
  using Entries = std::unordered_map<std::string, Entry>;

  static std::size_t cost(const std::string& key, const Entry& entry);
  void forget(Entries::iterator entry);
  void forget_oldest();
  void forget_old(core::Time now);

  const IdempotencyLimits limits_;
  Entries entries_;
  std::list<std::string> answered_;  ///< keys, by the time of the answer
  std::size_t bytes_ = 0;
};

}  // namespace taskgraph::control
