/// The value of --chaos: `seed=N,rate=R,max=M,workers=W`, or a JSON file with a list of faults.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/config/failure.hpp"
#include "host/core/chaos.hpp"

namespace taskgraph::config {

inline constexpr std::size_t kChaosFileBytesMax = std::size_t{1} << 20;
inline constexpr std::size_t kChaosFaultsMax = 10'000;
inline constexpr std::uint64_t kChaosDelayMsMax = 60'000;

/// Where a file names a task. Lines and columns count from 1, columns in characters.
struct ChaosTaskPlace {
  core::TaskId task;
  std::uint32_t line = 0;
  std::uint32_t column = 0;
  bool of_worker = false;  ///< "worker of K"
};

struct ChaosOption {
  core::ChaosPlan plan;
  std::string file;  ///< "" for a SPEC
  std::string text;  ///< the SPEC, or what stood in the file: for parse_chaos_text
  std::vector<ChaosTaskPlace> places;
};

/// Reads SPEC, or the FILE of that name. A value with a `=` before any `/` is a SPEC (a file of such a name is given as
/// ./NAME). Failures: ExitCode::usage for a SPEC; ExitCode::file_missing or ExitCode::topology_invalid for a FILE.
Result<ChaosOption> read_chaos(std::string_view value);

/// The two halves of it. R and W are decimal numbers from 0 to 1 with at most 18 digits behind the point, taken
/// exactly.
Result<ChaosOption> parse_chaos_spec(std::string_view spec);
/// `file` is the name in messages (FILE:LINE:COLUMN); up to 10 errors at once.
Result<ChaosOption> parse_chaos_file(std::string_view file, std::string_view text);

/// ChaosOption::text of a value that was read before, perhaps by another process: whatever has become of the file, it
/// is the same plan. A SPEC never begins as a JSON list does.
Result<ChaosOption> parse_chaos_text(std::string_view text);

/// Faults of whole workers, where there are none (--local), are an error (ExitCode::usage).
std::optional<Failure> check_chaos_needs_no_workers(const ChaosOption& chaos);

/// Once the topology is known: a task that it does not have is an error (ExitCode::topology_invalid).
std::optional<Failure> check_chaos_tasks(const ChaosOption& chaos, std::uint32_t task_count);

}  // namespace taskgraph::config
