#include "host/config/result_file.hpp"

#include <sys/resource.h>

#include <csignal>

#include "tests/support/catch.hpp"
#include "tests/support/temporary_folder.hpp"

using Catch::Matchers::Contains;

namespace taskgraph::config {
namespace {

std::size_t entries(const std::filesystem::path& folder) {
  const std::filesystem::directory_iterator all(folder);
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

std::string complaint(std::string_view text) {
  return check_result_json(text).value_or("none");
}

TEST_CASE("result JSON: one object, well-formed") {
  for (const char* good :
       {"{}", " {\"a\": [1, 2.5e300, -0, null, true, {\"b\": \"\\u00e9 \xc3\xa9 \\ud83d\\ude00\"}]}\n",
        "{\"n\": 1e300}", "{\"n\": 123456789012345678901234567890}"}) {
    CHECK(complaint(good) == "none");
  }
  for (const char* bad : {"",
                          " ",
                          "[]",
                          "1",
                          "1e999",
                          "{\"n\": 1e999}",
                          "\"x\"",
                          "null",
                          "true",
                          "{",
                          "{}{}",
                          "{} x",
                          "{\"a\":}",
                          "{a: 1}",
                          "{'a': 1}",
                          "{\"a\": 1,}",
                          "{\"a\": NaN}",
                          "{\"a\": \"\\ud800\"}",
                          "{\"a\": \"\\udc00\"}",
                          "{\"\\udc00\": 1}",
                          "{\"a\": \"\xff\"}",
                          "{\"a\": \"\xed\xa0\x80\"}",
                          "{\"a\": \"\n\"}",
                          "\xef\xbb\xbf{]"}) {
    INFO(bad);
    CHECK(complaint(bad) != "none");
    CHECK(complaint(bad).size() < 200);
  }
  CHECK_THAT(complaint("[1]"), Contains("no JSON object"));
  CHECK_THAT(complaint(std::string_view("{}\0", 3)), Contains("NUL byte at byte 2"));
}

TEST_CASE("result JSON: limits of depth and size") {
  const auto nested = [](std::size_t depth) {
    return "{\"a\":" + std::string(depth - 1, '[') + std::string(depth - 1, ']') + "}";
  };
  CHECK(complaint(nested(kResultDepthMax)) == "none");
  CHECK_THAT(complaint(nested(kResultDepthMax + 1)), Contains("64 deep"));
  CHECK_THAT(complaint("{\"a\":" + std::string(200'000, '[')), Contains("64 deep"));

  const auto sized = [](std::size_t bytes) { return "{\"a\":\"" + std::string(bytes - 8, 'x') + "\"}"; };
  CHECK(complaint(sized(kResultBytesMax)) == "none");
  CHECK_THAT(complaint(sized(kResultBytesMax + 1)), Contains("262145 bytes"));
}

TEST_CASE("result file: the whole of it, and nothing beside it") {
  const tests::TemporaryFolder folder;
  const std::filesystem::path file = folder.path() / "result.json";
  CHECK_FALSE(write_result_file(file, {"regression", JobStatus::done, 11, "", R"({"sums":[0,105]})"}));
  CHECK(folder.read("result.json") ==
        "{\"job\":\"regression\",\"status\":\"done\",\"epochs\":11,\"result\":{\"sums\":[0,105]}}\n");
  CHECK_FALSE(write_result_file(file, {"a\"\xff", JobStatus::stopped, 0, "", "{}"}));
  CHECK(folder.read("result.json") == "{\"job\":\"a\\\"\\\\xff\",\"status\":\"stopped\",\"epochs\":0,\"result\":{}}\n");
  CHECK_FALSE(write_result_file(file, {"x", JobStatus::failed, 1, "task 1 failed: \"é\"", "{}"}));
  CHECK(folder.read("result.json") ==
        "{\"job\":\"x\",\"status\":\"failed\",\"epochs\":1,\"reason\":\"task 1 failed: \\\"é\\\"\",\"result\":{}}\n");
  CHECK(entries(folder.path()) == 1);
}

TEST_CASE("result file: a symbolic link stays one") {
  const tests::TemporaryFolder folder;
  folder.write("real", "old");
  std::filesystem::create_symlink("real", folder.path() / "link");
  CHECK_FALSE(write_result_file(folder.path() / "link", {"x", JobStatus::done, 1, "", "{}"}));
  CHECK(std::filesystem::is_symlink(folder.path() / "link"));
  CHECK_THAT(folder.read("real"), Contains("\"done\""));
}

TEST_CASE("result file: where none can be written is known beforehand") {
  const tests::TemporaryFolder folder;
  folder.write("file", "x");
  std::filesystem::create_directory(folder.path() / "folder");
  for (const std::filesystem::path& bad :
       {folder.path() / "none" / "r.json", folder.path() / "file" / "r.json", folder.path() / "folder",
        folder.path() / "folder" / "", std::filesystem::path("/dev/null"), std::filesystem::path("/proc/r.json")}) {
    INFO(bad);
    const std::optional<Failure> before = check_result_target(bad);
    const std::optional<Failure> after = write_result_file(bad, {"x", JobStatus::done, 1, "", "{}"});
    CHECK((before && before->code == ExitCode::cannot_write));
    CHECK((after && after->code == ExitCode::cannot_write));
  }
  CHECK_FALSE(check_result_target(folder.path() / "r.json"));
  CHECK_FALSE(check_result_target(folder.path() / "file"));
  CHECK(folder.read("file") == "x");
  CHECK(entries(folder.path()) == 2);
  CHECK_FALSE(std::filesystem::is_regular_file("/dev/null"));
}

TEST_CASE("result file: a disk that is full leaves the old file as it was") {
  const tests::TemporaryFolder folder;
  folder.write("r.json", "old");
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{1'000, before.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  const std::string large = "{\"a\":\"" + std::string(5'000, 'x') + "\"}";
  const std::optional<Failure> failure = write_result_file(folder.path() / "r.json", {"x", JobStatus::done, 1, large});
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
  std::signal(SIGXFSZ, old_handler);
  REQUIRE(failure);
  CHECK(failure->code == ExitCode::cannot_write);
  CHECK(folder.read("r.json") == "old");
  CHECK(entries(folder.path()) == 1);
}

TEST_CASE("result file: a result that is no JSON is never written") {
  const tests::TemporaryFolder folder;
  const std::optional<Failure> failure =
      write_result_file(folder.path() / "r.json", {"x", JobStatus::done, 1, "", "nonsense"});
  REQUIRE(failure);
  CHECK_THAT(failure->text, Contains("not valid"));
  CHECK(entries(folder.path()) == 0);
}

}  // namespace
}  // namespace taskgraph::config
