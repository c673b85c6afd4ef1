/// The functions of tg_host_api as a PluginDriver gives them to its tasks. Part of plugin_driver.hpp, not for itself.
#pragma once

#include "tests/support/plugin_driver.hpp"

namespace taskgraph::tests {

inline const std::uint64_t* PluginDriver::neighbours(const tg_host* raw, tg_view name, std::size_t* count) {
  const PluginDriver& driver = *replica(raw).driver;
  const auto link = driver.find_link(name);
  *count = link ? driver.job_.links[*link].neighbours[replica(raw).id].size() : 0;
  return *count == 0 ? nullptr : driver.job_.links[*link].neighbours[replica(raw).id].data();
}

inline tg_status PluginDriver::raise_flag(tg_host* raw, tg_view name, tg_view meta) {
  Replica& r = replica(raw);
  const auto link = r.driver->find_link(name);
  if (!link) return TG_INVALID;
  r.asked.emplace_back([&r, flag = Flag{++r.driver->last_id_, *link, std::string(detail::view(meta))}] {
    r.driver->tasks_[r.id].flags.push_back(flag);
    r.driver->announce(r, flag);
  });
  return TG_OK;
}

inline tg_status PluginDriver::pull(tg_host* raw, std::uint64_t to, tg_view method, tg_buffer body, std::int64_t,
                                    tg_completion done, std::uint64_t* id) {
  Replica& r = replica(raw);
  Open open{to, r.epoch, std::string(detail::view(method)),
            std::string(body.data == nullptr ? "" : body.data, body.size), done};
  if (body.release != nullptr) body.release(body.owner);
  if (to >= r.driver->tasks_.size()) return TG_INVALID;
  const std::uint64_t name = ++r.driver->last_id_;
  if (id != nullptr) *id = name;
  if (r.driver->tasks_[to].replica != nullptr) {
    r.asked.emplace_back([&r, to, frame = request(name, open)] {
      if (r.driver->tasks_[to].replica != nullptr) r.driver->channel(r.id, to).push_back(frame);
    });
  }
  r.pulls.emplace(name, std::move(open));
  return TG_OK;
}

inline tg_status PluginDriver::cancel(tg_host* raw, std::uint64_t id) {
  Replica& r = replica(raw);
  r.asked.emplace_back([&r, id] { r.driver->end_pull(r, id, TG_OUTCOME_CANCELLED, 0, ""); });
  return TG_OK;
}

inline tg_status PluginDriver::advance_epoch(tg_host* raw, std::uint64_t from) {
  Replica& r = replica(raw);
  r.asked.emplace_back([&driver = *r.driver, id = r.id, from] {
    driver.coordinator_.emplace_back(id, [&driver, from] { driver.epoch_ += driver.epoch_ == from ? 1 : 0; });
  });
  return TG_OK;
}

inline tg_status PluginDriver::finish_job(tg_host* raw, tg_job_status status, tg_view result) {
  Replica& r = replica(raw);
  r.asked.emplace_back([&driver = *r.driver, id = r.id, ended = Finished{status, std::string(detail::view(result))}] {
    driver.coordinator_.emplace_back(id, [&driver, ended] { driver.finished_ = ended; });
  });
  return TG_OK;
}

inline tg_status PluginDriver::after(tg_host* raw, std::int64_t delay, tg_continuation run) {
  replica(raw).timers.emplace(replica(raw).driver->now_ + delay, run);
  return TG_OK;
}

inline const tg_host_api PluginDriver::kApi = {
    .struct_size = sizeof(tg_host_api),
    .abi_major = TG_ABI_MAJOR,
    .abi_minor = TG_ABI_MINOR,
    .task_id = [](const tg_host* h) { return replica(h).id; },
    .term = [](const tg_host* h) { return replica(h).term; },
    .epoch = [](const tg_host* h) { return replica(h).epoch; },
    .role = [](const tg_host*) { return TG_ROLE_PRIMARY; },
    .neighbours = neighbours,
    .raise_flag = raise_flag,
    .pull = pull,
    .cancel = cancel,
    .advance_epoch = advance_epoch,
    .finish_job = finish_job,
    .after = after,
    .post = [](tg_host* h, tg_continuation run) { return after(h, 0, run); },
    .now = [](const tg_host* h) { return replica(h).driver->now_; },
    .random = [](tg_host* h) -> std::uint64_t { return replica(h).driver->random_(); },
    .log = [](const tg_host*, tg_log_level, tg_view) {},
    .reply =
        [](tg_pull* p, tg_buffer body) {
          end_serving(p, TG_OUTCOME_VALUE, 0, std::string(body.data == nullptr ? "" : body.data, body.size));
          if (body.release != nullptr) body.release(body.owner);
        },
    .refuse = [](tg_pull* p, std::int32_t code,
                 tg_view text) { end_serving(p, TG_OUTCOME_ERROR, code, std::string(detail::view(text))); },
    .extension = [](const tg_host*, tg_view) -> const void* { return nullptr; },
    .life = [](const tg_host*) { return detail::view("11111111-2222-3333-4444-555555555555"); },
};

}  // namespace taskgraph::tests
