/// Reads the headers of a plugin file before the dynamic loader may: a truncated library kills a process inside dlopen
/// by SIGBUS, and the loader's words for a foreign machine are its own. Reads by pread with every offset checked
/// against the file's size; no field of the file is trusted; never maps it and never runs any of it.
#pragma once

#include <optional>
#include <string>

namespace taskgraph::plugin {

/// Whether the file's dynamic symbol table defines a name. `unknown`: it has no section headers to find the table by
/// (sstrip), or the table is damaged or above the limits; then only the loader can tell.
enum class Exported { no, yes, unknown };

/// What the headers of a file say.
struct ElfReport {
  /// The reason for a refusal at step 1; empty when the loader may see the file.
  std::optional<std::string> defect;
  /// Of the symbol that was asked for; `unknown` with a defect.
  Exported symbol = Exported::unknown;
};

/// Checks the regular file open for reading at `fd`: a whole 64-bit ELF shared object for this machine, whose header
/// tables and segments lie inside it. Does not move the file offset. Memory: at most 21 MiB.
ElfReport check_elf(int fd, const char* symbol);

}  // namespace taskgraph::plugin
