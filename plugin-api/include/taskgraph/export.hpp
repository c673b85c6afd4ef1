/// Exports a TaskBuilder as the plugin's one symbol. Once per plugin, in one source file, outside of any namespace:
///
///     TASKGRAPH_PLUGIN(MyBuilder);                              // a TaskBuilder with a constructor from const Job&
///     TASKGRAPH_PLUGIN(MyBuilder, .version = "1.2", .read_only_methods = {"whoami"});
#pragma once

#include <taskgraph/task.hpp>

#include <array>

namespace taskgraph {

/// What a plugin says of itself.
struct PluginInfo {
  const char* name = "";
  const char* version = "0";
  /// Methods that change nothing: they may be asked for by HTTP GET. At most 31.
  std::array<const char*, 32> read_only_methods{};
};

namespace detail {

inline Task& task(void* object) noexcept {
  return *static_cast<Task*>(object);
}

inline constexpr tg_task_hooks kHooks = {
    .struct_size = sizeof(tg_task_hooks),
    .init = [](void* o, tg_error* e) noexcept { return guarded(e, [&] { task(o).init(); }); },
    .became_primary =
        [](void* o, std::uint64_t term, tg_origin origin, tg_error* e) noexcept {
          return guarded(e, [&] { task(o).became_primary(term, static_cast<Origin>(origin)); });
        },
    .became_backup = [](void* o, tg_error* e) noexcept { return guarded(e, [&] { task(o).became_backup(); }); },
    .enter_epoch = [](void* o, std::uint64_t epoch,
                      tg_error* e) noexcept { return guarded(e, [&] { task(o).enter_epoch(epoch); }); },
    .flag_raised =
        [](void* o, std::uint64_t from, tg_view link, tg_view meta, tg_error* e) noexcept {
          return guarded(e, [&] { task(o).flag_raised(from, view(link), view(meta)); });
        },
    .serve =
        [](void* o, tg_pull* pull, std::uint64_t from, tg_view method, tg_view body, tg_error* e) noexcept {
          return guarded(e, [&] { task(o).serve(Pull(pull, from, view(method), view(body))); });
        },
    .neighbour_changed =
        [](void* o, std::uint64_t neighbour, tg_view link, tg_neighbour_change change, tg_error* e) noexcept {
          return guarded(
              e, [&] { task(o).neighbour_changed(neighbour, view(link), static_cast<NeighbourChange>(change)); });
        },
    .exit = [](void* o, tg_exit_reason reason) noexcept { task(o).exit(static_cast<ExitReason>(reason)); },
    .destroy = [](void* o) noexcept { delete &task(o); },
};

/// The functions behind tg_plugin for one TaskBuilder type; the builder lives from `init` to `deinit`.
template <std::derived_from<TaskBuilder> Builder>
struct Exported {
  static tg_status init(const tg_host_api* host_api, const tg_job* job, tg_error* error) noexcept {
    api = host_api;
    return guarded(error, [&] {
      const Job described{view(job->name), job->task_count, view(job->directory), Args(*job)};
      builder = std::make_unique<Builder>(described);
    });
  }
  static tg_status create_task(std::uint64_t id, tg_host* host, tg_task* out, tg_error* error) noexcept {
    return guarded(error, [&] {
      std::unique_ptr<Task> made = builder->build(id, Host(host));
      if (made == nullptr) throw std::runtime_error("TaskBuilder::build returned no task for id " + std::to_string(id));
      *out = {made.release(), &kHooks};
    });
  }
  static void deinit() noexcept { builder.reset(); }

  static inline std::unique_ptr<TaskBuilder> builder;
};

}  // namespace detail
}  // namespace taskgraph

// NOLINTNEXTLINE(cppcoreguidelines-macro-usage): the symbol must be a constant that is readable without running code.
#define TASKGRAPH_PLUGIN(Builder, ...)                                                                             \
  namespace taskgraph::detail {                                                                                    \
  static constexpr ::taskgraph::PluginInfo kPluginInfo{__VA_ARGS__};                                               \
  }                                                                                                                \
  extern "C" TG_EXPORT const tg_plugin taskgraph_plugin;                                                           \
  extern "C" const tg_plugin taskgraph_plugin = {                                                                  \
      .magic = TG_PLUGIN_MAGIC,                                                                                    \
      .abi_major = TG_ABI_MAJOR,                                                                                   \
      .abi_minor = TG_ABI_MINOR,                                                                                   \
      .struct_size = sizeof(tg_plugin),                                                                            \
      .name = ::taskgraph::detail::kPluginInfo.name[0] != '\0' ? ::taskgraph::detail::kPluginInfo.name : #Builder, \
      .version = ::taskgraph::detail::kPluginInfo.version,                                                         \
      .read_only_methods = ::taskgraph::detail::kPluginInfo.read_only_methods.data(),                              \
      .init = &::taskgraph::detail::Exported<Builder>::init,                                                       \
      .create_task = &::taskgraph::detail::Exported<Builder>::create_task,                                         \
      .deinit = &::taskgraph::detail::Exported<Builder>::deinit,                                                   \
      .extension = nullptr,                                                                                        \
  }
