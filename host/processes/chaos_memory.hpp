/// The memory of a job's ChaosLedger: made by the supervisor, shared with all its workers.
#pragma once

#include <cstddef>
#include <span>
#include <utility>

#include "host/core/chaos_ledger.hpp"
#include "host/process/shared_memory.hpp"

namespace taskgraph::processes {

/// Fixed after construction; any thread.
class ChaosMemory {
 public:
  using Word = core::ChaosLedger::Word;

  /// In the supervisor: zero-filled. Throws std::system_error.
  explicit ChaosMemory(std::size_t words)
      : memory_(process::SharedMemory::make("taskgraph-chaos", words * sizeof(Word))), words_(words) {}
  /// In a worker. Throws std::system_error, and std::runtime_error when it is shorter.
  ChaosMemory(const process::Descriptor& descriptor, std::size_t words)
      : memory_(
            process::SharedMemory::map(descriptor, words * sizeof(Word), process::SharedMemory::Access::read_write)),
        words_(words) {}

  std::span<Word> words() const { return {static_cast<Word*>(memory_.address()), words_}; }
  const process::Descriptor& descriptor() const { return memory_.descriptor(); }

 private:
  const process::SharedMemory memory_;
  const std::size_t words_;
};

}  // namespace taskgraph::processes
