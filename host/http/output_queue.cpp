#include "host/http/output_queue.hpp"

#include "host/core/assert.hpp"

namespace taskgraph::http {

std::string& OutputQueue::tail_text() {
  if (pieces_.empty() || pieces_.back().text.empty() || pieces_.back().text.size() >= kTextBytesMax) {
    pieces_.emplace_back();
    pieces_.back().text.reserve(kTextBytesReserved);
  }
  return pieces_.back().text;
}

void OutputQueue::append(const Response& response, bool head_only, bool close) {
  std::string& text = tail_text();
  const std::size_t before = text.size();
  append_head(text, response, close);
  const std::string_view body = head_only ? std::string_view{} : response.body.view();
  const bool copied = body.size() <= kCopiedBytesMax;
  if (copied) text.append(body);
  bytes_ += text.size() - before;
  if (copied) return;
  pieces_.push_back({{}, response.body});
  bytes_ += body.size();
}

void OutputQueue::append(std::string_view text) {
  tail_text().append(text);
  bytes_ += text.size();
}

OutputQueue::Buffers OutputQueue::front() const {
  Buffers buffers;
  std::size_t skip = sent_bytes_;
  for (const Piece& piece : pieces_) {
    if (buffers.size() == buffers.capacity()) break;
    const std::string_view rest = piece.view().substr(skip);
    skip = 0;
    buffers.emplace_back(rest.data(), rest.size());
  }
  return buffers;
}

void OutputQueue::consume(std::size_t bytes) {
  TG_ASSERT(bytes <= bytes_);
  bytes_ -= bytes;
  sent_bytes_ += bytes;
  while (!pieces_.empty() && sent_bytes_ >= pieces_.front().view().size()) {
    sent_bytes_ -= pieces_.front().view().size();
    pieces_.pop_front();
  }
}

void OutputQueue::clear() {
  pieces_.clear();
  sent_bytes_ = bytes_ = 0;
}

}  // namespace taskgraph::http
