#include "host/processes/worker_main.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <mutex>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "host/config/chaos_option.hpp"
#include "host/config/options.hpp"
#include "host/config/topology_file.hpp"
#include "host/core/lease.hpp"
#include "host/dataplane/plane.hpp"
#include "host/dataplane/secret.hpp"
#include "host/journal/life_journal.hpp"
#include "host/plugin/bridge.hpp"
#include "host/plugin/library.hpp"
#include "host/plugin/read_only_methods.hpp"
#include "host/process/descendants.hpp"
#include "host/processes/beat_page.hpp"
#include "host/processes/chaos_memory.hpp"
#include "host/processes/control_link.hpp"
#include "host/processes/last_words.hpp"
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

constexpr std::uint32_t kBeatsPerCount = 5;  // 250 ms

[[noreturn]] void leave(ExitCode code) {
  std::_Exit(static_cast<int>(code));
}

/// What the plugin has started goes with its worker, also when there is no supervisor to see to that.
void end_children() {
  try {
    process::end_orphans([](pid_t) { return false; });
  } catch (const std::exception& error) {
    runtime::log(runtime::LogLevel::error, error.what());
  }
}

[[noreturn]] void leave_without_supervisor() {
  end_children();
  leave(ExitCode::stopped);
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
  WorkerProcess(BeatPage& page, const wire::Setup& setup, const config::TopologyFile& topology,
                const core::ChaosPlan& plan, const tg_plugin& plugin)
      : page_(page),
        job_(setup.job),
        ledger_(process::Descriptor(kChaosDescriptor),
                core::ChaosLedger::words(plan, topology.spec.topology->task_count())),
        chaos_(plan, topology.spec.topology->task_count(), ledger_.words()),
        executor_(setup.threads, [this](unsigned thread) { begin_thread(thread); }),
        plane_(executor_, setup.job, setup.life, secret_of(setup), topology.spec.limits.message_bytes, *this),
        worker_(executor_, {topology.spec, lease_of(lease_memory_), plugin, chaos_, open_journal(setup)}, setup.life,
                *this),
        requests_(topology.spec.limits.message_bytes),
        link_(executor_, *this) {
    ::fcntl(kLinkDescriptor, F_SETFL, O_NONBLOCK);
    link_.start(process::Descriptor(::fcntl(kLinkDescriptor, F_DUPFD_CLOEXEC, kLeaseDescriptor + 1)));
    tell(wire::Ready{plane_.port(), plugin::ReadOnlyMethods(plugin).names()});
  }

  /// Blocks until all replicas have exited as they were told to, and the supervisor has let this worker go. Leaves the
  /// process when the supervisor ends before.
  void run() {
    // A thread of its own looks at the stream's end, and shows that this process runs: hooks may keep all others.
    pollfd end{kLinkDescriptor, POLLRDHUP, 0};
    std::uint32_t beats = 0;
    do {
      page_.beat(runtime::now());
      if (++beats % kBeatsPerCount == 0) tell_counters();
    } while (::poll(&end, 1, static_cast<int>(kBeatPeriod.ns / 1'000'000)) <= 0);
    if (!stopped_.load()) leave_without_supervisor();
    executor_.stop();
  }

 private:
  class Link final : public ControlLink {
   public:
    Link(runtime::Executor& executor, WorkerProcess& process) : ControlLink(executor), process_(process) {}

   private:
    bool message(std::string_view bytes) override {
      auto decoded = wire::decode_to_worker(bytes);
      auto* const message = std::get_if<wire::ToWorker>(&decoded);
      if (message == nullptr) return false;
      std::visit([this](auto& one) { process_.told(one); }, *message);
      return process_.requests_.ok();
    }
    std::string body_part(std::string_view part) const override { return encoded(wire::BodyPart{part}); }
    /// By the supervisor's end, which the main thread sees itself, or by what makes no sense.
    void ended(const std::string&) override { ::shutdown(kLinkDescriptor, SHUT_RDWR); }
    WorkerProcess& process_;
  };

  static dataplane::Secret secret_of(const wire::Setup& setup) {
    dataplane::Secret secret{};
    std::memcpy(secret.data(), setup.secret.data(), std::min(secret.size(), setup.secret.size()));
    return secret;
  }

  journal::LifeJournal* open_journal(const wire::Setup& setup) {
    if (setup.journal_folder.empty()) return nullptr;
    return &journal_.emplace(setup.journal_folder, setup.job, setup.life, [](const std::string& why) {
      runtime::log(runtime::LogLevel::warning, "the journal of this worker's life: " + why);
    });
  }

  void tell(const wire::ToSupervisor& message) { link_.send_message(encoded(message)); }

  void told(wire::Addresses& addresses) { plane_.know(addresses); }
  void told(wire::Setup&) {}  // once is enough
  void told(core::event::StopAll& stop) {
    if (stop.reason == core::ExitReason::replaced) {  // the lease has been cleared
      worker_.after_all_cells([this] { tell(wire::Fenced{}); });
    }
    worker_.post(core::WorkerEvent(stop));
  }
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
    failures_.fetch_add(1);
    tell_counters();
  }
  /// By a signal to this very thread: it goes no step further, and the whole process stops with it.
  void hit_by(core::FaultKind fault) override {
    page_.set_hit_by_chaos(true);
    ::raise(fault == core::FaultKind::kill_worker ? SIGKILL : SIGSTOP);
    page_.set_hit_by_chaos(false);
  }
  void replica_moment(const core::ReplicaMoment& moment) override { tell(moment); }
  void all_stopped() override {
    stopped_.store(true);
    tell_counters();
    tell(wire::SlowPullsTold{worker_.slow_pulls().list()});
    tell(core::effect::AllStopped{});
  }

  /// When they have changed. Any thread.
  void tell_counters() {
    const std::lock_guard lock(counters_mutex_);  // what is told later has been read later
    const wire::Counters now{0, worker_.pulls(), failures_.load(), worker_.frames_dropped()};
    if (now != std::exchange(counters_told_, now)) tell(now);
  }

  void begin_thread(unsigned thread) {
    runtime::use_hook_slot(&page_.slots[1 + thread]);
    thread_local const SignalStack stack;
  }

  // dataplane::Receiver
  void receive(core::Frame&& frame) override { worker_.receive(std::move(frame)); }
  void receive(const core::SealAsk& ask) override { worker_.receive(ask); }
  void receive(core::SealAck&& ack) override { worker_.receive(std::move(ack)); }

  static const core::Lease& lease_of(const process::SharedMemory& memory) {
    return *static_cast<const core::Lease*>(memory.address());
  }

  BeatPage& page_;
  const process::SharedMemory lease_memory_ = process::SharedMemory::map(
      process::Descriptor(kLeaseDescriptor), kLeasePageBytes, process::SharedMemory::Access::read);
  const core::JobId job_;
  const ChaosMemory ledger_;
  runtime::Chaos chaos_;
  std::optional<journal::LifeJournal> journal_;
  std::atomic<std::uint64_t> failures_{0};
  std::mutex counters_mutex_;
  wire::Counters counters_told_;  ///< guarded by counters_mutex_
  std::atomic<bool> stopped_{false};
  runtime::Executor executor_;
  dataplane::Plane plane_;
  runtime::WorkerActor worker_;
  wire::BodyJoiner<core::OutsideRequest> requests_;  ///< on the link's strand
  Link link_;
};

}  // namespace

