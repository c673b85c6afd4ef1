/// A file of lines that is only ever appended to.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

#include "host/process/descriptor.hpp"

namespace taskgraph::journal {

/// One thread. Each line is one write, so that what has been appended outlives this process, and readers see whole
/// lines; where a write was cut (a full disk, a killed process), the next line begins on a line of its own.
class LineFile {
 public:
  /// Opened at the first line, mode 0600; an existing file is continued. Before it would become larger than
  /// `bytes_max` it is renamed to FILE.1, in place of the one before, and a new one begins.
  LineFile(std::filesystem::path path, std::uint64_t bytes_max) : path_(std::move(path)), bytes_max_(bytes_max) {}

  /// Adds the newline. 0, or the errno for which the line is lost; the next one may fit.
  int append(std::string_view line);

 private:
  int open();
  int rotate();

  const std::filesystem::path path_;
  const std::uint64_t bytes_max_;
  process::Descriptor file_;
  std::uint64_t bytes_ = 0;  ///< in the file
  bool torn_ = false;        ///< it does not end with a newline
  std::string buffer_;       ///< kept for its memory
};

}  // namespace taskgraph::journal
