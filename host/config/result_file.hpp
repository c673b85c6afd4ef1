/// The file of --result: `{"job", "status", "epochs", "reason", "result": {...}}`, `reason` where there is one, there
/// as a whole or not at all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "host/config/failure.hpp"

namespace taskgraph::config {

/// Of the text that a plugin hands to finish_job. The file is larger by the few fields around it.
inline constexpr std::size_t kResultBytesMax = std::size_t{256} * 1024;
inline constexpr std::size_t kResultDepthMax = 64;

enum class JobStatus { done, failed, stopped };

struct JobResult {
  std::string job;
  JobStatus status = JobStatus::done;
  std::uint64_t epochs = 0;
  std::string reason;         ///< of the framework, when it was not the tasks that ended the job; any bytes
  std::string result = "{}";  ///< a JSON object that check_result_json accepts
};

/// What keeps `text` from being a job's result, else nothing: one JSON object in well-formed UTF-8, nested at most
/// kResultDepthMax deep, at most kResultBytesMax long, no number beyond a double's range. Needs no stack that grows
/// with the text. Any thread.
std::optional<std::string> check_result_json(std::string_view text);

/// Whether write_result_file can succeed: the folder is there, a file can be made in it, and what is there already is a
/// file (never a device: the rename would replace it). Leaves nothing behind. ExitCode::cannot_write.
std::optional<Failure> check_result_target(const std::filesystem::path& file);

/// Writes `file` through a temporary file beside it, fsync and rename. On a failure (ExitCode::cannot_write) an older
/// file is as it was. A symbolic link stays one: the file that it names is replaced.
std::optional<Failure> write_result_file(const std::filesystem::path& file, const JobResult& result);

std::string_view name(JobStatus status);

}  // namespace taskgraph::config
