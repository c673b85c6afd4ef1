#include "host/control/pull_gateway.hpp"

#include <fmt/format.h>

#include <charconv>
#include <utility>

#include "host/control/pull_response.hpp"

namespace taskgraph::control {
namespace {

constexpr std::string_view kPattern = "/v1/jobs/{job}/tasks/{task}/{method}";
enum Id : std::size_t { kJob, kTask, kMethod };
constexpr std::string_view kKeyField = "Idempotency-Key";

/// A task's number as it is written everywhere: without sign or zeros in front.
std::optional<core::TaskId> read_task(std::string_view text, std::uint32_t tasks) {
  core::TaskId task;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), task.value);
  const bool canonical = text.size() == 1 || !text.starts_with('0');
  if (error != std::errc() || end != text.data() + text.size() || !canonical || task.value >= tasks) {
    return std::nullopt;
  }
  return task;
}

bool is_get(const http::Request& request) {
  return request.head.method() != http::Method::post;
}

std::string_view key_of(const http::Request& request) {
  return is_get(request) ? std::string_view{} : request.head.field(kKeyField);
}

http::Response replay(const StoredAnswer& stored) {
  return {stored.status, stored.content_type, stored.body, {{"Idempotent-Replayed", "true"}}};
}

}  // namespace

PullGateway::PullGateway(boost::asio::io_context& io, PullTarget target, std::function<core::Time()> now,
                         GatewayLimits limits)
    : target_(std::move(target)),
      now_(std::move(now)),
      limits_(limits),
      back_(std::make_shared<ReturnPath>(io)),
      table_(limits.idempotency) {}

PullGateway::~PullGateway() {
  back_->close();
}

std::vector<http::Route> PullGateway::routes() {
  std::vector<http::Route> routes;
  for (const http::Method method : {http::Method::post, http::Method::get}) {
    http::Route route;
    route.method = method;
    route.pattern = kPattern;
    route.handler = [this](http::Request request, http::Responder responder) {
      ask(std::move(request), std::move(responder));
    };
    route.body_bytes_max = target_.body_bytes_max;
    routes.push_back(std::move(route));
  }
  return routes;
}

void PullGateway::close() {
  closed_ = true;
  auto open = std::exchange(open_, {});
  for (auto& [number, one] : open) {
    if (!one.key.empty()) table_.failed(one.key);
    send(std::move(one), response_to({}));
  }
}

void PullGateway::ask(http::Request request, http::Responder responder) {
  if (auto response = refuse(request)) return responder.send(*std::move(response));
  const PullNumber number = next_number_++;
  if (joins(request, number, responder)) return;
  start(std::move(request), number, std::move(responder));
}

std::optional<http::Response> PullGateway::refuse_get(std::string_view method) const {
  const std::optional<bool> read_only = target_.is_read_only(method);
  if (!read_only) return try_again(503, "the job is starting: which methods take GET is not known yet");
  if (*read_only) return std::nullopt;
  http::Response response =
      http::error_response(405, "the plugin does not declare this method read-only: it takes POST");
  response.fields.emplace_back("Allow", "POST");
  return response;
}

std::optional<http::Response> PullGateway::refuse(const http::Request& request) const {
  if (closed_) return response_to({});
  if (request.id(kJob) != target_.job) {
    return http::error_response(404, fmt::format("this host runs the job \"{}\"", target_.job));
  }
  if (!read_task(request.id(kTask), target_.tasks)) {
    return http::error_response(404, fmt::format("there is no such task; they are 0 to {}", target_.tasks - 1));
  }
  if (is_get(request)) {
    if (auto response = refuse_get(request.id(kMethod))) return response;
  }
  if (!request.head.query().empty()) {
    return http::error_response(400, "a pull has no query; what the task is to know stands in the body of a POST");
  }
  if (!is_get(request) && request.head.has_field(kKeyField) && !is_idempotency_key(key_of(request))) {
    return http::error_response(400, "Idempotency-Key is not 1 to 255 printable ASCII characters");
  }
  if (waiting_ >= limits_.waiting_max || waiting_bytes_ + request.body.size() > limits_.waiting_bytes_max) {
    return try_again(429, "too many requests are waiting for tasks; it did not run");
  }
  return std::nullopt;
}

bool PullGateway::joins(const http::Request& request, PullNumber number, http::Responder& responder) {
  const std::string key(key_of(request));
  if (key.empty()) return false;
  const RequestDigest digest = digest_of(request.head.path(), request.body.view());
  const IdempotencyTable::Known known = table_.begin(key, digest, number, now_());
  switch (known.what) {
    case IdempotencyTable::Known::What::nothing:
      return false;
    case IdempotencyTable::Known::What::under_way:
      ++waiting_;
      open_.at(known.pull).responders.push_back(std::move(responder));
      return true;
    case IdempotencyTable::Known::What::answered:
      responder.send(replay(*known.answer));
      return true;
    case IdempotencyTable::Known::What::other:
      responder.send(http::error_response(422, "this Idempotency-Key belongs to another request; take a new one"));
      return true;
    case IdempotencyTable::Known::What::full:
      break;
  }
  responder.send(try_again(429, "too many requests with an Idempotency-Key are under way; it did not run"));
  return true;
}

void PullGateway::start(http::Request request, PullNumber number, http::Responder responder) {
  Open open;
  open.responders.push_back(std::move(responder));
  open.key = key_of(request);
  open.bytes = request.body.size();
  waiting_bytes_ += open.bytes;
  ++waiting_;
  open_.emplace(number, std::move(open));
  runtime::OutsidePull pull{*read_task(request.id(kTask), target_.tasks), std::string(request.id(kMethod)),
                            std::move(request.body), now_() + target_.deadline};
  // Posted even when it comes within this call, so that a handler never runs into another one.
  target_.pulls.pull(std::move(pull), [this, number, back = back_](runtime::OutsideAnswer answer) {
    back->post([this, number, answer = std::move(answer)] { ended(number, answer); });
  });
}

void PullGateway::ended(PullNumber number, const runtime::OutsideAnswer& answer) {
  const auto found = open_.find(number);
  if (found == open_.end()) return;  // told at the close
  Open open = std::move(found->second);
  open_.erase(found);
  const http::Response response = response_to(answer);
  if (!open.key.empty()) {
    if (is_answer_of_task(answer)) {
      table_.answered(open.key, {response.status, response.content_type, response.body}, now_());
    } else {
      table_.failed(open.key);
    }
  }
  send(std::move(open), response);
}

void PullGateway::send(Open open, const http::Response& response) {
  waiting_ -= open.responders.size();
  waiting_bytes_ -= open.bytes;
  for (http::Responder& responder : open.responders) responder.send(response);
}

}  // namespace taskgraph::control
