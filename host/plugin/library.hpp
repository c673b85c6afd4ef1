/// A plugin, checked in six fixed steps and loaded for the rest of the process.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include <taskgraph/abi.h>

#include "host/plugin/probe.hpp"
#include "host/plugin/refusal.hpp"

namespace taskgraph::plugin {

/// A loaded plugin: a handle to what lives as long as the process, so copies are cheap and none of them unloads it (a
/// plugin's threads, thread-locals and exit handlers may run until the last instant). [main], but for plugin() and
/// path() which are [any].
class Library {
 public:
  /// Steps 1 to 5 for the file at `path` (relative: to the working directory). Steps 2 to 5 happen in a probe process
  /// first, and a file that exports no entry is not loaded even there. Afterwards all of its constructors have run in
  /// this process. A constructor that calls exit() in spite of the probe ends the process with the exit code "plugin
  /// refused".
  static Result<Library> open(const std::filesystem::path& path, const ProbeOptions& options = {});

  /// Step 6: the plugin's own `init`. `api` and `job` must live as long as the process. Call it once, before any task
  /// is created; after a refusal nothing of the plugin may be called any more. An init that calls exit() ends the
  /// process with the exit code "plugin refused"; what it throws is caught although the ABI forbids it.
  std::optional<Refusal> init(const tg_host_api& api, const tg_job& job) const;

  /// The plugin's `deinit`, if it has one: after the last of its tasks is gone, once, and only after a successful init.
  void deinit() const;

  const tg_plugin& plugin() const noexcept { return *plugin_; }
  /// Absolute.
  const std::string& path() const noexcept { return path_; }

 private:
  Library(std::string path, const tg_plugin* plugin) : path_(std::move(path)), plugin_(plugin) {}

  std::string path_;
  const tg_plugin* plugin_;
};

}  // namespace taskgraph::plugin
