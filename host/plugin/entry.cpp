#include "host/plugin/entry.hpp"

#include <cstddef>
#include <cstring>

#include <fmt/format.h>

namespace taskgraph::plugin {
namespace {

constexpr std::uint32_t kFixedBytes = 16;  // magic, abi_major, abi_minor, struct_size: the same in every version
static_assert(offsetof(tg_plugin, struct_size) + sizeof(std::uint32_t) == kFixedBytes);

/// sizeof(tg_plugin) of ABI 1.0. A later minor that appends fields adds its own size here, and `minor` below chooses.
constexpr std::uint32_t kBytesOf10 = 72;
static_assert(sizeof(tg_plugin) >= kBytesOf10);

/// The same of tg_task_hooks, which has no version of its own.
constexpr std::uint32_t kHooksBytesOf10 = 80;
static_assert(offsetof(tg_task_hooks, destroy) + sizeof(tg_task_hooks::destroy) == kHooksBytesOf10);

std::string text(AbiVersion version) {
  return fmt::format("{}.{}", version.major, version.minor);
}

std::string text(const AbiWindow& window) {
  if (window.lowest == window.highest) return text(window.lowest);
  return fmt::format("{} to {}", text(window.lowest), text(window.highest));
}

std::string releases(const AbiWindow& window) {
  return fmt::format("taskgraph {}.x", window.highest.major);
}

bool speaks(const AbiWindow& window, AbiVersion version) {
  return window.lowest <= version && version <= window.highest;
}

/// The eight bytes as they stand in memory.
std::string ascii(std::uint64_t magic) {
  char bytes[sizeof(magic)];
  std::memcpy(bytes, &magic, sizeof(magic));
  std::string out;
  for (const char c : bytes) out += c >= 0x20 && c < 0x7f ? c : '.';
  return out;
}

/// The pointer that lies `offset` bytes behind `base`, as "is there"; data and function pointers have one size and one
/// null here.
bool pointer_set(const unsigned char* base, std::size_t offset, std::uint32_t struct_size) {
  if (offset + sizeof(void*) > struct_size) return false;
  const void* value = nullptr;
  std::memcpy(&value, base + offset, sizeof(value));
  return value != nullptr;
}

std::optional<StepRefusal> judge_struct(const EntryFacts& facts, const AbiWindow& window) {
  if (facts.struct_size < kBytesOf10) {
    return StepRefusal{Step::abi,
                       fmt::format("its tg_plugin has {} bytes, plugin ABI {} needs at least {}; set struct_size to "
                                   "sizeof(tg_plugin) and rebuild it with the headers of {}",
                                   facts.struct_size, text(facts.abi), kBytesOf10, releases(window))};
  }
  const char* missing = !facts.has_name          ? "name"
                        : !facts.has_version     ? "version"
                        : !facts.has_init        ? "init"
                        : !facts.has_create_task ? "create_task"
                                                 : nullptr;
  if (missing == nullptr) return std::nullopt;
  return StepRefusal{Step::abi,
                     fmt::format("its tg_plugin.{} is NULL; every plugin gives name, version, init and create_task "
                                 "(TASKGRAPH_PLUGIN(...) does)",
                                 missing)};
}

}  // namespace

EntryFacts read_entry(const void* symbol, const AbiWindow& window) {
  EntryFacts facts;
  if (symbol == nullptr) return facts;
  const auto* base = static_cast<const unsigned char*>(symbol);
  facts.exported = true;
  std::memcpy(&facts.magic, base + offsetof(tg_plugin, magic), sizeof(facts.magic));
  if (facts.magic != TG_PLUGIN_MAGIC) return facts;
  std::memcpy(&facts.abi.major, base + offsetof(tg_plugin, abi_major), sizeof(facts.abi.major));
  std::memcpy(&facts.abi.minor, base + offsetof(tg_plugin, abi_minor), sizeof(facts.abi.minor));
  std::memcpy(&facts.struct_size, base + offsetof(tg_plugin, struct_size), sizeof(facts.struct_size));
  if (!speaks(window, facts.abi)) return facts;
  facts.has_name = pointer_set(base, offsetof(tg_plugin, name), facts.struct_size);
  facts.has_version = pointer_set(base, offsetof(tg_plugin, version), facts.struct_size);
  facts.has_init = pointer_set(base, offsetof(tg_plugin, init), facts.struct_size);
  facts.has_create_task = pointer_set(base, offsetof(tg_plugin, create_task), facts.struct_size);
  return facts;
}

std::string no_entry_reason() {
  return fmt::format("it exports no symbol \"{}\"; write TASKGRAPH_PLUGIN(YourTaskBuilder) once at file scope",
                     TG_PLUGIN_SYMBOL);
}

std::optional<StepRefusal> judge_entry(const EntryFacts& facts, const AbiWindow& window) {
  if (!facts.exported) return StepRefusal{Step::entry, no_entry_reason()};
  if (facts.magic != TG_PLUGIN_MAGIC) {
    return StepRefusal{
        Step::magic,
        fmt::format("its \"{}\" begins with {:#018x} (\"{}\"), a plugin with {:#018x} (\"{}\"); define "
                    "that symbol by TASKGRAPH_PLUGIN(...) only",
                    TG_PLUGIN_SYMBOL, facts.magic, ascii(facts.magic), TG_PLUGIN_MAGIC, ascii(TG_PLUGIN_MAGIC))};
  }
  if (!speaks(window, facts.abi)) {
    const char* newer = facts.abi > window.highest ? " or run a newer host" : "";
    return StepRefusal{Step::abi,
                       fmt::format("built for plugin ABI {}, this host speaks {}; rebuild it with the headers of {}{}",
                                   text(facts.abi), text(window), releases(window), newer)};
  }
  return judge_struct(facts, window);
}

std::optional<std::string> judge_hooks(const tg_task_hooks* hooks) {
  if (hooks == nullptr) return "create_task gave no hooks; tg_task.hooks may not be NULL";
  if (hooks->struct_size < kHooksBytesOf10) {
    return fmt::format("create_task gave tg_task_hooks of {} bytes, plugin ABI 1.0 has {}; set struct_size to sizeof",
                       hooks->struct_size, kHooksBytesOf10);
  }
  if (hooks->destroy == nullptr) {
    return "create_task gave no hook to destroy the task with; tg_task_hooks.destroy may not be NULL";
  }
  return std::nullopt;
}

}  // namespace taskgraph::plugin
