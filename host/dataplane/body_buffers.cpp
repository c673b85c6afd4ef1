#include "host/dataplane/body_buffers.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <new>
#include <utility>

namespace taskgraph::dataplane {
namespace {

struct Free {
  void operator()(char* bytes) const { std::free(bytes); }
};
using Block = std::unique_ptr<char, Free>;

std::size_t rounded(std::size_t bytes) {
  constexpr std::size_t kHuge = BodyBuffers::kHugePageBytes;
  return bytes < kHuge ? std::bit_ceil(bytes) : (bytes + kHuge - 1) / kHuge * kHuge;
}

Block allocated(std::size_t capacity) {
  const bool huge = capacity >= BodyBuffers::kHugePageBytes;
  void* const bytes = huge ? std::aligned_alloc(BodyBuffers::kHugePageBytes, capacity) : std::malloc(capacity);
  if (bytes == nullptr) throw std::bad_alloc();
  if (huge) ::madvise(bytes, capacity, MADV_HUGEPAGE);  // a kernel without them: small pages do
  return Block(static_cast<char*>(bytes));
}

}  // namespace

/// Lives as long as the last buffer.
struct BodyBuffers::Idle {
  struct One {
    Block bytes;
    std::size_t capacity;
  };

  /// The smallest that fits and is not wasted on it; empty when there is none.
  Block find(std::size_t capacity, std::size_t& found_capacity) {
    const std::lock_guard lock(mutex);
    auto best = buffers.end();
    for (auto one = buffers.begin(); one != buffers.end(); ++one) {
      if (one->capacity < capacity || one->capacity / 2 > capacity) continue;
      if (best == buffers.end() || one->capacity < best->capacity) best = one;
    }
    if (best == buffers.end()) return nullptr;
    Block block = std::move(best->bytes);
    found_capacity = best->capacity;
    bytes -= best->capacity;
    buffers.erase(best);
    return block;
  }

  void put(Block block, std::size_t capacity) {
    if (capacity < kKeptBytesMin || capacity > kIdleBytesMax) return;
    std::vector<One> too_old;  // freed without the lock
    const std::lock_guard lock(mutex);
    auto kept = buffers.begin();
    for (; bytes + capacity > kIdleBytesMax; ++kept) bytes -= kept->capacity;
    std::move(buffers.begin(), kept, std::back_inserter(too_old));
    buffers.erase(buffers.begin(), kept);
    bytes += capacity;
    buffers.push_back({std::move(block), capacity});
  }

  std::mutex mutex;
  std::vector<One> buffers;  // guarded by mutex, as the next; the longest idle first
  std::size_t bytes = 0;
};

struct BodyBuffers::Memory {
  Memory(std::shared_ptr<Idle> of, Block block_, std::size_t capacity_)
      : idle(std::move(of)), block(std::move(block_)), capacity(capacity_) {}
  ~Memory() { idle->put(std::move(block), capacity); }

  std::shared_ptr<Idle> idle;
  Block block;
  std::size_t capacity;
};

BodyBuffers::BodyBuffers() : idle_(std::make_shared<Idle>()) {}
BodyBuffers::~BodyBuffers() = default;

BodyBuffers::Buffer BodyBuffers::take(std::size_t bytes) {
  std::size_t capacity = rounded(bytes);
  Block block = capacity < kKeptBytesMin ? nullptr : idle_->find(capacity, capacity);
  if (block == nullptr) block = allocated(capacity);
  return Buffer(std::make_unique<Memory>(idle_, std::move(block), capacity));
}

std::size_t BodyBuffers::idle_bytes() const {
  const std::lock_guard lock(idle_->mutex);
  return idle_->bytes;
}

BodyBuffers::Buffer::Buffer(std::unique_ptr<Memory> memory) : memory_(std::move(memory)) {}
BodyBuffers::Buffer::Buffer() = default;
BodyBuffers::Buffer::Buffer(Buffer&&) noexcept = default;
BodyBuffers::Buffer& BodyBuffers::Buffer::operator=(Buffer&&) noexcept = default;
BodyBuffers::Buffer::~Buffer() = default;

char* BodyBuffers::Buffer::data() const {
  return memory_->block.get();
}

core::Bytes BodyBuffers::Buffer::release(std::size_t size) && {
  Memory* const memory = memory_.release();
  return core::Bytes::adopt(
      memory->block.get(), size, [](void* owner) { delete static_cast<Memory*>(owner); }, memory);
}

}  // namespace taskgraph::dataplane