int worker_main() {
  dataplane::keep_crypto_at_exit();
  // What the plugin starts shall not have them.
  for (const int own : {kLinkDescriptor, kBeatDescriptor, kChaosDescriptor, kLeaseDescriptor}) {
    ::fcntl(own, F_SETFD, FD_CLOEXEC);
  }
  // Mapped until the process ends.
  static const auto beats = process::SharedMemory::map(process::Descriptor(kBeatDescriptor), kBeatPageBytes,
                                                       process::SharedMemory::Access::read_write);
  BeatPage& page = BeatPage::in(beats);
  wire::MessageSplitter splitter;
  const auto setup = read_setup(splitter);
  if (!setup.has_value()) leave(ExitCode::stopped);
  runtime::log_start({setup->log_level, setup->log_format, setup->colour, nullptr, true});
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
    auto chaos = config::parse_chaos_text(setup->chaos);
    if (!chaos) cannot_start(chaos.error().code, chaos.error().text);
    plan = std::move(chaos->plan);
  }
  static const runtime::JobDescription description(topology);
  leave_last_words_in(page);
  const SignalStack stack;
  runtime::use_hook_slot(page.slots.data());
  auto library = plugin::Library::open(setup->plugin_file);
  if (!library) {
    const bool missing = library.error().file_missing;
    cannot_start(missing ? ExitCode::file_missing : ExitCode::plugin_refused, library.error().message());
  }
  {
    const runtime::InHook in_init(runtime::kNoTask, runtime::Hook::plugin_init);
    if (auto refusal = library->init(plugin::host_api(), description.job())) {
      cannot_start(ExitCode::plugin_refused, refusal->message());
    }
  }
  // Never destroyed: until the process ends, a thread of the plugin's own may answer a pull.
  static auto* const process = new WorkerProcess(page, *setup, topology, plan, library->plugin());
  process->run();
  {
    const runtime::InHook in_deinit(runtime::kNoTask, runtime::Hook::plugin_deinit);
    library->deinit();
  }
  end_children();
  return static_cast<int>(ExitCode::done);
}

}  // namespace taskgraph::processes
