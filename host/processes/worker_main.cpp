#include "host/processes/worker_main.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "host/config/chaos_option.hpp"
#include "host/config/options.hpp"
#include "host/config/topology_file.hpp"
#include "host/core/lease.hpp"
#include "host/dataplane/plane.hpp"
#include "host/plugin/bridge.hpp"
#include "host/plugin/library.hpp"
#include "host/plugin/read_only_methods.hpp"
#include "host/process/descendants.hpp"
#include "host/processes/beat_page.hpp"
#include "host/processes/control_link.hpp"
#include "host/runtime/chaos.hpp"
#include "host/runtime/job_description.hpp"
#include "host/runtime/log.hpp"
#include "host/runtime/signals.hpp"
#include "host/runtime/worker_actor.hpp"
#include "host/wire/body_joiner.hpp"
#include "host/wire/control_codec.hpp"

namespace taskgraph::processes {
namespace {

using config::ExitCode;

[[noreturn]] void leave(ExitCode code) {
  std::_Exit(static_cast<int>(code));
}

std::string encoded(const wire::ToSupervisor& message) {
  std::string bytes;
  if (!wire::encode(message, bytes)) {
    runtime::log(runtime::LogLevel::error, "bug: a message to the supervisor is beyond its limits, and is lost");
  }
  return bytes;
}

/// The first message, by blocking reads: there is nothing else to do before it. Nothing: the supervisor is gone.
std::optional<wire::Setup> read_setup(wire::MessageSplitter& splitter) {
  std::array<char, 64 * 1024> bytes{};
  for (;;) {
    if (const auto message = splitter.next()) {
      auto decoded = wire::decode_to_worker(*message);
      auto* const first = std::get_if<wire::ToWorker>(&decoded);
      auto* const setup = first == nullptr ? nullptr : std::get_if<wire::Setup>(first);
      return setup == nullptr ? std::nullopt : std::optional(std::move(*setup));
    }
    const ssize_t count = ::read(kLinkDescriptor, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0 || splitter.error().has_value()) return std::nullopt;
    splitter.feed({bytes.data(), static_cast<std::size_t>(count)});
  }
}

/// Answers the setup by a reason, for people to read, and ends this process.
[[noreturn]] void cannot_start(ExitCode code, const std::string& reason) {
  const std::string bytes = encoded(wire::CannotStart{static_cast<std::uint8_t>(code), reason});
  [[maybe_unused]] const ssize_t written = ::write(kLinkDescriptor, bytes.data(), bytes.size());
  leave(code);
}

/// The life: the worker's core and its cells, its data plane, its link. Made on the main thread.
class WorkerProcess final : private runtime::WorkerOutside, private dataplane::Receiver {
 public:
  WorkerProcess(const wire::Setup& setup, const config::TopologyFile& topology, const core::ChaosPlan& plan,
                const tg_plugin& plugin)
      : job_(setup.job),
        chaos_(plan, topology.spec.topology->task_count()),
        executor_(setup.threads),
        plane_(executor_, setup.job, setup.life, secret_of(setup), topology.spec.limits.message_bytes, *this),
        worker_(executor_, {topology.spec, lease_, plugin, chaos_}, setup.life, *this),
        requests_(topology.spec.limits.message_bytes),
        link_(executor_, *this) {
    link_.start();
    tell(wire::Ready{plane_.port(), plugin::ReadOnlyMethods(plugin).names()});
  }

  /// Blocks until all replicas have exited as they were told to, and the supervisor has let this worker go. Leaves the
  /// process when the supervisor ends before.
  void run() {
    // A thread of its own looks at the stream's end, and shows that this process runs: hooks may keep all others.
    pollfd end{kLinkDescriptor, POLLRDHUP, 0};
    do {
      BeatPage::in(beats_).beat(runtime::now());
    } while (::poll(&end, 1, static_cast<int>(kBeatPeriod.ns / 1'000'000)) <= 0);
    if (!stopped_.load()) leave(ExitCode::stopped);
    executor_.stop();
  }

 private:
  class Link final : public ControlLink {
   public:
    Link(runtime::Executor& executor, WorkerProcess& process)
        : ControlLink(executor, process::Descriptor(::fcntl(kLinkDescriptor, F_DUPFD_CLOEXEC, kLinkDescriptor + 1))),
          process_(process) {
      ::fcntl(kLinkDescriptor, F_SETFL, O_NONBLOCK);
    }

   private:
    bool message(std::string_view bytes) override {
      auto decoded = wire::decode_to_worker(bytes);
      auto* const message = std::get_if<wire::ToWorker>(&decoded);
      if (message == nullptr) return false;
      std::visit([this](auto& one) { process_.told(one); }, *message);
      return process_.requests_.ok();
    }
    std::string body_part(std::string_view part) const override { return encoded(wire::BodyPart{part}); }
    void ended(const std::string&) override {
      if (!process_.stopped_.load()) leave(ExitCode::stopped);
    }
    WorkerProcess& process_;
  };

