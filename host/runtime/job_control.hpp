/// What a host shows of its job to people and other programs: state folder, token, control listener, control.json.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "host/config/failure.hpp"
#include "host/config/options.hpp"
#include "host/config/topology_file.hpp"
#include "host/control/control_listener.hpp"
#include "host/control/state_directory.hpp"
#include "host/runtime/job.hpp"

namespace taskgraph::runtime {

/// The state folder that options and environment name, held for this host. Main thread.
config::Result<control::StateDirectory> open_state(const config::Options& options,
                                                   const config::TopologyFile& topology);

/// Owned by the main thread, which calls all functions. The job and the state folder outlive it.
class JobControl {
 public:
  /// Takes the token of --token-file or makes one, listens, and logs where. From here on clients get answers; that the
  /// job is not ready is one.
  static config::Result<std::unique_ptr<JobControl>> open(const config::Options& options,
                                                          const config::TopologyFile& topology,
                                                          const control::StateDirectory& state, Job& job,
                                                          control::FailoversJson failovers = {});
  /// Withdraws, and tells those who wait that the job ends.
  ~JobControl();
  JobControl(const JobControl&) = delete;
  JobControl& operator=(const JobControl&) = delete;

  /// The job is ready: writes control.json, so that others find it. When it cannot be written, that is logged.
  void announce();
  /// Removes control.json. Does not wait.
  void withdraw();

 private:
  JobControl(const control::StateDirectory& state, std::string token_file);

  const control::StateDirectory& state_;
  const std::string token_file_;  ///< absolute
  std::unique_ptr<control::ControlListener> listener_;
};

}  // namespace taskgraph::runtime
