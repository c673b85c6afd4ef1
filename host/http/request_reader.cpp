#include "host/http/request_reader.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "host/core/assert.hpp"
#include "host/http/head_parser.hpp"

namespace taskgraph::http {

RequestReader::Step RequestReader::advance(std::string_view& input) {
  switch (state_) {
    case State::head:
      return take_head(input);
    case State::after_head:
      return begin_body(input);
    case State::fixed_body:
      return take_fixed(input);
    case State::chunked_body:
      return take_chunks(input);
    case State::complete:
      return Step::request;
    case State::rejected:
      return Step::rejected;
  }
  return Step::rejected;
}

RequestReader::Step RequestReader::take_head(std::string_view& input) {
  const std::size_t taken = scanner_.take(input);
  if (scanner_.rejection()) return reject(*scanner_.rejection());
  const std::string_view text = input.substr(0, taken);
  input.remove_prefix(taken);
  const bool whole = scanner_.done() && head_text_.empty();
  if (!whole) head_text_ += text;
  if (!scanner_.done()) return Step::need_more;

  const std::optional<Rejection> rejection = HeadParser::parse(whole ? text : head_text_, request_.head);
  head_text_ = {};
  scanner_.reset();
  if (rejection) return reject(*rejection);
  body_bytes_max_ = limits_.body_bytes_max;
  state_ = State::after_head;
  return Step::head;
}

void RequestReader::limit_body(std::size_t bytes_max) {
  TG_ASSERT(state_ == State::after_head);
  body_bytes_max_ = std::min(body_bytes_max_, bytes_max);
}

RequestReader::Step RequestReader::begin_body(std::string_view& input) {
  const RequestHead& head = request_.head;
  if (head.chunked()) {
    decoder_.emplace(body_bytes_max_);
    chunks_ = std::make_unique<std::string>();
    state_ = State::chunked_body;
    return take_chunks(input);
  }
  if (head.content_length() > body_bytes_max_) return reject({413, "the body is too long"});
  const std::size_t length = head.content_length();
  if (input.size() >= length) {
    core::Bytes body(input.substr(0, length));
    input.remove_prefix(length);
    return complete(std::move(body));
  }
  fixed_ = std::make_unique_for_overwrite<char[]>(length);
  fixed_bytes_ = length;
  filled_bytes_ = 0;
  state_ = State::fixed_body;
  return take_fixed(input);
}

std::span<char> RequestReader::body_room() {
  if (state_ != State::fixed_body) return {};
  return {fixed_.get() + filled_bytes_, fixed_bytes_ - filled_bytes_};
}

void RequestReader::body_filled(std::size_t bytes) {
  TG_ASSERT(state_ == State::fixed_body && bytes <= fixed_bytes_ - filled_bytes_);
  filled_bytes_ += bytes;
}

RequestReader::Step RequestReader::take_fixed(std::string_view& input) {
  const std::span<char> room = body_room();
  const std::size_t bytes = std::min(room.size(), input.size());
  if (bytes > 0) std::memcpy(room.data(), input.data(), bytes);
  input.remove_prefix(bytes);
  filled_bytes_ += bytes;
  if (filled_bytes_ < fixed_bytes_) return Step::need_more;
  char* const data = fixed_.release();
  return complete(core::Bytes::adopt(
      data, fixed_bytes_, [](void* owner) { delete[] static_cast<char*>(owner); }, data));
}

RequestReader::Step RequestReader::take_chunks(std::string_view& input) {
  for (;;) {
    const std::string_view data = decoder_->take(input);
    if (decoder_->rejection()) return reject(*decoder_->rejection());
    if (decoder_->done()) break;
    if (data.empty()) return Step::need_more;
    chunks_->append(data);
  }
  std::string* const chunks = chunks_.release();
  return complete(core::Bytes::adopt(
      chunks->data(), chunks->size(), [](void* owner) { delete static_cast<std::string*>(owner); }, chunks));
}

RequestReader::Step RequestReader::complete(core::Bytes body) {
  request_.body = std::move(body);
  state_ = State::complete;
  return Step::request;
}

RequestReader::Step RequestReader::reject(Rejection rejection) {
  rejection_ = rejection;
  stop();
  return Step::rejected;
}

void RequestReader::stop() {
  state_ = State::rejected;
  head_text_ = {};
  request_ = {};
  fixed_.reset();
  chunks_.reset();
}

Request RequestReader::take_request() {
  TG_ASSERT(state_ == State::complete);
  state_ = State::head;
  return std::exchange(request_, Request{});
}

}  // namespace taskgraph::http
