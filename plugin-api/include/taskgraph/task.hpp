/// The C++ layer of the plugin API: derive from Task, make them in a TaskBuilder, export that with TASKGRAPH_PLUGIN
/// (export.hpp). Header-only over abi.h; needs a C++20 compiler and nothing else.
///
/// Threads: all hooks of one replica run on its strand, so they never overlap and need no lock among themselves;
/// replicas of different tasks run in parallel. Hooks never re-enter the host: what a hook asks for happens after it
/// returned. Errors: a hook that throws fails its replica with the text of what(); the task is restarted by the
/// `restart` policy.
#pragma once

#include <taskgraph/abi.h>

#include <chrono>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace taskgraph {

using TaskId = std::uint64_t;
using Term = std::uint64_t;
using Epoch = std::uint64_t;
using Duration = std::chrono::nanoseconds;

enum class Role { none = TG_ROLE_NONE, primary = TG_ROLE_PRIMARY, backup = TG_ROLE_BACKUP };
enum class Origin { fresh = TG_ORIGIN_FRESH, caught_up = TG_ORIGIN_CAUGHT_UP, restored = TG_ORIGIN_RESTORED };
enum class NeighbourChange { failed = TG_NEIGHBOUR_FAILED, restarted = TG_NEIGHBOUR_RESTARTED };
enum class JobStatus { done = TG_JOB_DONE, failed = TG_JOB_FAILED };
enum class LogLevel { debug = TG_LOG_DEBUG, info = TG_LOG_INFO, warning = TG_LOG_WARNING, error = TG_LOG_ERROR };
enum class ExitReason { job_ended = TG_EXIT_JOB_ENDED, drain = TG_EXIT_DRAIN, replaced = TG_EXIT_REPLACED };
enum class Outcome {
  value = TG_OUTCOME_VALUE,
  error = TG_OUTCOME_ERROR,
  peer_lost = TG_OUTCOME_PEER_LOST,
  epoch_passed = TG_OUTCOME_EPOCH_PASSED,
  cancelled = TG_OUTCOME_CANCELLED,
  deadline = TG_OUTCOME_DEADLINE
};
/// Codes of Outcome::error; a task's own start at TG_CODE_USER.
enum class Code : std::int32_t {
  none = TG_CODE_NONE,
  unavailable = TG_CODE_UNAVAILABLE,
  no_such_method = TG_CODE_NO_SUCH_METHOD,
  busy = TG_CODE_BUSY,
  too_large = TG_CODE_TOO_LARGE,
  failed = TG_CODE_FAILED,
  answer_too_large = TG_CODE_ANSWER_TOO_LARGE
};
enum class [[nodiscard]] Status{ok = TG_OK,     failed = TG_FAILED,           invalid = TG_INVALID,
                                busy = TG_BUSY, not_primary = TG_NOT_PRIMARY, exited = TG_EXITED};

namespace detail {
inline tg_view view(std::string_view text) noexcept {
  return {text.data(), text.size()};
}
inline std::string_view view(tg_view v) noexcept {
  return v.size == 0 ? std::string_view{} : std::string_view(v.data, v.size);
}
/// The host's functions; set before `init` of the plugin, never changed after.
inline const tg_host_api* api = nullptr;
}  // namespace detail

/// Bytes handed to the host without a copy: moved in from a std::string, from a vector of a trivially copyable type
/// (its bytes in memory order, this machine's endianness), shared with the task, so that it can give the same to many,
/// or copied from a string_view.
class Buffer {
 public:
  Buffer() noexcept : raw_{nullptr, 0, nullptr, nullptr} {}
  Buffer(std::string bytes) : Buffer(own(std::move(bytes))) {}
  Buffer(std::string_view bytes) : Buffer(std::string(bytes)) {}
  Buffer(const char* text) : Buffer(std::string(text)) {}
  template <typename T>
  requires std::is_trivially_copyable_v<T> Buffer(std::vector<T> values) : Buffer(own(std::move(values))) {}
  /// The last reference may be dropped by any thread.
  Buffer(std::shared_ptr<const std::string> shared) : Buffer(share(std::move(shared))) {}

