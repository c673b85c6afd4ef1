/// Reading batches in tests.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/wire/frame_codec.hpp"

namespace taskgraph::tests {

inline constexpr wire::BatchHeader kBatchHeader{{0x1111, 0x2222}, {0x3333, 0x4444}, {0x5555, 0x6666}};

/// All that a reader gave, and the same written again: what is read without an error has one encoding.
struct ReadBatch {
  wire::BatchHeader header;
  std::vector<wire::Message> messages;
  std::string again;
  std::optional<wire::WireError> error;
};

/// Reads a copy that ends where its memory does, for sanitizers.
inline ReadBatch read_batch(std::string_view bytes) {
  const std::vector<char> exact(bytes.begin(), bytes.end());
  ReadBatch read;
  wire::BatchReader reader(std::string_view(exact.data(), exact.size()));
  read.header = reader.header();
  while (std::optional<wire::Message> message = reader.next()) read.messages.push_back(std::move(*message));
  read.error = reader.error();
  if (read.header.version != wire::kWireVersion) return read;
  wire::BatchWriter writer(read.again, read.header);
  for (const wire::Message& message : read.messages) {
    if (writer.add(message) != wire::BatchWriter::Added::added) read.again += "a message that was read is not written";
  }
  return read;
}

}  // namespace taskgraph::tests
