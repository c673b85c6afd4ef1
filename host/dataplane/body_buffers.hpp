/// Memory for large bodies that come in, used again and again.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "host/core/bytes.hpp"

namespace taskgraph::dataplane {

/// The first touch of fresh pages is slower than what a connection brings, so a buffer comes back when the last
/// reference to its body goes, and the largest ones lie on huge pages. Any thread; bodies may outlive it. Memory: what
/// bodies hold, and at most kIdleBytesMax that wait for the next one.
class BodyBuffers {
 public:
  /// Owns its memory; uninitialised.
  class Buffer;

  BodyBuffers();
  ~BodyBuffers();
  BodyBuffers(const BodyBuffers&) = delete;
  BodyBuffers& operator=(const BodyBuffers&) = delete;

  /// At least `bytes`, which is more than 0. Throws std::bad_alloc.
  Buffer take(std::size_t bytes);
  /// Kept for the next ones.
  std::size_t idle_bytes() const;

  static constexpr std::size_t kIdleBytesMax = std::size_t{128} * 1024 * 1024;
  /// Smaller ones are left to malloc.
  static constexpr std::size_t kKeptBytesMin = std::size_t{64} * 1024;
  static constexpr std::size_t kHugePageBytes = std::size_t{2} * 1024 * 1024;

 private:
  struct Memory;
  struct Idle;

  const std::shared_ptr<Idle> idle_;
};

class BodyBuffers::Buffer {
 public:
  Buffer();
  Buffer(Buffer&&) noexcept;
  Buffer& operator=(Buffer&&) noexcept;
  ~Buffer();

  bool is_empty() const { return memory_ == nullptr; }
  char* data() const;
  /// Its first `size` bytes, from here on shared and immutable.
  core::Bytes release(std::size_t size) &&;

 private:
  friend class BodyBuffers;
  explicit Buffer(std::unique_ptr<Memory> memory);
  std::unique_ptr<Memory> memory_;
};

}  // namespace taskgraph::dataplane
