/// The stored corpus of tests/fuzz: where the fuzzers start, and what the wire looked like when it was stored.
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <string_view>

#include "host/wire/control_codec.hpp"
#include "host/wire/frame_codec.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/wire_batches.hpp"
#include "tests/support/wire_messages.hpp"

namespace taskgraph::wire {
namespace {

using tests::kBatchHeader;
using tests::WireRandom;
using Files = std::map<std::string, std::string>;  // bytes by name

std::filesystem::path folder_of(const char* fuzzer) {
  return std::filesystem::path(TASKGRAPH_SOURCE_DIR) / "tests/fuzz/corpus" / fuzzer;
}
constexpr std::size_t kFileBytesMax = 1'023;
constexpr std::uint64_t kSeed = 20;

/// One batch for each kind of message, one with all of them, one without any.
Files batches() {
  const char* const names[WireRandom::kMessageKinds] = {
      "acknowledgement",  "flag",     "pull-request", "pull-answer", "announced-request",
      "announced-answer", "seal-ask", "seal-ack-part"};
  WireRandom random(kSeed, 30);
  Files files;
  BatchWriter all(files["all-kinds"], kBatchHeader);
  const BatchWriter none(files["empty"], kBatchHeader);
  for (std::size_t kind = 0; kind < WireRandom::kMessageKinds; ++kind) {
    const Message message = random.message(kind, kBatchHeader.job);
    BatchWriter one(files[names[kind]], kBatchHeader);
    REQUIRE(one.add(message) == BatchWriter::Added::added);
    REQUIRE(all.add(message) == BatchWriter::Added::added);
  }
  return files;
}

/// The same for control messages; a first byte says in what pieces the fuzzer shall feed the stream.
Files streams() {
  const char* const to_worker[WireRandom::kToWorkerKinds] = {
      "view", "epoch", "stop", "setup", "addresses", "outside-request", "outside-end", "part-to-worker"};
  const char* const to_supervisor[WireRandom::kToSupervisorKinds] = {
      "resignation",  "advance",  "finish",        "all-stopped",        "fenced",         "ready",
      "cannot-start", "counters", "outside-reply", "part-to-supervisor", "replica-moment", "slow-pulls"};
  constexpr char kPieceBytes = 7;
  WireRandom random(kSeed, 30, 5);
  Files files;
  std::string& all = files["all-kinds"] = std::string(1, kPieceBytes);
  const auto add = [&](const char* name, const auto& message) {
    std::string& one = files[name] = std::string(1, kPieceBytes);
    REQUIRE(encode(message, one));
    REQUIRE(encode(message, all));
  };
  for (std::size_t kind = 0; kind < std::size(to_worker); ++kind) add(to_worker[kind], random.to_worker(kind));
  for (std::size_t kind = 0; kind < std::size(to_supervisor); ++kind) {
    add(to_supervisor[kind], random.to_supervisor(kind));
  }
  return files;
}

std::string content(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

void check_stored(const std::filesystem::path& folder, const Files& files) {
  for (const auto& [name, bytes] : files) {
    INFO(folder / name << ": a changed layout needs a new wire version; then write the corpus anew");
    CHECK(content(folder / name) == bytes);
  }
  std::size_t stored = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    ++stored;
    INFO(entry.path());
    CHECK(entry.file_size() <= kFileBytesMax);
  }
  CHECK(stored >= files.size());
  CHECK(stored < 30);
}

TEST_CASE("the stored corpus is what this version of the wire writes", "[wire][corpus]") {
  check_stored(folder_of("batch"), batches());
  check_stored(folder_of("control"), streams());
}

// Hidden: taskgraph-unit-tests "[write-corpus]" replaces the stored files.
TEST_CASE("write the corpus", "[.][write-corpus]") {
  const auto write = [](const std::filesystem::path& folder, const Files& files) {
    std::filesystem::create_directories(folder);
    for (const auto& [name, bytes] : files) {
      std::ofstream out(folder / name, std::ios::binary);
      out << bytes;
      REQUIRE(out.flush().good());
    }
  };
  write(folder_of("batch"), batches());
  write(folder_of("control"), streams());
}

}  // namespace
}  // namespace taskgraph::wire
