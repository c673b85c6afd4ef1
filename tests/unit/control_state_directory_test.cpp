#include "host/control/state_directory.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/catch.hpp"
#include "tests/support/temporary_folder.hpp"

using Catch::Matchers::Contains;

namespace taskgraph::control {
namespace {

using config::ExitCode;
using tests::TemporaryFolder;

mode_t mode_of(const std::filesystem::path& path) {
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  return status.st_mode & 07777U;
}

std::string error_of(const std::filesystem::path& folder) {
  const auto state = StateDirectory::open(folder);
  if (!state.has_error()) return "no error";
  CHECK(state.error().code == ExitCode::cannot_write);
  return state.error().text;
}

TEST_CASE("state folder: it is made with all above it, for its owner alone", "[control]") {
  const TemporaryFolder folder;
  const auto path = folder.path() / "a" / "b";
  const auto state = StateDirectory::open(path);
  REQUIRE(state.has_value());
  CHECK(state->path() == path);
  CHECK(mode_of(path) == 0700);
  CHECK(mode_of(path.parent_path()) == 0700);
  CHECK(mode_of(state->file("lock")) == 0600);
  CHECK(folder.read("a/b/lock") == std::to_string(::getpid()) + "\n");
}

TEST_CASE("state folder: its path is absolute", "[control]") {
  const TemporaryFolder folder;
  const auto state = StateDirectory::open(std::filesystem::relative(folder.path()) / "x" / ".." / "y");
  REQUIRE(state.has_value());
  CHECK(state->path().is_absolute());
  CHECK(std::filesystem::equivalent(state->path(), folder.path() / "y"));
}

TEST_CASE("state folder: one host at a time, and the second is told of the first", "[control]") {
  const TemporaryFolder folder;
  {
    const auto state = StateDirectory::open(folder.path() / "job");
    REQUIRE(state.has_value());
    CHECK_THAT(
        error_of(folder.path() / "job"),
        Contains("another host uses it (process " + std::to_string(::getpid()) + ")") && Contains("--state-dir"));
    CHECK(StateDirectory::open(folder.path() / "other").has_value());
  }
  CHECK(StateDirectory::open(folder.path() / "job").has_value());
}

TEST_CASE("state folder: what cannot be made, or is none, is refused", "[control]") {
  const TemporaryFolder folder;
  const auto file = folder.write("file", "");
  CHECK_THAT(error_of(file), Contains("is no folder") && Contains("--state-dir"));
  CHECK_THAT(error_of(file / "job"), Contains("cannot be made: Not a directory"));
  CHECK_THAT(error_of("/proc/none/job"), Contains("cannot be made"));
}

TEST_CASE("state folder: where others can write, the token would be theirs", "[control]") {
  const TemporaryFolder folder;
  const auto path = folder.path() / "job";
  std::filesystem::create_directory(path);
  for (const mode_t mode : {0770, 0707, 01777}) {
    REQUIRE(::chmod(path.c_str(), mode) == 0);
    CHECK_THAT(error_of(path), Contains("others can write to it") && Contains("chmod go-w"));
  }
  REQUIRE(::chmod(path.c_str(), 0755) == 0);
  CHECK(StateDirectory::open(path).has_value());
}

TEST_CASE("state files: whole ones take the place of those before, for their owner alone", "[control]") {
  const TemporaryFolder folder;
  const auto state = StateDirectory::open(folder.path());
  REQUIRE(state.has_value());
  folder.write("token", "of before");
  ::chmod(state->file("token").c_str(), 0644);
  folder.write(".token.new", "of a host that died");
  CHECK_FALSE(state->write("token", "secret\n").has_value());
  CHECK(folder.read("token") == "secret\n");
  CHECK(mode_of(state->file("token")) == 0600);
  CHECK_FALSE(std::filesystem::exists(state->file(".token.new")));

  state->remove("token");
  CHECK_FALSE(std::filesystem::exists(state->file("token")));
  state->remove("token");  // nothing to do
}

TEST_CASE("state files: one that cannot be written is named, and nothing stays", "[control]") {
  const TemporaryFolder folder;
  const auto state = StateDirectory::open(folder.path());
  REQUIRE(state.has_value());
  std::filesystem::create_directories(state->file("token") / "x");
  const auto failure = state->write("token", "secret");
  REQUIRE(failure.has_value());
  CHECK(failure->code == ExitCode::cannot_write);
  CHECK_THAT(failure->text, Contains(state->file("token").string()));
  CHECK_FALSE(std::filesystem::exists(state->file(".token.new")));
}

}  // namespace
}  // namespace taskgraph::control
