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
  if (!in_body_ && head_.empty()) in_body_ = take_usual_head(input);
  while (!in_body_) {
    if (input.empty()) return Step::need_more;
    const std::size_t line = input.find('\n');
    const std::size_t count = line == std::string_view::npos ? input.size() : line + 1;
    if (head_.size() + count > kHeadBytesMax) return refuse("the head of the response is too long");
    head_.append(input.substr(0, count));
    input.remove_prefix(count);
    if (!head_.ends_with("\r\n\r\n")) continue;
    if (!parse_head()) return refuse("the head of the response is malformed");
    in_body_ = true;
  }
  if (body_bytes_ > body_bytes_max_) return refuse("the body of the response is too large");
  if (given_.empty() && filled_bytes_ == 0 && input.size() >= body_bytes_) {
    body_ = input.data();
    filled_bytes_ = body_bytes_;
    input.remove_prefix(body_bytes_);
    return Step::response;
  }
  const std::size_t count = std::min(input.size(), body_bytes_ - filled_bytes_);
  if (count != 0) std::memcpy(place() + filled_bytes_, input.data(), count);
  input.remove_prefix(count);
  filled_bytes_ += count;
  body_ = place();
  return filled_bytes_ == body_bytes_ ? Step::response : Step::need_more;
}

/// Where a body goes that does not lie in the input as a whole.
char* ResponseReader::place() {
  if (!given_.empty()) return given_.data();
  if (own_bytes_ < body_bytes_ || own_ == nullptr) {  // at its first byte: its size does not change
    own_ = std::make_unique_for_overwrite<char[]>(body_bytes_);
    own_bytes_ = body_bytes_;
  }
  return own_.get();
}

std::span<char> ResponseReader::room() {
  if (!in_body_ || body_bytes_ < kDirectBytesMin) return {};
  return {place() + filled_bytes_, body_bytes_ - filled_bytes_};
}

Response ResponseReader::take() {
  const Response response{status_, {body_, filled_bytes_}};
  in_body_ = false;
  filled_bytes_ = 0;
  head_.clear();
  return response;
}

/// The head of almost all responses, byte for byte; any other goes the long way.
bool ResponseReader::take_usual_head(std::string_view& input) {
  constexpr std::string_view kBegin = "HTTP/1.1 200 OK\r\nContent-Length: ";
  constexpr std::string_view kEnd = "\r\n\r\n";
  if (!input.starts_with(kBegin)) return false;
  const std::string_view rest = input.substr(kBegin.size());
  const std::size_t digits = rest.substr(0, 20).find('\r');
  if (digits == std::string_view::npos || !rest.substr(digits).starts_with(kEnd)) return false;
  if (!read_number(rest.substr(0, digits), body_bytes_)) return false;
  status_ = 200;
  input.remove_prefix(kBegin.size() + digits + kEnd.size());
  return true;
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
