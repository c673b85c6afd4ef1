#include "host/http/session.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <cstring>

#include "host/core/assert.hpp"

namespace taskgraph::http {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

/// Input is parsed where it was read and kept only when it is part of a request; so one buffer serves all connections
/// of a thread.
std::array<char, Session::kReadBytes>& read_buffer() {
  thread_local std::array<char, Session::kReadBytes> buffer;
  return buffer;
}

bool is_would_block(const error_code& error) {
  return error == asio::error::would_block || error == asio::error::try_again;
}

}  // namespace

Session::Session(Socket socket, std::shared_ptr<Listener> listener)
    : socket_(std::move(socket)), listener_(std::move(listener)), reader_(listener_->limits.request) {
  const core::Time now = listener_->now();
  idle_since_ = phase_began_ = write_progress_ = now;
  set_idle_since(now);
  set_deadline(now + listener_->limits.idle_time);
}

Session::~Session() {
  if (state_ != State::closed) listener_->with_table([this](ConnectionTable& table) { table.remove(*this); });
}

// ---------------------------------------------------------------- a turn

void Session::start() {
  error_code ignored;
  socket_.non_blocking(true, ignored);
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
  turn([this] { serve(); });
}

template <typename Work>
void Session::turn(Work work) {
  if (state_ == State::closed) return;
  turn_thread_.store(std::this_thread::get_id(), std::memory_order_relaxed);
  work();
  turn_thread_.store(std::thread::id{}, std::memory_order_relaxed);
  if (state_ == State::closed) return;
  update_clock();
  wait();
}

void Session::serve() {
  if (state_ == State::lingering) return discard_input();
  for (int reads = 0; reads < kReadsPerTurnMax; ++reads) {
    if (!held_.empty() && has_room()) {
      feed(std::exchange(held_, {}));
    } else if (!read_once()) {
      break;
    }
    if (state_ == State::closed) return;
    if (!has_room()) flush();
  }
  flush();
}

void Session::wait() {
  const auto self = shared_from_this();
  if (!output_.empty() && !waits_to_write_) {
    waits_to_write_ = true;
    socket_.async_wait(Socket::wait_write, [self](const error_code& error) {
      self->waits_to_write_ = false;
      self->turn([&] { error ? self->close() : self->serve(); });
    });
  }
  if ((wants_input() || state_ == State::lingering) && !waits_to_read_) {
    waits_to_read_ = true;
    socket_.async_wait(Socket::wait_read, [self](const error_code& error) {
      self->waits_to_read_ = false;
      self->turn([&] { error ? self->close() : self->serve(); });
    });
  } else if (!held_.empty() && has_room()) {
    asio::post(socket_.get_executor(), [self] { self->turn([&] { self->serve(); }); });
  }
}

/// Beyond it, nothing is read: the peer's own sending stalls.
bool Session::has_room() const {
  return slots_.size() < listener_->limits.pipelined_requests_max &&
         output_.bytes() < listener_->limits.output_bytes_max;
}

// ---------------------------------------------------------------- input

/// True: there may be more to read.
bool Session::read_once() {
  if (!wants_input()) return false;
  auto& buffer = read_buffer();
  const std::span<char> room = reader_.body_room();
  const std::array<asio::mutable_buffer, 2> both{asio::buffer(room.data(), room.size()), asio::buffer(buffer)};
  error_code error;
  const std::size_t bytes = room.empty() ? socket_.read_some(both[1], error) : socket_.read_some(both, error);
  if (is_would_block(error)) return false;
  if (error == asio::error::eof) {
    input_ended_ = last_taken_ = true;
    reader_.stop();
    charge_body();
    return false;
  }
  if (error) {
    close();
    return false;
  }
  const std::size_t direct = std::min(bytes, room.size());
  if (direct > 0) reader_.body_filled(direct);
  feed(std::string_view(buffer.data(), bytes - direct));
  return bytes == room.size() + buffer.size();
}

