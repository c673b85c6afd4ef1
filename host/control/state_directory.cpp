#include "host/control/state_directory.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

#include "host/config/words.hpp"

namespace taskgraph::control {
namespace {

using config::ExitCode;
using config::Failure;
using process::Descriptor;

constexpr mode_t kFolderMode = 0700;
constexpr mode_t kFileMode = 0600;

Failure cannot_use(const std::filesystem::path& folder, const std::string& why) {
  return {ExitCode::cannot_write, "state folder " + config::quote(folder.native()) + ": " + why};
}

std::string error_text(int number) {
  return std::generic_category().message(number);
}

/// 0, or errno.
int make_folders(const std::filesystem::path& folder) {
  std::filesystem::path made;
  for (const std::filesystem::path& part : folder) {
    made /= part;
    if (::mkdir(made.c_str(), kFolderMode) != 0 && errno != EEXIST) {
      const int error = errno;
      struct stat status {};
      // Where we may not write, EROFS or EACCES is told of what is there, too.
      if (::stat(made.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) return error;
    }
  }
  return 0;
}

/// What would let others replace the token.
std::optional<Failure> check_folder(const std::filesystem::path& folder) {
  struct stat status {};
  if (::stat(folder.c_str(), &status) != 0) return cannot_use(folder, error_text(errno));
  if (!S_ISDIR(status.st_mode)) return cannot_use(folder, "is no folder; give another one with --state-dir");
  if (status.st_uid != ::geteuid() && status.st_uid != 0) {
    return cannot_use(folder, fmt::format("belongs to user {}, and this host runs as user {}; give another one with "
                                          "--state-dir",
                                          status.st_uid, ::geteuid()));
  }
  if ((status.st_mode & 022U) != 0) {
    return cannot_use(folder, fmt::format("others can write to it (mode {:04o}); chmod go-w, or give another one with "
                                          "--state-dir",
                                          status.st_mode & 07777U));
  }
  return std::nullopt;
}

std::string read_some(int descriptor) {
  std::array<char, 32> buffer{};
  const ssize_t size = ::pread(descriptor, buffer.data(), buffer.size(), 0);
  const std::string text(buffer.data(), size < 0 ? 0 : static_cast<std::size_t>(size));
  return text.substr(0, text.find('\n'));
}

/// 0, or errno.
int write_all(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return 0;
}

}  // namespace

config::Result<StateDirectory> StateDirectory::open(const std::filesystem::path& folder) {
  const std::filesystem::path path = std::filesystem::absolute(folder).lexically_normal();
  if (const int error = make_folders(path); error != 0) {
    return cannot_use(path, "cannot be made: " + error_text(error) + "; give another one with --state-dir");
  }
  if (auto failure = check_folder(path)) return *failure;
  Descriptor lock(::open((path / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, kFileMode));
  if (!lock.is_open()) return cannot_use(path, "the file `lock` cannot be made in it: " + error_text(errno));
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return cannot_use(path, "the file `lock` cannot be locked: " + error_text(errno));
    return cannot_use(path, fmt::format("another host uses it (process {}); end that one, or give each host its own "
                                        "with --state-dir",
                                        config::printable(read_some(lock.get()))));
  }
  int error = ::ftruncate(lock.get(), 0) == 0 ? 0 : errno;
  if (error == 0) error = write_all(lock.get(), std::to_string(::getpid()) + "\n");
  if (error != 0) return cannot_use(path, "the file `lock` cannot be written: " + error_text(error));
  return StateDirectory(path, std::move(lock));
}

StateDirectory::StateDirectory(std::filesystem::path path, Descriptor lock)
    : path_(std::move(path)), lock_(std::move(lock)) {}

/// What a plugin has forked off in this process has a copy of the descriptor, which must not keep the lock.
StateDirectory::~StateDirectory() {
  if (lock_.is_open()) ::flock(lock_.get(), LOCK_UN);
}

std::optional<Failure> StateDirectory::write(std::string_view name, std::string_view text) const {
  const std::filesystem::path target = file(name);
  const std::filesystem::path temporary = file("." + std::string(name) + ".new");
  ::unlink(temporary.c_str());  // of a host that died meanwhile
  int error = 0;
  {
    const Descriptor descriptor(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kFileMode));
    error = descriptor.is_open() ? write_all(descriptor.get(), text) : errno;
  }
  if (error == 0 && ::rename(temporary.c_str(), target.c_str()) != 0) error = errno;
  if (error == 0) return std::nullopt;
  ::unlink(temporary.c_str());
  return Failure{ExitCode::cannot_write, "state file " + config::quote(target.native()) + ": " + error_text(error)};
}

void StateDirectory::remove(std::string_view name) const {
  ::unlink(file(name).c_str());
}

}  // namespace taskgraph::control
