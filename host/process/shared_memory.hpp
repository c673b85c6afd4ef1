/// Memory that a supervisor shares with its workers: anonymous, handed on by descriptor, gone with the last process.
#pragma once

#include <cstddef>
#include <utility>

#include "host/process/descriptor.hpp"

namespace taskgraph::process {

/// A mapping and, where it was made here, the descriptor to hand on. Move-only; unmapped at the end. Any thread.
class SharedMemory {
 public:
  enum class Access { read, read_write };

  /// Zero-filled, mapped for reading and writing; its size cannot be changed by anybody. Throws std::system_error.
  static SharedMemory make(const char* name, std::size_t size);
  /// Of `descriptor`, which was made by `make` in another process and is at least `size` long. Throws
  /// std::system_error, std::runtime_error when it is too short.
  static SharedMemory map(const Descriptor& descriptor, std::size_t size, Access access);

  SharedMemory(SharedMemory&& other) noexcept
      : descriptor_(std::move(other.descriptor_)),
        address_(std::exchange(other.address_, nullptr)),
        size_(std::exchange(other.size_, 0)) {}
  SharedMemory& operator=(SharedMemory&& other) noexcept;
  ~SharedMemory() { unmap(); }

  void* address() const { return address_; }
  std::size_t size() const { return size_; }
  /// A descriptor of the same memory through which nobody can ever map it for writing. Throws std::system_error.
  Descriptor read_only() const;
  const Descriptor& descriptor() const { return descriptor_; }

 private:
  SharedMemory(Descriptor descriptor, void* address, std::size_t size)
      : descriptor_(std::move(descriptor)), address_(address), size_(size) {}
  void unmap();

  Descriptor descriptor_;
  void* address_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace taskgraph::process