  Buffer(Buffer&& other) noexcept : raw_(std::exchange(other.raw_, tg_buffer{nullptr, 0, nullptr, nullptr})) {}
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(raw_, other.raw_);  // the old bytes go with `other`
    return *this;
  }
  ~Buffer() {
    if (raw_.release != nullptr) raw_.release(raw_.owner);
  }

  std::string_view bytes() const noexcept { return detail::view(tg_view{raw_.data, raw_.size}); }
  /// Gives the bytes up to whoever calls `release` of the result.
  tg_buffer release() noexcept { return std::exchange(raw_, tg_buffer{nullptr, 0, nullptr, nullptr}); }

 private:
  explicit Buffer(tg_buffer raw) noexcept : raw_(raw) {}

  template <typename Container>
  static tg_buffer own(Container values) {
    if (values.empty()) return {nullptr, 0, nullptr, nullptr};
    auto* owner = new Container(std::move(values));
    return {reinterpret_cast<const char*>(owner->data()), owner->size() * sizeof(*owner->data()),
            [](void* p) { delete static_cast<Container*>(p); }, owner};
  }
  static tg_buffer share(std::shared_ptr<const std::string> shared) {
    using Owner = std::shared_ptr<const std::string>;
    if (shared == nullptr || shared->empty()) return {nullptr, 0, nullptr, nullptr};
    auto* owner = new Owner(std::move(shared));
    return {(*owner)->data(), (*owner)->size(), [](void* p) { delete static_cast<Owner*>(p); }, owner};
  }

  tg_buffer raw_;
};

