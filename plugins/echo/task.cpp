#include "plugins/echo/task.hpp"

#include <unistd.h>

#include <charconv>
#include <utility>

namespace taskgraph::echo {
namespace {

void serve_bytes(Pull pull) {
  const std::string_view text = pull.body();
  std::uint64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error == std::errc::result_out_of_range || (error == std::errc() && count > kAnswerBytesMax)) {
    return pull.refuse(Code::too_large, "bytes: at most " + std::to_string(kAnswerBytesMax) + " bytes");
  }
  if (error != std::errc() || end != text.data() + text.size()) {
    return pull.refuse(Code::failed, "bytes: expected a decimal number of bytes, such as 1024");
  }
  std::string answer(count, '\0');
  for (std::uint64_t i = 0; i < count; ++i) answer[i] = pattern_byte(i);
  pull.reply(std::move(answer));
}

}  // namespace

void EchoTask::serve(Pull pull) {
  if (pull.method() == "echo") {
    pull.reply(pull.body());
  } else if (pull.method() == "bytes") {
    serve_bytes(std::move(pull));
  } else if (pull.method() == "whoami") {
    pull.reply(whoami());
  } else {
    pull.refuse(Code::no_such_method, "there is no such method (methods: echo bytes whoami)");
  }
}

std::string EchoTask::whoami() const {
  // A life is a uuid: nothing in it needs escaping.
  return "{\"task\":" + std::to_string(host().task_id()) + ",\"term\":" + std::to_string(host().term()) +
         ",\"epoch\":" + std::to_string(host().epoch()) + ",\"life\":\"" + std::string(host().life()) +
         "\",\"pid\":" + std::to_string(::getpid()) + "}";
}

}  // namespace taskgraph::echo
