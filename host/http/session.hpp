/// One connection: reads all that is there, handles it, and sends what is answered by one gather write per turn.
#pragma once

#include <atomic>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/strand.hpp>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "host/http/connection_table.hpp"
#include "host/http/listener.hpp"
#include "host/http/output_queue.hpp"
#include "host/http/request_reader.hpp"
#include "host/http/responder.hpp"

namespace taskgraph::http {

using Strand = boost::asio::strand<boost::asio::io_context::executor_type>;
using Socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, Strand>;

/// Kept alive by the wait for its socket and by open Responders; none of them may outlive the io_context. All on its
/// strand but for end() and answered(). It waits for the socket without a buffer, so an idle connection holds none.
///
/// A turn is what one wake-up leads to: read, parse, call handlers, write. Handlers that answer within the turn share
/// its write; later answers make a turn of their own, together with those that came in meanwhile.
class Session final : public Connection, public ResponseSink, public std::enable_shared_from_this<Session> {
 public:
  Session(Socket socket, std::shared_ptr<Listener> listener);
  ~Session() override;
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// Once, on the strand.
  void start();
  void end(Ending ending) override;
  void answered(std::uint64_t number, Response response) override;

  static constexpr std::size_t kReadBytes = 64 * 1024;
  static constexpr int kReadsPerTurnMax = 16;  ///< then others have their turn
  static constexpr int kWritesPerTurnMax = 16;

 private:
  /// A request that was taken and whose answer has not been put out.
  struct Slot {
    std::optional<Response> response;
    bool head_only = false;
    bool close = false;
  };
  struct LateAnswer {
    std::uint64_t number;
    Response response;
  };
  enum class State : std::uint8_t { open, lingering, closed };
  /// What the deadline is about.
  enum class Phase : std::uint8_t { idle, head, body, answers };

  template <typename Work>
  void turn(Work work);
  void serve();
  bool read_once();
  void feed(std::string_view input);
  void on_head();
  void on_request();
  void refuse(Response response, bool head_only = false);
  bool charge_body();
  void put_out_answers();
  void flush();
  void wait();
  void finish_output();
  void linger();
  void discard_input();
  void on_overdue();
  void on_end(Ending ending);
  void close();
  void update_clock();

  bool has_room() const;
  bool wants_input() const {
    return state_ == State::open && !last_taken_ && (!closing_ || reader_.in_body()) && held_.empty() && has_room();
  }
  bool busy() const { return !slots_.empty() || !output_.empty() || !held_.empty() || reader_.in_body(); }

  // fixed after construction
  Socket socket_;
  const std::shared_ptr<Listener> listener_;

  // on the strand
  RequestReader reader_;
  OutputQueue output_;
  std::deque<Slot> slots_;
  std::uint64_t first_number_ = 0;  ///< of slots_
  std::string held_;                ///< was read and not looked at, for lack of room; at most kReadBytes
  std::optional<Router::Found> found_;
  std::optional<Response> refusal_;  ///< of the request whose head was seen last
  State state_ = State::open;
  bool input_ended_ = false;
  bool last_taken_ = false;  ///< no request is taken any more
  bool last_put_out_ = false;
  bool closing_ = false;  ///< the next answer is the last
  bool continue_due_ = false;
  bool waits_to_read_ = false;
  bool waits_to_write_ = false;
  std::int64_t charged_bytes_ = 0;
  std::size_t discarded_bytes_ = 0;
  // for the deadline
  Phase phase_ = Phase::idle;
  core::Time phase_began_;
  std::uint64_t phase_requests_ = 0;  ///< taken when it began
  core::Time idle_since_;
  core::Time write_progress_;
  core::Time linger_until_;

  /// The thread that is in a turn: it puts answers out itself.
  std::atomic<std::thread::id> turn_thread_{};

  std::mutex late_mutex_;
  std::vector<LateAnswer> late_;  ///< guarded by late_mutex_; at most one for each slot
};

}  // namespace taskgraph::http
