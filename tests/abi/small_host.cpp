#include "tests/abi/small_host.hpp"

#include <algorithm>
#include <cstdlib>
#include <stdexcept>
#include <utility>

namespace {

std::string_view text_of(tg_view view) {
  return view.size == 0 ? std::string_view{} : std::string_view(view.data, view.size);
}
std::string text_of(const tg_error& error) {
  return {error.text, std::min<std::size_t>(error.size, TG_ERROR_BYTES_MAX)};
}
tg_view view_of(std::string_view text) {
  return {text.data(), text.size()};
}
bool all_digits(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

/// The functions of the tg_host_api; what they ask for waits in the queue until the hook has returned.
struct Api {
  static std::uint64_t task_id(const tg_host* at) { return at->id; }
  static std::uint64_t term(const tg_host*) { return 1; }
  static std::uint64_t epoch(const tg_host* at) { return at->host->epoch; }
  static tg_role role(const tg_host*) { return TG_ROLE_PRIMARY; }
  static const std::uint64_t* neighbours(const tg_host* at, tg_view link, std::size_t* count) {
    *count = text_of(link) == "next" ? at->neighbours.size() : 0;
    return *count == 0 ? nullptr : at->neighbours.data();
  }
  static tg_status raise_flag(tg_host* at, tg_view link, tg_view meta) {
    if (text_of(link) != "next") return TG_INVALID;
    SmallHost& host = *at->host;
    for (const std::uint64_t to : at->neighbours) {
      host.enqueue([&host, to, from = at->id, kept = std::string(text_of(meta)), epoch = host.epoch] {
        if (epoch != host.epoch) return;
        tg_error error{};
        const tg_task& task = host.replicas_[to]->task;
        host.hook(task.hooks->flag_raised(task.object, from, view_of("next"), view_of(kept), &error), error);
      });
    }
    return TG_OK;
  }
  static tg_status pull(tg_host* at, std::uint64_t to, tg_view method, tg_buffer body, std::int64_t, tg_completion done,
                        std::uint64_t* pull_id) {
    SmallHost& host = *at->host;
    const auto release = [body, &host] {
      if (body.release != nullptr) body.release(body.owner);
      --host.bodies_open;
    };
    ++host.bodies_open;
    if (to >= host.replicas_.size()) {
      release();
      return TG_INVALID;
    }
    tg_pull* const pull = host.pulls_.emplace_back(new tg_pull{&host, at, done, host.epoch, false}).get();
    if (pull_id != nullptr) *pull_id = host.pulls_.size();
    host.enqueue([&host, pull, to, from = at->id, name = std::string(text_of(method)), body, release] {
      tg_error error{};
      const tg_task& task = host.replicas_[to]->task;
      host.hook(task.hooks->serve(task.object, pull, from, view_of(name), {body.data, body.size}, &error), error);
      release();
    });
    return TG_OK;
  }
  static tg_status cancel(tg_host*, std::uint64_t) { return TG_INVALID; }
  static tg_status advance_epoch(tg_host* at, std::uint64_t from) {
    SmallHost& host = *at->host;
    if (from > host.epoch) return TG_INVALID;
    host.enqueue([&host, from] {
      if (from != host.epoch) return;
      ++host.epoch;
      host.enter_epochs();
    });
    return TG_OK;
  }
  static tg_status finish_job(tg_host* at, tg_job_status, tg_view result) {
    at->host->result = std::string(text_of(result));
    return TG_OK;
  }
  static tg_status after(tg_host* at, std::int64_t, tg_continuation then) { return post(at, then); }
  static tg_status post(tg_host* at, tg_continuation then) {
    SmallHost& host = *at->host;
    host.enqueue([&host, then] {
      tg_error error{};
      host.hook(then.run(then.owner, &error), error);
    });
    return TG_OK;
  }
  static std::int64_t now(const tg_host*) { return 0; }
  static std::uint64_t random(tg_host*) { return 4; }
  static void log(const tg_host*, tg_log_level, tg_view) {}
  static void reply(tg_pull* pull, tg_buffer body) {
    ++pull->host->bodies_open;
    pull->host->answer(pull, TG_OUTCOME_VALUE, TG_CODE_NONE, body);
  }
  static void refuse(tg_pull* pull, std::int32_t code, tg_view text) {
    // The text is borrowed: it becomes a buffer of the host's own.
    auto* const kept = new std::string(text_of(text));
    ++pull->host->bodies_open;
    pull->host->answer(
        pull, TG_OUTCOME_ERROR, code,
        {kept->data(), kept->size(), [](void* owner) { delete static_cast<std::string*>(owner); }, kept});
  }
  static const void* extension(const tg_host*, tg_view) { return nullptr; }
  static tg_view life(const tg_host*) { return view_of("00000000-0000-0000-0000-000000000001"); }
};

namespace {

constexpr tg_host_api kApi{
    sizeof(tg_host_api), TG_ABI_MAJOR,    TG_ABI_MINOR,    Api::task_id, Api::term,   Api::epoch,
    Api::role,           Api::neighbours, Api::raise_flag, Api::pull,    Api::cancel, Api::advance_epoch,
    Api::finish_job,     Api::after,      Api::post,       Api::now,     Api::random, Api::log,
    Api::reply,          Api::refuse,     Api::extension,  Api::life};

}  // namespace

SmallHost::SmallHost(const tg_plugin& plugin, std::uint64_t tasks, const std::map<std::string, std::string>& args)
    : plugin_(plugin), texts_(args) {
  for (const auto& [name, value] : texts_) {
    const bool number = all_digits(value);
    args_.push_back({view_of(name), number ? TG_ARG_INTEGER : TG_ARG_TEXT, view_of(value),
                     number ? std::atoll(value.c_str()) : 0, number ? std::atof(value.c_str()) : 0});
  }
  job_ = {sizeof(tg_job), static_cast<std::uint32_t>(args_.size()), args_.data(), view_of(name_), view_of("{}"), tasks,
          view_of("/")};
}

SmallHost::~SmallHost() {
  for (const auto& at : replicas_) {
    if (at->task.hooks->exit != nullptr) at->task.hooks->exit(at->task.object, TG_EXIT_JOB_ENDED);
    at->task.hooks->destroy(at->task.object);
  }
  if (plugin_.deinit != nullptr) plugin_.deinit();
}

std::string SmallHost::init() {
  tg_error error{};
  return plugin_.init(&kApi, &job_, &error) == TG_OK ? "" : text_of(error);
}

void SmallHost::run(int steps_max) {
  for (std::uint64_t id = 0; id < job_.task_count; ++id) {
    const std::uint64_t count = job_.task_count;
    std::vector<std::uint64_t> around{(id + count - 1) % count, (id + 1) % count};
    std::sort(around.begin(), around.end());
    around.erase(std::unique(around.begin(), around.end()), around.end());
    around.erase(std::remove(around.begin(), around.end(), id), around.end());
    replicas_.emplace_back(new tg_host{this, id, std::move(around), {}});
    tg_error error{};
    hook(plugin_.create_task(id, replicas_.back().get(), &replicas_.back()->task, &error), error);
  }
  enter_epochs();
  drain(steps_max);
}

Ended SmallHost::pull(std::uint64_t to, std::string_view method) {
  Ended ended;
  const tg_completion done{[](void* owner, tg_outcome outcome, std::int32_t code, tg_view body, tg_error*) {
                             Ended& out = *static_cast<Ended*>(owner);
                             ++out.calls;
                             out.outcome = outcome;
                             out.code = code;
                             out.body = std::string(text_of(body));
                             return TG_OK;
                           },
                           [](void*) {}, &ended};
  const tg_status status = Api::pull(replicas_.at(0).get(), to, view_of(method), {}, 0, done, nullptr);
  if (status != TG_OK) throw std::logic_error("there is no such task");
  drain(1'000);
  return ended;
}

void SmallHost::drain(int steps_max) {
  for (int steps = 0; !queue_.empty(); ++steps) {
    if (steps == steps_max) throw std::runtime_error("the job does not come to rest");
    const std::function<void()> step = std::move(queue_.front());
    queue_.pop_front();
    step();
  }
}

void SmallHost::enter_epochs() {
  for (const auto& at : replicas_) {
    tg_error error{};
    if (at->task.hooks->enter_epoch != nullptr)
      hook(at->task.hooks->enter_epoch(at->task.object, epoch, &error), error);
  }
}

void SmallHost::hook(tg_status status, const tg_error& error) {
  if (status != TG_OK) failures.push_back(text_of(error));
}

void SmallHost::answer(tg_pull* pull, tg_outcome outcome, std::int32_t code, tg_buffer body) {
  const auto release = [this, body] {
    if (body.release != nullptr) body.release(body.owner);
    --bodies_open;
  };
  if (std::exchange(pull->answered, true)) {
    ++answers_too_many;
    release();
    return;
  }
  enqueue([this, pull, outcome, code, body, release] {
    tg_error error{};
    const bool passed = pull->epoch != epoch;
    hook(pull->done.run(pull->done.owner, passed ? TG_OUTCOME_EPOCH_PASSED : outcome, code,
                        passed ? tg_view{} : tg_view{body.data, body.size}, &error),
         error);
    release();
  });
}
