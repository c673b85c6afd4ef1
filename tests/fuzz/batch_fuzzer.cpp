/// A batch as it may come from anybody. What is read without an error must have been written by a BatchWriter: writing
/// it again gives the same bytes.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "host/core/assert.hpp"
#include "host/wire/frame_codec.hpp"
#include "host/wire/seal_parts.hpp"

using taskgraph::wire::BatchReader;
using taskgraph::wire::BatchWriter;

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer looks for this name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  BatchReader reader(bytes);
  if (reader.error().has_value()) {
    TG_ASSERT(!reader.next().has_value());
    return 0;
  }
  taskgraph::wire::SealAckJoiner joiner;
  std::string again;
  BatchWriter writer(again, reader.header());
  while (const std::optional<taskgraph::wire::Message> message = reader.next()) {
    TG_ASSERT(writer.add(*message) == BatchWriter::Added::added);
    if (const auto* part = std::get_if<taskgraph::wire::SealAckPart>(&*message)) joiner.join(*part);
  }
  TG_ASSERT(again == bytes.substr(0, again.size()));
  TG_ASSERT(reader.error().has_value() ? reader.error()->offset_bytes <= size : again.size() == size);
  return 0;
}
