#include "host/config/json_library.hpp"
//
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <system_error>

#include "host/config/result_file.hpp"
#include "host/config/words.hpp"

namespace taskgraph::config {
namespace {

constexpr int kNamesTriedMax = 100;

Failure cannot_write(const std::filesystem::path& file, const std::string& why) {
  return {ExitCode::cannot_write, "result file " + quote(file.native()) + ": " + why};
}

std::string error_text(int number) {
  return std::generic_category().message(number);
}

std::filesystem::path folder_of(const std::filesystem::path& file) {
  return file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
}

/// A new file beside the wanted one; removed again unless it was renamed.
class TemporaryFile {
 public:
  TemporaryFile() = default;
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
    if (!path_.empty()) ::unlink(path_.c_str());
  }

  /// Each returns 0 or errno.
  int create(const std::filesystem::path& beside) {
    static std::atomic<std::uint32_t> counter{0};
    for (int i = 0; i < kNamesTriedMax; ++i) {
      const std::string suffix = std::to_string(::getpid()) + "." + std::to_string(counter++);
      const std::filesystem::path candidate = folder_of(beside) / (".taskgraph-result." + suffix);
      descriptor_ = ::open(candidate.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
      if (descriptor_ >= 0) {
        path_ = candidate;
        return 0;
      }
      if (errno != EEXIST) return errno;
    }
    return EEXIST;
  }

  int write(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return errno;
      bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return 0;
  }

  int sync_and_close() {
    if (::fsync(descriptor_) != 0) return errno;
    const int closed = ::close(descriptor_);
    descriptor_ = -1;
    return closed == 0 ? 0 : errno;
  }

  int rename_to(const std::filesystem::path& file) {
    if (::rename(path_.c_str(), file.c_str()) != 0) return errno;
    path_.clear();
    return 0;
  }

 private:
  int descriptor_ = -1;
  std::filesystem::path path_;
};

/// Makes the rename itself durable. A folder that cannot be synced has still been renamed in: no failure.
void sync_folder(const std::filesystem::path& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  static_cast<void>(::fsync(descriptor));
  ::close(descriptor);
}

/// The file that is to be replaced: at the end of all symbolic links.
Result<std::filesystem::path> resolve(const std::filesystem::path& file) {
  if (file.filename().empty()) return cannot_write(file, "names a folder; give a file name");
  std::error_code error;
  std::filesystem::path target = file;
  if (std::filesystem::is_symlink(file, error)) {
    target = std::filesystem::weakly_canonical(file, error);
    if (error) return cannot_write(file, error.message());
  }
  struct stat status {};
  if (::stat(target.c_str(), &status) == 0) {
    if (S_ISDIR(status.st_mode)) return cannot_write(file, "is a folder; give a file name");
    if (!S_ISREG(status.st_mode)) return cannot_write(file, "is there and is no regular file; give another name");
  } else if (errno != ENOENT) {
    return cannot_write(file, error_text(errno));
  }
  return target;
}

/// Any bytes: what is no UTF-8 is escaped first, so that the file is JSON in every case.
std::string json_string(std::string_view text) {
  const std::string shown = printable(text);
  rapidjson::StringBuffer out;
  rapidjson::Writer<rapidjson::StringBuffer>(out).String(shown.data(), static_cast<rapidjson::SizeType>(shown.size()));
  return {out.GetString(), out.GetSize()};
}

}  // namespace

std::string_view name(JobStatus status) {
  constexpr std::array<std::string_view, 3> kNames{"done", "failed", "stopped"};
  return kNames[static_cast<std::size_t>(status)];
}

std::optional<Failure> check_result_target(const std::filesystem::path& file) {
  const Result<std::filesystem::path> target = resolve(file);
  if (!target) return target.error();
  TemporaryFile probe;
  const int error = probe.create(*target);
  if (error == ENOENT) {
    return cannot_write(file, "the folder " + quote(folder_of(*target).native()) + " does not exist; make it first");
  }
  if (error != 0) return cannot_write(file, "no file can be made beside it: " + error_text(error));
  return std::nullopt;
}

std::optional<Failure> write_result_file(const std::filesystem::path& file, const JobResult& result) {
  if (const std::optional<std::string> wrong = check_result_json(result.result)) {
    return cannot_write(file, "the job's result is not valid: " + *wrong);
  }
  const Result<std::filesystem::path> target = resolve(file);
  if (!target) return target.error();
  const std::string reason = result.reason.empty() ? "" : ",\"reason\":" + json_string(result.reason);
  const std::string text = "{\"job\":" + json_string(result.job) + ",\"status\":\"" + std::string(name(result.status)) +
                           "\",\"epochs\":" + std::to_string(result.epochs) + reason + ",\"result\":" + result.result +
                           "}\n";
  TemporaryFile temporary;
  int error = temporary.create(*target);
  if (error == 0) error = temporary.write(text);
  if (error == 0) error = temporary.sync_and_close();
  if (error == 0) error = temporary.rename_to(*target);
  if (error != 0) return cannot_write(file, error_text(error));
  sync_folder(folder_of(*target));
  return std::nullopt;
}

}  // namespace taskgraph::config