void Session::feed(std::string_view input) {
  while (!last_taken_) {
    if (!has_room()) {
      held_ = input;
      return;
    }
    switch (reader_.advance(input)) {
      case RequestReader::Step::need_more:
        if (!charge_body()) {
          return refuse(error_response(503, "too many bodies are under way; try again"));
        }
        if (continue_due_) put_out_answers();
        return;
      case RequestReader::Step::head:
        on_head();
        break;
      case RequestReader::Step::request:
        on_request();
        break;
      case RequestReader::Step::rejected:
        listener_->counters.rejected.fetch_add(1, std::memory_order_relaxed);
        return refuse(error_response(reader_.rejection().status, reader_.rejection().reason));
    }
  }
}

/// Before any of its body is taken, so that nobody without the token makes us hold one.
void Session::on_head() {
  const RequestHead& head = reader_.head();
  auto outcome = listener_->middleware.check(head);
  if (auto* refusal = std::get_if<Middleware::Refusal>(&outcome)) {
    // The body of what is refused is not worth reading.
    if (refusal->close || head.has_body()) return refuse(std::move(refusal->response), head.method() == Method::head);
    refusal_ = std::move(refusal->response);
    return;
  }
  found_ = std::get<Router::Found>(outcome);
  reader_.limit_body(found_->route->body_bytes_max);
  continue_due_ = head.expects_continue() && head.has_body();
}

void Session::on_request() {
  Request request = reader_.take_request();
  charge_body();
  continue_due_ = false;
  listener_->counters.requests.fetch_add(1, std::memory_order_relaxed);
  last_taken_ = closing_ || !request.head.keep_alive();
  const std::uint64_t number = first_number_ + slots_.size();
  slots_.push_back({std::nullopt, request.head.method() == Method::head, last_taken_});
  if (refusal_) {
    slots_.back().response = std::exchange(refusal_, std::nullopt);
    return put_out_answers();
  }
  request.path_ids = found_->ids;
  found_->route->handler(std::move(request), Responder(shared_from_this(), number));
}

/// The last answer on this connection: what follows is not to be trusted, or not wanted.
void Session::refuse(Response response, bool head_only) {
  listener_->counters.requests.fetch_add(1, std::memory_order_relaxed);
  last_taken_ = true;
  slots_.push_back({std::move(response), head_only, true});
  reader_.stop();
  charge_body();
  put_out_answers();
}

/// Tells the listener what the body under way holds now; false: that is too much for all of them together.
bool Session::charge_body() {
  const auto held = static_cast<std::int64_t>(reader_.body_bytes_held());
  if (held == charged_bytes_) return true;
  return listener_->charge_bodies(held - std::exchange(charged_bytes_, held));
}

// ---------------------------------------------------------------- answers

void Session::answered(std::uint64_t number, Response response) {
  if (turn_thread_.load(std::memory_order_relaxed) == std::this_thread::get_id()) {
    if (state_ != State::open) return;
    slots_[number - first_number_].response = std::move(response);
    return put_out_answers();
  }
  {
    const std::lock_guard lock(late_mutex_);
    late_.push_back({number, std::move(response)});
    if (late_.size() > 1) return;  // a turn for the first one is under way
  }
  asio::post(socket_.get_executor(), [self = shared_from_this()] {
    std::vector<LateAnswer> late;
    {
      const std::lock_guard lock(self->late_mutex_);
      late.swap(self->late_);
    }
    self->turn([&] {
      if (self->state_ != State::open) return;
      for (LateAnswer& answer : late) {
        self->slots_[answer.number - self->first_number_].response = std::move(answer.response);
      }
      self->put_out_answers();
      self->serve();
    });
  });
}

/// In the order of the requests.
void Session::put_out_answers() {
  while (!slots_.empty() && slots_.front().response) {
    const Slot slot = std::move(slots_.front());
    slots_.pop_front();
    ++first_number_;
    const bool close = slot.close || (closing_ && slots_.empty() && !reader_.in_body());
    output_.append(*slot.response, slot.head_only, close);
    if (!close) continue;
    last_taken_ = last_put_out_ = true;
    held_.clear();
    return;
  }
  if (slots_.empty() && continue_due_ && reader_.in_body()) {
    continue_due_ = false;
    output_.append("HTTP/1.1 100 Continue\r\n\r\n");
  }
}

