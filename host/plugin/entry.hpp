/// Steps 3 to 5: judges what a plugin's exported symbol says of itself. Pure but for `read_entry`; any thread.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>

#include <taskgraph/abi.h>

#include "host/plugin/refusal.hpp"

namespace taskgraph::plugin {

struct AbiVersion {
  std::uint16_t major = 0;
  std::uint16_t minor = 0;
  friend constexpr auto operator<=>(const AbiVersion&, const AbiVersion&) = default;
};

/// The ABI versions that a host speaks, both ends included.
struct AbiWindow {
  AbiVersion lowest{1, 0};
  AbiVersion highest{TG_ABI_MAJOR, TG_ABI_MINOR};
};

/// What stands at the symbol. Trivially copyable, without pointers: the probe sends it as it is.
struct EntryFacts {
  std::uint64_t magic = 0;
  AbiVersion abi;
  std::uint32_t struct_size = 0;
  bool exported = false;  ///< false: no such symbol, and all else is 0
  // Whether the fields that no plugin may leave out are there; false, too, when struct_size does not reach them.
  bool has_name = false;
  bool has_version = false;
  bool has_init = false;
  bool has_create_task = false;
};

/// Reads the tg_plugin at `symbol` (nullptr: not exported). Reads no further than the first four fields, which never
/// move, when they do not name a tg_plugin of this window; the rest only as far as its struct_size reaches.
EntryFacts read_entry(const void* symbol, const AbiWindow& window = {});

struct StepRefusal {
  Step step;
  std::string reason;
};

/// The first of the steps entry, magic and abi that `facts` fail, if any.
std::optional<StepRefusal> judge_entry(const EntryFacts& facts, const AbiWindow& window = {});

/// What is wrong with the hooks that create_task gave; nothing when they can be called. Reads no further than their
/// struct_size reaches. Any thread.
std::optional<std::string> judge_hooks(const tg_task_hooks* hooks);

/// The reason for step 3.
std::string no_entry_reason();

}  // namespace taskgraph::plugin
