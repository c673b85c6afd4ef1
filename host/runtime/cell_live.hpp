/// Inside of Cell: its mailbox's nodes, the replica that lives in it, and how hooks are called. For cell*.cpp alone.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "host/core/replica.hpp"
#include "host/plugin/bridge.hpp"
#include "host/runtime/cell.hpp"

namespace taskgraph::runtime {

struct Cell::Event : Strand::Node {
  template <typename T>
  explicit Event(T&& one) : body(std::in_place_type<T>, std::move(one)) {}
  std::variant<core::ReplicaEvent, Create, Posted, Replied, Kill, ViewLatched, GoOn, std::shared_ptr<void>> body;
};

struct Cell::Live {
  Live(plugin::BridgeOutside& outside, const CellShared& shared, const core::Replica::Identity& identity,
       std::uint32_t serial)
      : core(identity, shared.spec, shared.lease), bridge(outside, core, shared.spec, shared.check_result, serial) {
    if (shared.journal != nullptr) recorder.emplace(*shared.journal, core);
    watched = recorder.has_value();
  }

  const tg_task_hooks& hooks() const { return *task.hooks; }

  core::Replica core;
  plugin::Bridge bridge;
  tg_task task{nullptr, nullptr};
  std::uint64_t pulls_reported = 0;
  std::unique_ptr<core::effect::Failed> failure;     ///< of a hook, until the core knows
  plugin::Bridge::Commands put_off;                  ///< over kCommandsPerEventMax
  bool has_view = false;                             ///< its first one
  std::optional<journal::ReplicaRecorder> recorder;  ///< of every detail
  std::optional<core::ReplicaMoment::What> told{};   ///< of a failover that is under way
  bool watched = false;                              ///< one of the two wants to see what the core does
  bool goes_on = false;                              ///< a GoOn is in the mailbox
  bool ended = false;
};

/// Memory of the thread that runs a strand, so that an idle cell keeps none.
struct Scratch {
  core::ReplicaEffects effects;
  plugin::Bridge::Commands commands;
};
inline Scratch& scratch() {
  thread_local Scratch memory;
  return memory;
}
inline constexpr std::size_t kScratchKept = 4'096;

inline bool is_fatal(const core::Fault& fault) {
  return fault.kind == core::FaultKind::kill || fault.kind == core::FaultKind::throw_in_hook;
}
inline core::effect::Failed by_chaos(const core::Fault& fault) {
  const bool thrown = fault.kind == core::FaultKind::throw_in_hook;
  return {core::Blame::injected, thrown ? "a hook threw \"injected by --chaos\"" : "killed by --chaos"};
}

inline tg_view view_of(std::string_view text) {
  return {text.data(), text.size()};
}
inline std::string text_of(const tg_error& error) {
  return std::string(error.text, std::min<std::size_t>(error.size, TG_ERROR_BYTES_MAX));
}

/// Calls a hook unless one before it has failed. False: it was not called, or failed.
template <typename Function>
bool Cell::call(Hook hook, Function function) {
  if (live_->failure != nullptr || live_->ended) return false;
  plugin::Bridge::Commands& commands = scratch().commands;
  const std::size_t before = commands.size();
  tg_error error;
  error.size = 0;
  tg_status status = TG_OK;
  {
    const InHook in_hook(task_, hook);
    status = function(&error);
  }
  now_is_old_ = true;
  if (status == TG_OK) return true;
  commands.erase(commands.begin() + static_cast<std::ptrdiff_t>(before), commands.end());
  live_->failure = std::make_unique<core::effect::Failed>(
      core::effect::Failed{core::Blame::plugin, fmt::format("hook {} threw \"{}\" at epoch {}", name_of(hook),
                                                            text_of(error), live_->bridge.task_epoch().value)});
  return false;
}

}  // namespace taskgraph::runtime