  static dataplane::Secret secret_of(const wire::Setup& setup) {
    dataplane::Secret secret{};
    std::memcpy(secret.data(), setup.secret.data(), std::min(secret.size(), setup.secret.size()));
    return secret;
  }

  void tell(const wire::ToSupervisor& message) { link_.send_message(encoded(message)); }

  void told(wire::Addresses& addresses) { plane_.know(addresses); }
  void told(wire::Setup&) {}  // once is enough
  void told(wire::OutsideRequestStart& start) { asked(requests_.begin(std::move(start.request), start.body_bytes)); }
  void told(wire::BodyPart& part) { asked(requests_.add(part.bytes)); }
  void told(core::OutsideEnd& end) { worker_.receive(end); }
  void asked(std::optional<core::OutsideRequest> request) {
    if (request.has_value()) worker_.receive(*std::move(request));
  }
  template <typename Event>
  void told(Event& event) {
    worker_.post(core::WorkerEvent(std::move(event)));
  }

  // runtime::WorkerOutside
  core::JobId job() const override { return job_; }
  void send(core::LifeId to, core::Frame&& frame) override { plane_.send(to, std::move(frame)); }
  void send(core::LifeId to, const core::SealAsk& ask) override { plane_.send(to, ask); }
  void send(core::LifeId to, core::SealAck&& ack) override { plane_.send(to, std::move(ack)); }
  void ask(runtime::WorkerRequest&& request) override {
    std::visit([this](auto& one) { tell(std::move(one)); }, request);
  }
  void reply(core::OutsideReply&& reply) override {
    core::Bytes body = reply.body;
    link_.send_with_body(encoded(wire::OutsideReplyStart{std::move(reply), 0}), std::move(body));
  }
  void replica_failed(core::TaskId) override {
    tell(wire::Counters{0, worker_.pulls(), failures_.fetch_add(1) + 1, worker_.frames_dropped()});
  }
  void all_stopped() override {
    stopped_.store(true);
    tell(wire::Counters{0, worker_.pulls(), failures_.load(), worker_.frames_dropped()});
    tell(core::effect::AllStopped{});
  }

  // dataplane::Receiver
  void receive(core::Frame&& frame) override { worker_.receive(std::move(frame)); }
  void receive(const core::SealAsk& ask) override { worker_.receive(ask); }
  void receive(core::SealAck&& ack) override { worker_.receive(std::move(ack)); }

  const process::SharedMemory beats_ = process::SharedMemory::map(process::Descriptor(kBeatDescriptor), kBeatPageBytes,
                                                                  process::SharedMemory::Access::read_write);
  const core::JobId job_;
  const core::Lease lease_ = core::Lease::open_ended();  ///< the coordinator is in the supervisor, and ends with it
  runtime::Chaos chaos_;
  std::atomic<std::uint64_t> failures_{0};
  std::atomic<bool> stopped_{false};
  runtime::Executor executor_;
  dataplane::Plane plane_;
  runtime::WorkerActor worker_;
  wire::BodyJoiner<core::OutsideRequest> requests_;  ///< on the link's strand
  Link link_;
};

}  // namespace

int worker_main() {
  ::fcntl(kLinkDescriptor, F_SETFD, FD_CLOEXEC);  // what the plugin starts shall not have it
  wire::MessageSplitter splitter;
  const auto setup = read_setup(splitter);
  if (!setup.has_value()) leave(ExitCode::stopped);
  runtime::log_start({setup->log_level, setup->log_format, setup->colour, nullptr});
  runtime::ignore_broken_pipes();
  // Ctrl-C and service managers reach all processes of a job; the supervisor lets the tasks save.
  std::signal(SIGINT, SIG_IGN);
  std::signal(SIGTERM, SIG_IGN);
  process::become_subreaper();

  auto parsed = config::parse_topology(setup->topology_name, setup->topology, setup->topology_directory);
  if (const auto* errors = std::get_if<config::TopologyErrors>(&parsed)) {
    cannot_start(ExitCode::topology_invalid, errors->text());
  }
  static const auto topology = std::get<config::TopologyFile>(std::move(parsed));
  core::ChaosPlan plan;
  if (!setup->chaos.empty()) {
    auto chaos = config::read_chaos(setup->chaos);
    if (!chaos) cannot_start(chaos.error().code, chaos.error().text);
    plan = std::move(chaos->plan);
  }
  static const runtime::JobDescription description(topology);
  auto library = plugin::Library::open(setup->plugin_file);
  if (!library) cannot_start(ExitCode::plugin_refused, library.error().message());
  if (auto refusal = library->init(plugin::host_api(), description.job())) {
    cannot_start(ExitCode::plugin_refused, refusal->message());
  }
  // Never destroyed: until the process ends, a thread of the plugin's own may answer a pull.
  static auto* const process = new WorkerProcess(*setup, topology, plan, library->plugin());
  process->run();
  library->deinit();
  return static_cast<int>(ExitCode::done);
}

}  // namespace taskgraph::processes
