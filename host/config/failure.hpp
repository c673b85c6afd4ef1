/// How a step of the start ends when it does not succeed: what to tell the user, and the code to exit with.
#pragma once

#include <boost/system/result.hpp>

#include <string>

#include "host/config/exit_codes.hpp"

namespace taskgraph::config {

struct Failure {
  ExitCode code = ExitCode::own_bug;
  std::string text;  ///< names place, what is wrong and the cure; no trailing newline; may have several lines
};

template <typename T>
using Result = boost::system::result<T, Failure>;

}  // namespace taskgraph::config
