#include "host/dataplane/response_reader.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <utility>

#include "host/http/request.hpp"

namespace taskgraph::dataplane {
namespace {

template <typename Number>
bool read_number(std::string_view text, Number& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && !text.empty() && text.front() != '-';
}

}  // namespace

ResponseReader::Step ResponseReader::refuse(const char* reason) {
  malformed_ = true;
  reason_ = reason;
  return Step::malformed;
}

ResponseReader::Step ResponseReader::advance(std::string_view& input) {
  if (malformed_) return Step::malformed;
  while (!in_body_) {
    if (input.empty()) return Step::need_more;
    const std::size_t line = input.find('\n');
    const std::size_t count = line == std::string_view::npos ? input.size() : line + 1;
    if (head_.size() + count > kHeadBytesMax) return refuse("the head of the response is too long");
    head_.append(input.substr(0, count));
    input.remove_prefix(count);
    if (!head_.ends_with("\r\n\r\n")) continue;
    if (!parse_head()) return refuse("the head of the response is malformed");
    if (body_bytes_ > body_bytes_max_) return refuse("the body of the response is too large");
    in_body_ = true;
    filled_bytes_ = 0;
    if (body_bytes_ != 0) body_ = std::make_unique_for_overwrite<char[]>(body_bytes_);
  }
  const std::size_t count = std::min(input.size(), body_bytes_ - filled_bytes_);
  if (count != 0) std::memcpy(body_.get() + filled_bytes_, input.data(), count);
  input.remove_prefix(count);
  filled_bytes_ += count;
  return filled_bytes_ == body_bytes_ ? Step::response : Step::need_more;
}

std::span<char> ResponseReader::room() {
  if (!in_body_ || body_bytes_ < kDirectBytesMin) return {};
  return {body_.get() + filled_bytes_, body_bytes_ - filled_bytes_};
}

Response ResponseReader::take() {
  Response response;
  response.status = status_;
  if (body_ != nullptr) {
    char* const memory = body_.release();
    response.body = core::Bytes::adopt(
        memory, filled_bytes_, [](void* owner) { delete[] static_cast<char*>(owner); }, memory);
  }
  in_body_ = false;
  head_.clear();
  return response;
}

bool ResponseReader::parse_head() {
  std::string_view rest(head_);
  const auto next_line = [&] {
    const std::size_t end = rest.find("\r\n");
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end + 2);
    return line;
  };
  const std::string_view status = next_line();
  if (!status.starts_with("HTTP/1.1 ") || status.size() < 12) return false;
  if (!read_number(status.substr(9, 3), status_)) return false;
  bool has_length = false;
  for (std::string_view line = next_line(); !line.empty(); line = next_line()) {
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return false;
    const std::string_view name = line.substr(0, colon);
    std::string_view value = line.substr(colon + 1);
    while (value.starts_with(' ')) value.remove_prefix(1);
    if (http::equal_ignoring_case(name, "transfer-encoding")) return false;
    if (!http::equal_ignoring_case(name, "content-length")) continue;
    if (std::exchange(has_length, true) || !read_number(value, body_bytes_)) return false;
  }
  return has_length;
}

}  // namespace taskgraph::dataplane
