/// What the shipped plugins share: a pull that is asked again where that helps, and a check of what the host answered.
#pragma once

#include <taskgraph/task.hpp>

#include <chrono>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace taskgraph::common {

/// One pull is asked at most so often, each time after a pause.
inline constexpr int kPullAttemptsMax = 1'000;
inline constexpr std::chrono::milliseconds kPullPause{10};

/// Throws std::runtime_error when the host refuses for a reason that is this plugin's own. That the replica is about to
/// end is none.
inline void ensure(Status status, std::string_view what) {
  if (status == Status::ok || status == Status::exited || status == Status::not_primary) return;
  throw std::runtime_error(std::string(what) + (status == Status::busy ? ": a limit of the topology file is reached"
                                                                       : ": refused by the host as invalid"));
}

/// Pulls until there is an answer to work with: `on_answer(const Answer&)` gets a value, or an error with a code of the
/// plugin's own (TG_CODE_USER and above). Asked again: what was dropped unanswered, found the other side busy, or took
/// too long. Given up without a word when the epoch has passed. Everything else throws and so fails the replica.
/// `entered` is the epoch that the caller's enter_epoch was told last. On the replica's strand.
template <typename F>
void pull_patiently(Host host, Epoch entered, TaskId to, std::string method, std::string body, F on_answer,
                    int attempt = 1) {
  // The pull has its own copies: its completion owns the ones for the next attempt.
  Buffer sent{body};
  const std::string named = method;
  host.pull(to, named, std::move(sent),
            [host, entered, to, method = std::move(method), body = std::move(body), on_answer = std::move(on_answer),
             attempt](const Answer& answer) mutable {
              const bool is_own_error =
                  answer.outcome == Outcome::error && static_cast<std::int32_t>(answer.code) >= TG_CODE_USER;
              if (answer.ok() || is_own_error) return on_answer(answer);
              if (answer.outcome == Outcome::epoch_passed || answer.outcome == Outcome::cancelled) return;
              const bool again =
                  answer.outcome == Outcome::deadline ||
                  (answer.outcome == Outcome::error && (answer.code == Code::unavailable || answer.code == Code::busy));
              if (!again || attempt == kPullAttemptsMax) {
                throw std::runtime_error("pull of \"" + method + "\" from task " + std::to_string(to) +
                                         " ended without a value: " + std::string(answer.body));
              }
              ensure(host.after(kPullPause,
                                [host, entered, to, method = std::move(method), body = std::move(body),
                                 on_answer = std::move(on_answer), attempt]() mutable {
                                  if (host.epoch() != entered) return;
                                  pull_patiently(host, entered, to, std::move(method), std::move(body),
                                                 std::move(on_answer), attempt + 1);
                                }),
                     "after");
            });
}

}  // namespace taskgraph::common
