#include "host/journal/line_file.hpp"

#include <sys/stat.h>

#include <cerrno>

#include "tests/support/catch.hpp"
#include "tests/support/temporary_folder.hpp"

namespace taskgraph::journal {
namespace {

using tests::TemporaryFolder;

TEST_CASE("lines are appended, also to a file that is there, and are nobody else's to read", "[journal][file]") {
  const TemporaryFolder folder;
  {
    LineFile file(folder.path() / "log", 1'000);
    CHECK(file.append("one") == 0);
    CHECK(file.append("two") == 0);
    CHECK(folder.read("log") == "one\ntwo\n");
  }
  struct stat facts {};
  REQUIRE(::stat((folder.path() / "log").c_str(), &facts) == 0);
  CHECK((facts.st_mode & 0777) == 0600);
  LineFile file(folder.path() / "log", 1'000);
  CHECK(file.append("three") == 0);
  CHECK(folder.read("log") == "one\ntwo\nthree\n");
}

TEST_CASE("a line after one that was cut begins on a line of its own", "[journal][file]") {
  const TemporaryFolder folder;
  folder.write("log", "one\ntw");
  LineFile file(folder.path() / "log", 1'000);
  CHECK(file.append("three") == 0);
  CHECK(file.append("four") == 0);
  CHECK(folder.read("log") == "one\ntw\nthree\nfour\n");
}

TEST_CASE("at its limit a file becomes the older one, in place of the one before", "[journal][file]") {
  const TemporaryFolder folder;
  LineFile file(folder.path() / "log", 8);
  for (const char* line : {"one", "two"}) CHECK(file.append(line) == 0);
  CHECK(folder.read("log") == "one\ntwo\n");  // exactly 8 bytes
  CHECK(file.append("three") == 0);
  CHECK(folder.read("log.1") == "one\ntwo\n");
  CHECK(folder.read("log") == "three\n");
  CHECK(file.append("longer than all of it") == 0);  // a file has one line at least
  CHECK(folder.read("log") == "longer than all of it\n");
  CHECK(file.append("x") == 0);
  CHECK(folder.read("log.1") == "longer than all of it\n");
  CHECK(folder.read("log") == "x\n");
}

TEST_CASE("a line that cannot be written is refused with its reason, and the next one is tried", "[journal][file]") {
  const TemporaryFolder folder;
  LineFile file(folder.path() / "later" / "log", 1'000);
  CHECK(file.append("one") == ENOENT);
  std::filesystem::create_directory(folder.path() / "later");
  CHECK(file.append("two") == 0);
  CHECK(folder.read("later/log") == "two\n");
}

TEST_CASE("a full disk is told as such", "[journal][file]") {
  if (!std::filesystem::exists("/dev/full")) return;
  const TemporaryFolder folder;
  std::filesystem::create_symlink("/dev/full", folder.path() / "log");
  LineFile file(folder.path() / "log", 1'000);
  CHECK(file.append("one") == ENOSPC);
}

}  // namespace
}  // namespace taskgraph::journal
