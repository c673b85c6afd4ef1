/// A stream of control messages in pieces whose sizes the input chooses. The pieces must make no difference, and what
/// is decoded can be said again.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "host/core/assert.hpp"
#include "host/wire/control_codec.hpp"
#include "host/wire/message_splitter.hpp"

namespace {

using taskgraph::wire::MessageSplitter;

template <typename ControlMessage>
void say_again(const std::variant<ControlMessage, taskgraph::wire::WireError>& decoded, std::size_t message_bytes) {
  if (const auto* error = std::get_if<taskgraph::wire::WireError>(&decoded)) {
    TG_ASSERT(error->offset_bytes <= message_bytes && !error->text.empty());
    return;
  }
  std::string again;
  TG_ASSERT(encode(std::get<ControlMessage>(decoded), again));
}

struct Split {
  std::vector<std::string> messages;
  bool failed = false;
};

/// Feeds `stream` in pieces of `piece_bytes` (> 0).
Split split(std::string_view stream, std::size_t piece_bytes) {
  Split split;
  MessageSplitter splitter;
  while (!stream.empty()) {
    // A copy that ends where its memory does.
    const std::vector<char> piece(stream.begin(),
                                  stream.begin() + static_cast<std::ptrdiff_t>(std::min(piece_bytes, stream.size())));
    splitter.feed({piece.data(), piece.size()});
    stream.remove_prefix(piece.size());
    while (const auto message = splitter.next()) split.messages.emplace_back(*message);
  }
  split.failed = splitter.error().has_value();
  return split;
}

}  // namespace

// The first byte is the size of the pieces, the rest is the stream.
// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer looks for this name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view stream(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Split whole = split(stream, size);
  const Split pieces = split(stream, std::size_t{data[0]} + 1);
  TG_ASSERT(whole.messages == pieces.messages && whole.failed == pieces.failed);
  for (const std::string& message : whole.messages) {
    say_again(taskgraph::wire::decode_to_worker(message), message.size());
    say_again(taskgraph::wire::decode_to_supervisor(message), message.size());
  }
  return 0;
}