/// Reads bytes that came as a vector<T> from another task of this job; throws std::length_error when the size does not
/// fit.
template <typename T>
requires std::is_trivially_copyable_v<T> std::vector<T> values_of(std::string_view bytes) {
  if (bytes.size() % sizeof(T) != 0) {
    throw std::length_error("values_of: " + std::to_string(bytes.size()) + " bytes are no whole number of " +
                            std::to_string(sizeof(T)) + "-byte values");
  }
  std::vector<T> values(bytes.size() / sizeof(T));
  if (!values.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

/// How a pull ended. `body` is the bytes of a value or the text of an error, borrowed for the call.
struct Answer {
  Outcome outcome;
  Code code;
  std::string_view body;
  bool ok() const noexcept { return outcome == Outcome::value; }
};

/// Pull::from of those who are no tasks.
inline constexpr TaskId kFromOutside = TG_FROM_OUTSIDE;

/// A pull to be answered: now, later, from any thread. Move-only; dropped unanswered it answers Code::unavailable.
class Pull {
 public:
  Pull() noexcept = default;
  Pull(tg_pull* raw, TaskId from, std::string_view method, std::string_view body) noexcept
      : raw_(raw), from_(from), method_(method), body_(body) {}
  Pull(Pull&& other) noexcept
      : raw_(std::exchange(other.raw_, nullptr)), from_(other.from_), method_(other.method_), body_(other.body_) {}
  Pull& operator=(Pull&& other) noexcept {
    std::swap(raw_, other.raw_);
    from_ = other.from_;
    method_ = other.method_;
    body_ = other.body_;
    return *this;
  }
  ~Pull() {
    if (raw_ != nullptr)
      detail::api->refuse(std::exchange(raw_, nullptr), TG_CODE_UNAVAILABLE, detail::view("dropped unanswered"));
  }

  /// The task that pulls, or kFromOutside.
  TaskId from() const noexcept { return from_; }
  /// By somebody who is no task (people, curl, other programs). Such a pull belongs to no epoch: it stays open when one
  /// ends, and is to be answered in whichever epoch the task has come to.
  bool is_from_outside() const noexcept { return from_ == kFromOutside; }
  /// Both are valid only until the `serve` hook returns: copy what a later answer needs.
  std::string_view method() const noexcept { return method_; }
  std::string_view body() const noexcept { return body_; }
  /// False once it was answered or moved from.
  explicit operator bool() const noexcept { return raw_ != nullptr; }

  /// Any thread. A second answer of one pull throws std::logic_error.
  void reply(Buffer body) { detail::api->reply(take(), body.release()); }
  void refuse(Code code, std::string_view text) { refuse(static_cast<std::int32_t>(code), text); }
  void refuse(std::int32_t code, std::string_view text) { detail::api->refuse(take(), code, detail::view(text)); }

 private:
  tg_pull* take() {
    if (raw_ == nullptr) throw std::logic_error("this pull was answered already");
    return std::exchange(raw_, nullptr);
  }

  tg_pull* raw_ = nullptr;
  TaskId from_ = 0;
  std::string_view method_;
  std::string_view body_;
};

/// What a task may ask of its host: a thin handle, valid from the task's creation until its `exit` hook has returned.
/// On the task's strand only, but for `task_id`, `now`, `log` and `post`.
class Host {
 public:
  explicit Host(tg_host* raw) noexcept : raw_(raw) {}

  TaskId task_id() const noexcept { return api().task_id(raw_); }
  /// Fencing token of this task's primaryship: give it to external systems that can compare; 0 for a backup.
  Term term() const noexcept { return api().term(raw_); }
  Epoch epoch() const noexcept { return api().epoch(raw_); }
  Role role() const noexcept { return static_cast<Role>(api().role(raw_)); }
  /// Neighbours on `link` in this epoch by rising id; empty when there is no such link. Valid until the hook returns.
  std::span<const TaskId> neighbours(std::string_view link) const noexcept {
    std::size_t count = 0;
    const std::uint64_t* ids = api().neighbours(raw_, detail::view(link), &count);
    return {ids, count};
  }

  /// Notifies all neighbours on `link` of something small. Each gets it once per replica life while this epoch lasts.
  /// invalid: no such link, or meta over limits.flag_bytes; busy: limits.flags_per_epoch reached.
  Status raise_flag(std::string_view link, std::string_view meta = {}) {
    return static_cast<Status>(api().raise_flag(raw_, detail::view(link), detail::view(meta)));
  }

  /// Asks task `to`; `on_done(const Answer&)` runs once on this strand, at the latest at the deadline (0: the
  /// topology's limits.pull_deadline), and is destroyed uncalled when this replica ends first. A limit arrives as an
  /// Answer with Code::busy or Code::too_large, and the pull did not run; Code::answer_too_large: it did. Throws
  /// std::invalid_argument for a task that does not exist, std::logic_error from a backup.
  template <std::invocable<const Answer&> F>
  std::uint64_t pull(TaskId to, std::string_view method, Buffer body, F on_done, Duration deadline = Duration::zero());
  /// Ends a pull early: its outcome becomes `cancelled` unless it has one. Does nothing when `on_done` has run.
  void cancel(std::uint64_t pull_id) noexcept { api().cancel(raw_, pull_id); }

  /// Asks for epoch from + 1; when that stands already, nothing happens. Repeated until it is known to stand.
  Status advance_epoch(Epoch from) { return static_cast<Status>(api().advance_epoch(raw_, from)); }
  /// Ends the job for all; `result_json` at most 256 KiB. invalid: no JSON object, or too large.
  Status finish_job(JobStatus status, std::string_view result_json = "{}") {
    return static_cast<Status>(api().finish_job(raw_, static_cast<tg_job_status>(status), detail::view(result_json)));
  }

  /// Runs `fn()` on this strand after `delay`; it outlives epochs, so compare epoch() where that matters.
  template <std::invocable F>
  Status after(Duration delay, F fn);
  /// Runs `fn()` on this strand; from any thread.
  template <std::invocable F>
  Status post(F fn);

  /// Monotonic time; simulated in a simulation, as `random` is.
  Duration now() const noexcept { return Duration(api().now(raw_)); }
  std::uint64_t random() noexcept { return api().random(raw_); }
  void log(LogLevel level, std::string_view text) const noexcept {
    api().log(raw_, static_cast<tg_log_level>(level), detail::view(text));
  }
  /// The uuid of the worker process' life that this replica belongs to.
  std::string_view life() const noexcept { return detail::view(api().life(raw_)); }

  tg_host* raw() const noexcept { return raw_; }

 private:
  static const tg_host_api& api() noexcept { return *detail::api; }

  tg_host* raw_;
};

/// One replica of a task. All hooks do nothing unless overridden; all but the last run on the replica's strand only, in
/// this order: init; became_primary or became_backup; enter_epoch; then that epoch's flags and pulls.
class Task {
 public:
  explicit Task(Host host) noexcept : host_(host) {}
  virtual ~Task() = default;
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;

  virtual void init() {}
  /// `fresh`: without the state of the primary before it; ask the neighbours for what is needed.
  virtual void became_primary(Term /*term*/, Origin /*origin*/) {}
  virtual void became_backup() {}
  /// Primary only. No hook for an earlier epoch starts after it; tasks' pulls of earlier epochs have ended by now, and
  /// those from outside go on.
  virtual void enter_epoch(Epoch /*epoch*/) {}
  /// A neighbour raised a flag; `link` is this task's own name of the link. Views are borrowed for the call.
  virtual void flag_raised(TaskId /*from*/, std::string_view /*link*/, std::string_view /*meta*/) {}
  /// A task pulls, or somebody outside (Pull::is_from_outside). Keep `pull` to answer later.
  virtual void serve(Pull pull) { pull.refuse(Code::no_such_method, "this task serves nothing"); }
  virtual void neighbour_changed(TaskId /*neighbour*/, std::string_view /*link*/, NeighbourChange /*change*/) {}
  /// The last hook: save what is to be saved (at most 10 s for the whole host). Not called when the replica was killed.
  virtual void exit(ExitReason /*reason*/) noexcept {}

 protected:
  Host& host() noexcept { return host_; }
  const Host& host() const noexcept { return host_; }

 private:
  Host host_;
};

/// The arguments of the plugin (`plugin.args` of the topology file), by dotted name: {"a": {"b": [7]}} is "a.b.0".
class Args {
 public:
  explicit Args(const tg_job& job) noexcept : args_(job.args, job.arg_count), json_(detail::view(job.args_json)) {}

  bool has(std::string_view name) const noexcept { return find(name) != nullptr; }
  /// Each throws std::invalid_argument naming the argument when it is there with another kind, or (without a default)
  /// when it is missing: from TaskBuilder's constructor that refuses the plugin with this text.
  std::string text(std::string_view name) const {
    return std::string(detail::view(need(name, TG_ARG_TEXT, "a string").text));
  }
  std::string text(std::string_view name, std::string_view otherwise) const {
    return has(name) ? text(name) : std::string(otherwise);
  }
  std::int64_t integer(std::string_view name) const { return need(name, TG_ARG_INTEGER, "a whole number").integer; }
  std::int64_t integer(std::string_view name, std::int64_t otherwise) const {
    return has(name) ? integer(name) : otherwise;
  }
  double number(std::string_view name) const { return need(name, TG_ARG_NUMBER, "a number").number; }
  double number(std::string_view name, double otherwise) const { return has(name) ? number(name) : otherwise; }
  bool boolean(std::string_view name) const { return need(name, TG_ARG_BOOLEAN, "true or false").integer != 0; }
  bool boolean(std::string_view name, bool otherwise) const { return has(name) ? boolean(name) : otherwise; }
  /// Throws std::invalid_argument for the first argument that is not among `known`: a misspelt name is never ignored.
  void allow_only(std::initializer_list<std::string_view> known) const {
    for (const tg_arg& arg : args_) {
      bool found = false;
      for (std::string_view name : known) found = found || name == detail::view(arg.name);
      if (found) continue;
      std::string list;
      for (std::string_view name : known) list.append(" ").append(name);
      throw std::invalid_argument("unknown argument \"" + std::string(detail::view(arg.name)) + "\" (known:" + list +
                                  ")");
    }
  }
  /// All of them as compact JSON.
  std::string_view json() const noexcept { return json_; }

 private:
  const tg_arg* find(std::string_view name) const noexcept {
    for (const tg_arg& arg : args_) {
      if (detail::view(arg.name) == name) return &arg;
    }
    return nullptr;
  }
  const tg_arg& need(std::string_view name, tg_arg_kind kind, const char* expected) const {
    const tg_arg* arg = find(name);
    if (arg == nullptr)
      throw std::invalid_argument("argument \"" + std::string(name) + "\" is missing; expected " + expected);
    const bool fits = arg->kind == kind || (kind == TG_ARG_NUMBER && arg->kind == TG_ARG_INTEGER);
    if (!fits) {
      throw std::invalid_argument("argument \"" + std::string(name) + "\" is " + std::string(detail::view(arg->text)) +
                                  "; expected " + expected);
    }
    return *arg;
  }

  std::span<const tg_arg> args_;
  std::string_view json_;
};

/// What a plugin learns of its job, once, before any task.
struct Job {
  std::string_view name;
  std::uint64_t task_count;
  std::string_view directory;  ///< of the topology file, absolute; relative paths in args start here
  Args args;
};

/// Makes the tasks. One object per process, constructed on the main thread with a `const Job&`; throwing there refuses
/// the plugin with the text. `build` is called on the new replica's strand, for different tasks in parallel.
class TaskBuilder {
 public:
  virtual ~TaskBuilder() = default;
  virtual std::unique_ptr<Task> build(TaskId id, Host host) = 0;
};

namespace detail {

inline void set_error(tg_error* error, std::string_view text) noexcept {
  if (error == nullptr) return;
  error->size = text.size() < TG_ERROR_BYTES_MAX ? text.size() : TG_ERROR_BYTES_MAX;
  if (error->size != 0) std::memcpy(error->text, text.data(), error->size);
}

/// Runs user code below a C function: nothing that it throws passes the border.
template <typename F>
tg_status guarded(tg_error* error, F&& call) noexcept {
  try {
    call();
    return TG_OK;
  } catch (const std::exception& e) {
    set_error(error, e.what());
  } catch (...) {
    set_error(error, "something that is no std::exception");
  }
  return TG_FAILED;
}

template <typename F>
tg_continuation continuation(F fn) {
  return {[](void* owner, tg_error* error) noexcept {
            const std::unique_ptr<F> call(static_cast<F*>(owner));
            return guarded(error, *call);
          },
          [](void* owner) { delete static_cast<F*>(owner); }, new F(std::move(fn))};
}

template <typename F>
tg_completion completion(F fn) {
  return {[](void* owner, tg_outcome outcome, std::int32_t code, tg_view body, tg_error* error) noexcept {
            const std::unique_ptr<F> call(static_cast<F*>(owner));
            const Answer answer{static_cast<Outcome>(outcome), static_cast<Code>(code), view(body)};
            return guarded(error, [&] { (*call)(answer); });
          },
          [](void* owner) { delete static_cast<F*>(owner); }, new F(std::move(fn))};
}

}  // namespace detail

template <std::invocable<const Answer&> F>
std::uint64_t Host::pull(TaskId to, std::string_view method, Buffer body, F on_done, Duration deadline) {
  const tg_completion done = detail::completion(std::move(on_done));
  std::uint64_t id = 0;
  const tg_status status = api().pull(raw_, to, detail::view(method), body.release(), deadline.count(), done, &id);
  if (status == TG_OK) return id;
  done.drop(done.owner);
  if (status == TG_NOT_PRIMARY) throw std::logic_error("pull: only a primary pulls");
  if (status == TG_INVALID) throw std::invalid_argument("pull: there is no task " + std::to_string(to));
  return 0;  // this replica is ending, and its outcomes with it
}

template <std::invocable F>
Status Host::after(Duration delay, F fn) {
  const tg_continuation later = detail::continuation(std::move(fn));
  const tg_status status = api().after(raw_, delay.count(), later);
  if (status != TG_OK) later.drop(later.owner);
  return static_cast<Status>(status);
}

template <std::invocable F>
Status Host::post(F fn) {
  const tg_continuation later = detail::continuation(std::move(fn));
  const tg_status status = api().post(raw_, later);
  if (status != TG_OK) later.drop(later.owner);
  return static_cast<Status>(status);
}

}  // namespace taskgraph
