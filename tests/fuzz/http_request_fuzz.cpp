/// libFuzzer: http::RequestReader on hostile bytes. Aborts when what comes out depends on how the bytes were split, or
/// when a request comes out that the reader promises to refuse.
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "host/core/assert.hpp"
#include "tests/support/http_reading.hpp"

using namespace taskgraph::http;

namespace {

// Small, so that short inputs reach them.
constexpr RequestLimits kLimits{64, 256, 6, 64};

void check(const Request& request) {
  const RequestHead& head = request.head;
  TG_ASSERT(head.path().starts_with('/') && head.path().find_first_of("?# \t") == std::string_view::npos);
  TG_ASSERT(!head.host().empty() && head.host() == head.field("host"));
  TG_ASSERT(request.body.size() <= kLimits.body_bytes_max);
  TG_ASSERT(!(head.chunked() && head.has_field("content-length")));
  TG_ASSERT(head.chunked() || request.body.size() == head.content_length());
  TG_ASSERT(!head.has_field("transfer-encoding") || head.chunked());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const testing::Reading whole = testing::read({bytes}, kLimits);
  for (const Request& request : whole.requests) check(request);
  const std::string text = whole.text();
  const std::size_t cut = size == 0 ? 0 : data[size - 1] % size;
  TG_ASSERT(testing::read({bytes.substr(0, cut), bytes.substr(cut)}, kLimits).text() == text);
  std::vector<std::string_view> single;
  for (std::size_t i = 0; i < size; ++i) single.push_back(bytes.substr(i, 1));
  TG_ASSERT(testing::read(single, kLimits).text() == text);
  return 0;
}
