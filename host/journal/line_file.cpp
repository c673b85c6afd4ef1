#include "host/journal/line_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

namespace taskgraph::journal {

int LineFile::append(std::string_view line) {
  if (!file_.is_open()) {
    if (const int error = open(); error != 0) return error;
  }
  buffer_.assign(torn_ ? "\n" : "");
  buffer_.append(line).append("\n");
  if (bytes_ != 0 && bytes_ + buffer_.size() > bytes_max_) {
    if (const int error = rotate(); error != 0) return error;
    buffer_.assign(line).append("\n");
  }
  ssize_t written = 0;
  do {
    written = ::write(file_.get(), buffer_.data(), buffer_.size());
  } while (written < 0 && errno == EINTR);
  if (written < 0) return errno;
  bytes_ += static_cast<std::uint64_t>(written);
  torn_ = static_cast<std::size_t>(written) != buffer_.size();
  return torn_ ? ENOSPC : 0;
}

int LineFile::open() {
  process::Descriptor file(::open(path_.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600));
  if (!file.is_open()) return errno;
  struct stat facts {};
  if (::fstat(file.get(), &facts) != 0) return errno;
  bytes_ = static_cast<std::uint64_t>(facts.st_size);
  char last = '\n';
  if (facts.st_size > 0 && ::pread(file.get(), &last, 1, facts.st_size - 1) != 1) return EIO;
  torn_ = last != '\n';
  file_ = std::move(file);
  return 0;
}

int LineFile::rotate() {
  const std::string older = path_.string() + ".1";
  if (std::rename(path_.c_str(), older.c_str()) != 0) return errno;
  file_ = process::Descriptor();
  return open();
}

}  // namespace taskgraph::journal
