#include "host/control/token.hpp"

#include <sys/stat.h>

#include <set>

#include "host/http/middleware.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temporary_folder.hpp"

using Catch::Matchers::Contains;

namespace taskgraph::control {
namespace {

using config::ExitCode;
using tests::TemporaryFolder;

const std::string kSecret = "0123456789abcdef0123456789abcdef";

std::filesystem::path write(const TemporaryFolder& folder, std::string_view bytes, mode_t mode = 0600) {
  const auto file = folder.write("token", bytes);
  REQUIRE(::chmod(file.c_str(), mode) == 0);
  return file;
}

TEST_CASE("token: random ones are tokens, and each is another", "[control]") {
  std::set<std::string> tokens;
  for (int i = 0; i < 100; ++i) {
    const std::string token = random_token();
    CHECK(token.size() == 43);  // 32 bytes
    CHECK(http::is_token(token));
    CHECK(token.find_first_of("+/=") == std::string::npos);
    tokens.insert(token);
  }
  CHECK(tokens.size() == 100);
}

TEST_CASE("token file: one line, with or without its end, readable by its owner alone", "[control]") {
  const TemporaryFolder folder;
  for (const mode_t mode : {0600, 0400}) {
    CHECK(*read_token_file(write(folder, kSecret, mode)) == kSecret);
    ::chmod((folder.path() / "token").c_str(), 0600);
  }
  CHECK(*read_token_file(write(folder, kSecret + "\n")) == kSecret);
  const std::string longest(http::kTokenBytesMax, 'x');
  CHECK(*read_token_file(write(folder, longest + "\n")) == longest);
}

TEST_CASE("token file: what others can read or write is refused, with the cure", "[control]") {
  const TemporaryFolder folder;
  for (const mode_t mode : {0640, 0604, 0620, 0610, 0666}) {
    const auto token = read_token_file(write(folder, kSecret, mode));
    REQUIRE(token.has_error());
    CHECK(token.error().code == ExitCode::usage);
    CHECK_THAT(token.error().text, Contains("others can use it") && Contains("chmod 600 " + folder.path().string()));
  }
}

TEST_CASE("token file: what holds no token is refused, and never shown", "[control]") {
  const TemporaryFolder folder;
  const std::string too_long(http::kTokenBytesMax + 1, 'x');
  for (const std::string& text : {std::string(), std::string("short"), kSecret + " ", kSecret + "\n\n",
                                  kSecret + "\n" + kSecret, kSecret + "\r\n", too_long, too_long + "\n"}) {
    const auto token = read_token_file(write(folder, text));
    REQUIRE(token.has_error());
    CHECK(token.error().code == ExitCode::usage);
    CHECK_THAT(token.error().text, Contains("holds no token") && Contains("openssl rand -hex 32"));
    CHECK_THAT(token.error().text, !Contains("0123456789"));
  }
}

TEST_CASE("token file: what is no regular file is refused, and holds nobody up", "[control]") {
  const TemporaryFolder folder;
  const auto fifo = folder.path() / "fifo";
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  for (const auto& path : {fifo, folder.path()}) {
    const auto token = read_token_file(path);
    REQUIRE(token.has_error());
    CHECK(token.error().code == ExitCode::usage);
    CHECK_THAT(token.error().text, Contains("no regular file"));
  }
  const auto missing = read_token_file(folder.path() / "none");
  REQUIRE(missing.has_error());
  CHECK(missing.error().code == ExitCode::file_missing);
  CHECK_THAT(missing.error().text, Contains("--token-file") && Contains("No such file"));
}

}  // namespace
}  // namespace taskgraph::control
