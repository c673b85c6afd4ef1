#include "host/control/pull_response.hpp"

#include <taskgraph/abi.h>

#include <string>

#include "host/control/json.hpp"

namespace taskgraph::control {
namespace {

using runtime::OutsideAnswer;
using Kind = OutsideAnswer::Kind;

constexpr std::string_view kRetryAfterSeconds = "1";

/// An error that has a code.
http::Response refusal(std::uint16_t status, const OutsideAnswer& answer) {
  Json json;
  json.begin_object().key("error").text(answer.body.view());
  json.key("code").signed_number(answer.code).end_object();
  return http::json_response(status, json.take());
}

http::Response with_retry(http::Response response) {
  response.fields.emplace_back("Retry-After", kRetryAfterSeconds);
  return response;
}

http::Response response_to_error(const OutsideAnswer& answer) {
  switch (answer.code) {
    case TG_CODE_UNAVAILABLE:
      return with_retry(refusal(503, answer));
    case TG_CODE_NO_SUCH_METHOD:
      return refusal(404, answer);
    case TG_CODE_BUSY:
      return with_retry(refusal(429, answer));
    case TG_CODE_TOO_LARGE:
      return refusal(413, answer);
    case TG_CODE_ANSWER_TOO_LARGE:
      return refusal(500, answer);
    default:
      return refusal(422, answer);
  }
}

http::Response response_to_outcome(const OutsideAnswer& answer) {
  switch (answer.outcome) {
    case core::Outcome::value:
      return {200, "application/octet-stream", answer.body, {}};
    case core::Outcome::error:
      return response_to_error(answer);
    case core::Outcome::deadline:
      return http::error_response(504, "the task did not answer in time; whether it ran is not known");
    case core::Outcome::epoch_passed:
    case core::Outcome::peer_lost:
    case core::Outcome::cancelled:
      break;
  }
  return try_again(503, "the task gave no answer; try again");
}

}  // namespace

http::Response try_again(std::uint16_t status, std::string_view message) {
  return with_retry(http::error_response(status, message));
}

http::Response response_to(const OutsideAnswer& answer) {
  switch (answer.kind) {
    case Kind::answered:
      return response_to_outcome(answer);
    case Kind::no_primary:
      return try_again(503, "the task has no primary at the moment; try again");
    case Kind::deadline:
      return http::error_response(504, "the task did not answer in time; whether it ran is not known");
    case Kind::busy:
      return try_again(429, "too many requests are waiting for tasks; it did not run");
    case Kind::closed:
      break;
  }
  return http::error_response(503, "the job ends");
}

bool is_answer_of_task(const OutsideAnswer& answer) {
  if (answer.kind != Kind::answered) return false;
  if (answer.outcome == core::Outcome::value) return true;
  return answer.outcome == core::Outcome::error && answer.code != TG_CODE_UNAVAILABLE && answer.code != TG_CODE_BUSY &&
         answer.code != TG_CODE_TOO_LARGE;
}

}  // namespace taskgraph::control
