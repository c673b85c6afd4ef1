/// What a pull's end is in HTTP.
///
/// | status | when | body |
/// |---|---|---|
/// | 200 | the task answered | its bytes |
/// | 404 | it does not know the method | JSON |
/// | 413 | the request is larger than limits.message_bytes; it did not run | JSON |
/// | 422 | it refused: its own error | JSON, with its text and code |
/// | 429, Retry-After | a limit was reached; it did not run | JSON |
/// | 500 | it ran, and its answer is larger than limits.message_bytes | JSON |
/// | 503, Retry-After | there was no primary for as long as the request was held, or the task dropped the pull | JSON |
/// | 503 | the job ends | JSON |
/// | 504 | a primary had it, and did not answer by the deadline; whether it ran is not known | JSON |
///
/// JSON is {"error": "...", "code": N}; `code`, of abi.h, where it comes from the task.
#pragma once

#include "host/http/response.hpp"
#include "host/runtime/outside_pulls.hpp"

namespace taskgraph::control {

/// Pure.
http::Response response_to(const runtime::OutsideAnswer& answer);
/// The task ran it, or will never: asked again with the same key, it gets the same answer, which is worth storing.
bool is_answer_of_task(const runtime::OutsideAnswer& answer);

/// 503 or 429 that says when to try again.
http::Response try_again(std::uint16_t status, std::string_view message);

}  // namespace taskgraph::control
