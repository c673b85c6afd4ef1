#include "host/control/token.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

#include "host/config/words.hpp"
#include "host/http/middleware.hpp"
#include "host/process/descriptor.hpp"

namespace taskgraph::control {
namespace {

using config::ExitCode;
using config::Failure;

constexpr std::size_t kTokenRandomBytes = 32;

Failure refused(const std::filesystem::path& file, ExitCode code, const std::string& why) {
  return {code, "--token-file " + config::quote(file.native()) + ": " + why};
}

std::string error_text(int number) {
  return std::generic_category().message(number);
}

}  // namespace

std::string random_token() {
  std::array<unsigned char, kTokenRandomBytes> bytes{};
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    throw std::system_error(errno, std::generic_category(), "getrandom");
  }
  std::array<unsigned char, 4 * ((kTokenRandomBytes + 2) / 3) + 1> text{};
  const int size = ::EVP_EncodeBlock(text.data(), bytes.data(), static_cast<int>(bytes.size()));
  std::string token(text.begin(), text.begin() + size);
  token.erase(token.find_last_not_of('=') + 1);
  std::replace(token.begin(), token.end(), '+', '-');
  std::replace(token.begin(), token.end(), '/', '_');
  return token;
}

config::Result<std::string> read_token_file(const std::filesystem::path& file) {
  // Without O_NONBLOCK a FIFO would hold us up before we can see that it is one.
  const process::Descriptor descriptor(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!descriptor.is_open()) return refused(file, ExitCode::file_missing, error_text(errno));
  struct stat status {};
  if (::fstat(descriptor.get(), &status) != 0) return refused(file, ExitCode::file_missing, error_text(errno));
  if (!S_ISREG(status.st_mode)) return refused(file, ExitCode::usage, "is no regular file; give one");
  if (status.st_uid != ::geteuid()) {
    return refused(file, ExitCode::usage,
                   fmt::format("belongs to user {}, and this host runs as user {}; take a file of your own",
                               status.st_uid, ::geteuid()));
  }
  if ((status.st_mode & 077U) != 0) {
    return refused(file, ExitCode::usage,
                   fmt::format("others can use it (mode {:04o}); chmod 600 {}", status.st_mode & 07777U,
                               config::printable(file.native())));
  }
  std::array<char, http::kTokenBytesMax + 2> buffer{};
  const ssize_t size = ::read(descriptor.get(), buffer.data(), buffer.size());
  if (size < 0) return refused(file, ExitCode::file_missing, error_text(errno));
  std::string token(buffer.data(), static_cast<std::size_t>(size));
  if (token.ends_with('\n')) token.pop_back();
  if (!http::is_token(token)) {
    return refused(file, ExitCode::usage,
                   fmt::format("holds no token: one line of {} to {} characters of A-Z a-z 0-9 - . _ ~ + / (then =); "
                               "openssl rand -hex 32 prints one",
                               http::kTokenBytesMin, http::kTokenBytesMax));
  }
  return token;
}

}  // namespace taskgraph::control
