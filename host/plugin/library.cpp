#include "host/plugin/library.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <exception>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "host/plugin/elf_check.hpp"
#include "host/plugin/entry.hpp"
#include "host/plugin/exit_guard.hpp"
#include "host/plugin/loader.hpp"

namespace taskgraph::plugin {
namespace {

struct FileCheck {
  std::optional<std::string> defect;
  bool missing = false;
  Exported entry = Exported::unknown;
};

std::string system_reason(int error) {
  return std::strerror(error);
}

/// Step 1, and what the file alone tells about step 3.
FileCheck check_file(const std::string& path) {
  if (path.find('\0') != std::string::npos)
    return {"its path has a NUL byte in it; correct plugin.path in the topology file"};
  // Not blocked by a FIFO, not misled by a terminal.
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) {
    const int error = errno;
    if (error == ENOENT || error == ENOTDIR)
      return {"there is no such file; check plugin.path in the topology file", true};
    return {
        fmt::format("cannot be read: {}; check the permissions of the file and of its folders", system_reason(error))};
  }
  FileCheck check;
  struct stat status {};
  if (::fstat(fd, &status) != 0) {
    check.defect = fmt::format("cannot be read: {}; check the disk", system_reason(errno));
  } else if (S_ISDIR(status.st_mode)) {
    check.defect = "it is a folder; name the .so file in it";
  } else if (!S_ISREG(status.st_mode)) {
    check.defect = "it is no regular file; name the .so file itself";
  } else {
    ElfReport report = check_elf(fd, TG_PLUGIN_SYMBOL);
    check.defect = std::move(report.defect);
    check.entry = report.symbol;
  }
  ::close(fd);
  return check;
}

Refusal refusal(const std::string& path, StepRefusal step) {
  return {step.step, path, std::move(step.reason), false};
}

/// What the plugin wrote into its tg_error; a size beyond the array is its mistake, not our overrun.
std::string_view text_of(const tg_error& error) {
  return {error.text, std::min<std::size_t>(error.size, TG_ERROR_BYTES_MAX)};
}

}  // namespace

Result<Library> Library::open(const std::filesystem::path& path, const ProbeOptions& options) {
  std::error_code failed;
  std::filesystem::path absolute = std::filesystem::absolute(path, failed);
  if (failed) absolute = path;
  std::string name = absolute.string();

  FileCheck file = check_file(name);
  if (file.defect) return Refusal{Step::file, name, *std::move(file.defect), file.missing};
  // Whatever it is, it is no plugin: none of it is run.
  if (file.entry == Exported::no) return Refusal{Step::entry, name, no_entry_reason()};
  if (auto refused = probe(absolute, options)) return refusal(name, *std::move(refused));

  const Refusal exited{
      Step::loader, name,
      "one of its constructors called exit() although it had returned in a process that tried it; a constructor "
      "must do the same wherever it runs"};
  const ExitGuard guard(exited);
  Loaded loaded = load_library(absolute);
  if (loaded.refused) return Refusal{Step::loader, name, *std::move(loaded.refused)};
  // Once more on what lies in this process now: the file may have been replaced since the probe read it.
  if (auto refused = judge_entry(read_entry(loaded.symbol))) return refusal(name, *std::move(refused));
  return Library(std::move(name), static_cast<const tg_plugin*>(loaded.symbol));
}

std::optional<Refusal> Library::init(const tg_host_api& api, const tg_job& job) const {
  Refusal refused{Step::init, path_,
                  "its init called exit(); a plugin refuses a job by throwing from the TaskBuilder's constructor"};
  const ExitGuard guard(refused);
  tg_error error{};
  tg_status status = TG_FAILED;
  try {
    status = plugin_->init(&api, &job, &error);
  } catch (const std::exception& e) {
    refused.reason = fmt::format(
        "its init threw \"{}\" across the C border, which the ABI forbids; TASKGRAPH_PLUGIN(...) catches it",
        one_line(e.what()));
    return refused;
  } catch (...) {
    refused.reason =
        "its init threw something that is no std::exception across the C border, which the ABI forbids; "
        "TASKGRAPH_PLUGIN(...) catches it";
    return refused;
  }
  if (status == TG_OK) return std::nullopt;
  const std::string text = one_line(text_of(error));
  refused.reason = text.empty() ? fmt::format("its init answered status {} without a text; ask the plugin's author",
                                              static_cast<int>(status))
                                : fmt::format("its init says: {}", text);
  return refused;
}

void Library::deinit() const {
  if (plugin_->deinit != nullptr) plugin_->deinit();
}

}  // namespace taskgraph::plugin
