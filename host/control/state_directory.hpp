/// The folder of a job's state on this machine: token, control.json, lock.
#pragma once

#include <filesystem>
#include <optional>
#include <string_view>

#include "host/config/failure.hpp"
#include "host/process/descriptor.hpp"

namespace taskgraph::control {

/// Holds the folder for one host: a second one is refused until this object or its process has ended. Move-only; one
/// thread at a time.
class StateDirectory {
 public:
  /// Makes the folder, and those above it, with mode 0700 if they are not there. Refuses (ExitCode::cannot_write) what
  /// cannot be made or written, what others can write to, and what another host uses, whose process it names.
  static config::Result<StateDirectory> open(const std::filesystem::path& folder);
  StateDirectory(StateDirectory&&) noexcept = default;
  StateDirectory& operator=(StateDirectory&&) = delete;
  ~StateDirectory();

  /// Absolute.
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path file(std::string_view name) const { return path_ / name; }

  /// Replaces the file of that name by a whole one, in one step; its mode is 0600.
  std::optional<config::Failure> write(std::string_view name, std::string_view text) const;
  /// If it is there.
  void remove(std::string_view name) const;

 private:
  StateDirectory(std::filesystem::path path, process::Descriptor lock);

  std::filesystem::path path_;
  process::Descriptor lock_;  ///< of the file `lock`, which says our process
};

}  // namespace taskgraph::control
