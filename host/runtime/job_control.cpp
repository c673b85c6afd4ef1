#include "host/runtime/job_control.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <utility>

#include "host/config/state_location.hpp"
#include "host/config/words.hpp"
#include "host/control/control_json.hpp"
#include "host/control/descriptor_limit.hpp"
#include "host/control/token.hpp"
#include "host/runtime/log.hpp"

namespace taskgraph::runtime {
namespace {

using config::Failure;
using control::ControlListener;
using control::StateDirectory;

constexpr std::string_view kTokenName = "token";
constexpr std::string_view kControlName = "control.json";
/// What a host has open beside its clients' connections: plugin, workers, data plane.
constexpr std::uint64_t kOtherDescriptors = 1024;

struct Token {
  std::string text;
  std::string file;  ///< absolute
};

config::Result<Token> token_of(const config::Options& options, const StateDirectory& state) {
  if (const auto& file = options.token_file.value) {
    auto token = control::read_token_file(*file);
    if (!token) return token.error();
    return Token{*std::move(token), std::filesystem::absolute(*file).lexically_normal().native()};
  }
  Token made{control::random_token(), state.file(kTokenName).native()};
  if (auto failure = state.write(kTokenName, made.text + "\n")) return *failure;
  log(LogLevel::info, fmt::format("token {} in {}", made.text, made.file));
  return made;
}

void make_room_for_connections() {
  constexpr std::uint64_t kWanted = ControlListener::kConnectionsMax + kOtherDescriptors;
  const std::uint64_t now = control::raise_descriptor_limit(kWanted);
  if (now >= kWanted) return;
  log(LogLevel::warning,
      fmt::format("this process may open {} files; for {} connections of clients it needs {} (ulimit -Hn)", now,
                  ControlListener::kConnectionsMax, kWanted));
}

std::optional<bool> is_read_only(const Job& job, std::string_view method) {
  if (job.is_read_only(method)) return true;
  if (job.status().state == JobStatus::State::starting) return std::nullopt;
  return false;
}

}  // namespace

config::Result<StateDirectory> open_state(const config::Options& options, const config::TopologyFile& topology) {
  const auto location = config::state_location(options, topology.spec.name);
  if (location.value.empty()) {
    return Failure{config::ExitCode::cannot_write,
                   "there is no folder for the job's state: neither XDG_STATE_HOME nor HOME is set to an absolute "
                   "path; give one with --state-dir DIR"};
  }
  auto state = StateDirectory::open(location.value);
  if (state) state->remove(kControlName);  // of a host that died
  return state;
}

config::Result<std::unique_ptr<JobControl>> JobControl::open(const config::Options& options,
                                                             const config::TopologyFile& topology,
                                                             const StateDirectory& state, Job& job,
                                                             control::FailoversJson failovers) {
  auto token = token_of(options, state);
  if (!token) return token.error();
  make_room_for_connections();
  std::unique_ptr<JobControl> made(new JobControl(state, token->file));
  const core::JobSpec& spec = topology.spec;
  auto listener = ControlListener::open(
      {.listen = options.listen.value,
       .token = token->text,
       .identity = {spec.name, topology.digest},
       .target = {.job = spec.name,
                  .tasks = spec.topology->task_count(),
                  .deadline = spec.limits.pull_deadline,
                  .body_bytes_max = spec.limits.message_bytes,
                  .pulls = job.outside_pulls(),
                  .is_read_only = [&job](std::string_view method) { return is_read_only(job, method); }},
       .status = [&job] { return job.status(); },
       .now = now,
       .failovers = std::move(failovers)});
  if (!listener) return listener.error();
  made->listener_ = *std::move(listener);
  log(LogLevel::info, fmt::format("control listener at {}", made->listener_->url()));
  return made;
}

JobControl::JobControl(const StateDirectory& state, std::string token_file)
    : state_(state), token_file_(std::move(token_file)) {}

JobControl::~JobControl() {
  withdraw();
}

void JobControl::announce() {
  if (auto failure = state_.write(kControlName, control::control_json(listener_->url(), token_file_))) {
    log(LogLevel::error, failure->text);
  }
}

void JobControl::withdraw() {
  state_.remove(kControlName);
}

}  // namespace taskgraph::runtime
