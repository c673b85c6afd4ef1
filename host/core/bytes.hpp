/// Immutable bytes, shared and not copied between the replicas of one process.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string_view>
#include <utility>

namespace taskgraph::core {

/// A reference to immutable bytes. Copying it shares them; any thread may hold and drop a reference.
class Bytes {
 public:
  Bytes() noexcept = default;
  /// Copies `bytes`.
  explicit Bytes(std::string_view bytes) {
    if (bytes.empty()) return;
    void* memory = ::operator new(sizeof(Block) + bytes.size());
    char* data = static_cast<char*>(memory) + sizeof(Block);
    std::memcpy(data, bytes.data(), bytes.size());
    block_ = new (memory) Block{{1}, data, bytes.size(), nullptr, nullptr};
  }
  /// Takes over bytes of someone else; `release(owner)` is called once, by the thread that drops the last reference.
  static Bytes adopt(const char* data, std::size_t size, void (*release)(void*), void* owner) {
    Bytes bytes;
    if (size == 0) {
      if (release != nullptr) release(owner);
      return bytes;
    }
    bytes.block_ = new (::operator new(sizeof(Block))) Block{{1}, data, size, release, owner};
    return bytes;
  }
  Bytes(const Bytes& other) noexcept : block_(other.block_) {
    if (block_ != nullptr) block_->references.fetch_add(1, std::memory_order_relaxed);
  }
  Bytes(Bytes&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  Bytes& operator=(Bytes other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~Bytes() { drop(); }

  std::string_view view() const noexcept {
    return block_ == nullptr ? std::string_view{} : std::string_view(block_->data, block_->size);
  }
  std::size_t size() const noexcept { return block_ == nullptr ? 0 : block_->size; }

 private:
  struct Block {
    std::atomic<std::uint32_t> references;
    const char* data;
    std::size_t size;
    void (*release)(void*);
    void* owner;
  };

  void drop() noexcept {
    if (block_ == nullptr || block_->references.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    if (block_->release != nullptr) block_->release(block_->owner);
    block_->~Block();
    ::operator delete(block_);
  }

  Block* block_ = nullptr;
};

}  // namespace taskgraph::core