/// Tries to write before it waits for the socket to be writable.
void Session::flush() {
  if (state_ != State::open) return;
  bool progress = !waits_to_write_;
  for (int writes = 0; !output_.empty() && writes < kWritesPerTurnMax; ++writes) {
    error_code error;
    const std::size_t bytes = socket_.write_some(output_.front(), error);
    if (is_would_block(error)) break;
    if (error) return close();
    output_.consume(bytes);
    progress = true;
  }
  if (output_.empty()) return finish_output();
  if (progress) write_progress_ = listener_->now();
}

void Session::finish_output() {
  if (last_put_out_) return input_ended_ ? close() : linger();
  if (slots_.empty() && (input_ended_ || (closing_ && !reader_.in_body() && held_.empty()))) close();
}

// ---------------------------------------------------------------- the end

/// A socket closed with unread input resets the connection, and the peer may lose the last answer. So it is told that
/// nothing more comes, and what it still sends is thrown away until it closes.
void Session::linger() {
  error_code ignored;
  socket_.shutdown(Socket::shutdown_send, ignored);
  state_ = State::lingering;
  linger_until_ = listener_->now() + listener_->limits.linger_time;
  reader_.stop();
  charge_body();
  discard_input();
}

void Session::discard_input() {
  for (;;) {
    error_code error;
    const std::size_t bytes = socket_.read_some(asio::buffer(read_buffer()), error);
    if (is_would_block(error)) return;
    discarded_bytes_ += bytes;
    if (error || discarded_bytes_ > listener_->limits.linger_bytes_max) return close();
  }
}

void Session::end(Ending ending) {
  asio::post(socket_.get_executor(),
             [self = shared_from_this(), ending] { self->turn([&] { self->on_end(ending); }); });
}

void Session::on_end(Ending ending) {
  switch (ending) {
    case Ending::overdue:
      // It may have gone on since it was found late, or have been closed for that already.
      if (state_ != State::closed && deadline() <= listener_->now()) on_overdue();
      return;
    case Ending::graceful:
      closing_ = true;
      if (state_ == State::open && !busy()) close();
      return;
    case Ending::at_once:
      return close();
  }
}

void Session::on_overdue() {
  if (state_ == State::open) listener_->counters.overdue.fetch_add(1, std::memory_order_relaxed);
  const bool in_request = reader_.in_head() || reader_.in_body();
  if (state_ == State::lingering || !output_.empty() || !in_request) return close();
  refuse(error_response(408, reader_.in_body() ? "the body took too long" : "the head took too long"));
  flush();
}

void Session::close() {
  if (state_ == State::closed) return;
  state_ = State::closed;
  last_taken_ = true;
  reader_.stop();
  charge_body();
  slots_.clear();
  output_.clear();
  held_ = {};
  error_code ignored;
  socket_.close(ignored);
  listener_->with_table([this](ConnectionTable& table) { table.remove(*this); });
  listener_->open.fetch_sub(1, std::memory_order_relaxed);
  listener_->on_connection_closed();
}

/// When it is late, and since when it could give way to another connection.
void Session::update_clock() {
  const core::Time now = listener_->now();
  const ServerLimits& limits = listener_->limits;
  const std::uint64_t requests = first_number_ + slots_.size();
  Phase phase = Phase::idle;
  if (!slots_.empty() || !held_.empty() || !output_.empty()) phase = Phase::answers;
  // While it is us who do not read, the peer's time does not run.
  if (wants_input() && reader_.in_head()) phase = Phase::head;
  if (wants_input() && reader_.in_body()) phase = Phase::body;
  if (phase != phase_ || requests != phase_requests_) {
    if (phase != Phase::head || requests != phase_requests_) idle_since_ = now;
    phase_ = phase;
    phase_requests_ = requests;
    phase_began_ = now;
  }

  core::Time deadline = core::Time::never();
  if (phase == Phase::idle) deadline = idle_since_ + limits.idle_time;
  if (phase == Phase::head) deadline = phase_began_ + limits.head_time;
  if (phase == Phase::body) deadline = phase_began_ + limits.body_time;
  if (!output_.empty()) deadline = std::min(deadline, write_progress_ + limits.write_time);
  if (state_ == State::lingering) deadline = linger_until_;
  set_deadline(deadline);
  set_idle_since(busy() || state_ == State::lingering ? core::Time::never() : idle_since_);
}

}  // namespace taskgraph::http
