#include "host/dataplane/body_buffers.hpp"

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/catch.hpp"

namespace taskgraph::dataplane {
namespace {

constexpr std::size_t kMiB = std::size_t{1024} * 1024;

TEST_CASE("a buffer is used again when the last reference to its body is gone", "[dataplane]") {
  BodyBuffers buffers;
  BodyBuffers::Buffer buffer = buffers.take(5 * kMiB);
  const char* const memory = buffer.data();
  CHECK(reinterpret_cast<std::uintptr_t>(memory) % BodyBuffers::kHugePageBytes == 0);
  std::memset(buffer.data(), 'x', 5 * kMiB);
  std::optional<core::Bytes> body = std::move(buffer).release(5 * kMiB);
  std::optional<core::Bytes> other = body;
  body.reset();
  const bool intact = other->view() == std::string(5 * kMiB, 'x');
  CHECK(intact);
  CHECK(buffers.idle_bytes() == 0);
  other.reset();
  CHECK(buffers.idle_bytes() == 6 * kMiB);
  const BodyBuffers::Buffer again = buffers.take(4 * kMiB);
  const bool same = again.data() == memory;
  CHECK(same);
}

TEST_CASE("a small body is not put into a large buffer", "[dataplane]") {
  BodyBuffers buffers;
  { const auto large = buffers.take(32 * kMiB); }
  CHECK(buffers.idle_bytes() == 32 * kMiB);
  const auto small = buffers.take(kMiB);
  CHECK(buffers.idle_bytes() == 32 * kMiB);
}

TEST_CASE("idle buffers are bounded, and the longest idle go first", "[dataplane]") {
  BodyBuffers buffers;
  const std::size_t size = BodyBuffers::kIdleBytesMax / 4;
  std::vector<BodyBuffers::Buffer> taken;
  for (int i = 0; i < 5; ++i) taken.push_back(buffers.take(size));
  const char* const last = taken.back().data();
  for (BodyBuffers::Buffer& one : taken) one = {};
  CHECK(buffers.idle_bytes() == BodyBuffers::kIdleBytesMax);
  std::size_t found = 0;
  for (int i = 0; i < 4; ++i) {
    taken.push_back(buffers.take(size));
    found += taken.back().data() == last ? 1U : 0U;
  }
  CHECK(found == 1);
  CHECK(buffers.idle_bytes() == 0);
  { const auto beyond = buffers.take(BodyBuffers::kIdleBytesMax + 1); }
  CHECK(buffers.idle_bytes() == 0);
  { const auto tiny = buffers.take(100); }
  CHECK(buffers.idle_bytes() == 0);
}

TEST_CASE("a body outlives the buffers that it came from", "[dataplane]") {
  std::optional<BodyBuffers> buffers;
  buffers.emplace();
  BodyBuffers::Buffer buffer = buffers->take(kMiB);
  std::memset(buffer.data(), 'x', kMiB);
  const core::Bytes body = std::move(buffer).release(kMiB);
  buffers.reset();
  const bool intact = body.view() == std::string(kMiB, 'x');
  CHECK(intact);
}

}  // namespace
}  // namespace taskgraph::dataplane
