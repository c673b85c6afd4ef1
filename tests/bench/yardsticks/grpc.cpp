// usage: taskgraph-grpc_yardstick sync|async|stream BYTES COUNT [IN_FLIGHT]
// Two processes, gRPC over loopback without TLS. sync: blocking stub and synchronous server, one at a time. async:
// completion-queue client, callback server, IN_FLIGHT at once. stream: an answer comes as messages of 1 MiB, into one
// message that is used again. A question has min(BYTES, 64). Prints a line of JSON.
#include <grpcpp/grpcpp.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "probe.grpc.pb.h"
#include "tests/bench/yardsticks/tally.hpp"

namespace {

using yardstick::Answer;
using yardstick::Probe;
using yardstick::Question;

constexpr std::size_t kPieceBytes = std::size_t{1024} * 1024;

std::string text(std::size_t bytes) {
  return std::string(bytes, 'a');
}

class SyncService final : public Probe::Service {
  grpc::Status Pull(grpc::ServerContext*, const Question* question, Answer* answer) override {
    answer->mutable_body()->resize(question->answer_bytes(), 'a');
    return grpc::Status::OK;
  }
  grpc::Status Stream(grpc::ServerContext*, const Question* question, grpc::ServerWriter<Answer>* out) override {
    Answer piece;
    piece.set_body(text(kPieceBytes));
    for (std::uint64_t sent = 0; sent < question->answer_bytes(); sent += kPieceBytes) out->Write(piece);
    return grpc::Status::OK;
  }
};

class CallbackService final : public Probe::CallbackService {
  grpc::ServerUnaryReactor* Pull(grpc::CallbackServerContext* context, const Question* question,
                                 Answer* answer) override {
    answer->mutable_body()->resize(question->answer_bytes(), 'a');
    auto* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }
};

/// Never returns: the parent ends it.
[[noreturn]] void serve(const std::string& mode, int tell) {
  SyncService sync;
  CallbackService callback;
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.SetMaxReceiveMessageSize(-1);
  if (mode == "async") {
    builder.RegisterService(&callback);
  } else {
    builder.RegisterService(&sync);
  }
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr || ::write(tell, &port, sizeof port) != sizeof port) std::_Exit(1);
  server->Wait();
  std::_Exit(0);
}

void check(const grpc::Status& status, std::size_t got, std::size_t wanted) {
  if (!status.ok()) throw std::runtime_error(status.error_message());
  if (got != wanted) throw std::runtime_error("an answer has another size");
}

Question question_for(std::size_t bytes) {
  Question question;
  question.set_body(text(std::min<std::size_t>(bytes, 64)));
  question.set_answer_bytes(bytes);
  return question;
}

void ask_sync(Probe::Stub& stub, std::size_t bytes, yardstick::Tally& tally) {
  const Question question = question_for(bytes);
  Answer answer;
  std::int64_t since = yardstick::now_ns();
  do {
    grpc::ClientContext context;
    const grpc::Status status = stub.Pull(&context, question, &answer);
    check(status, answer.body().size(), bytes);
  } while (tally.ended(since));
}

void ask_stream(Probe::Stub& stub, std::size_t bytes, yardstick::Tally& tally) {
  const Question question = question_for(bytes);
  Answer piece;
  std::int64_t since = yardstick::now_ns();
  do {
    grpc::ClientContext context;
    const auto stream = stub.Stream(&context, question);
    std::size_t got = 0;
    while (stream->Read(&piece)) got += piece.body().size();
    check(stream->Finish(), got, bytes);
  } while (tally.ended(since));
}

struct Call {
  grpc::ClientContext context;
  Answer answer;
  grpc::Status status;
  std::int64_t since = 0;
  std::unique_ptr<grpc::ClientAsyncResponseReader<Answer>> reader;
};

void ask_async(Probe::Stub& stub, std::size_t bytes, std::int64_t in_flight, yardstick::Tally& tally) {
  const Question question = question_for(bytes);
  grpc::CompletionQueue queue;
  const auto start = [&] {
    auto* call = new Call;
    call->since = yardstick::now_ns();
    call->reader = stub.AsyncPull(&call->context, question, &queue);
    call->reader->Finish(&call->answer, &call->status, call);
  };
  for (std::int64_t i = 0; i < in_flight; ++i) start();
  std::int64_t open = in_flight;
  bool more = true;
  void* tag = nullptr;
  bool good = false;
  while (open != 0 && queue.Next(&tag, &good)) {
    const std::unique_ptr<Call> call(static_cast<Call*>(tag));
    --open;
    check(call->status, call->answer.body().size(), bytes);
    if (!more) continue;
    more = tally.ended(call->since);
    if (!more) continue;
    start();
    ++open;
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::string mode = argc > 1 ? argv[1] : "";
  if (argc < 4 || (mode != "sync" && mode != "async" && mode != "stream")) {
    std::fputs("usage: taskgraph-grpc_yardstick sync|async|stream BYTES COUNT [IN_FLIGHT]\n", stderr);
    return 64;
  }
  int told[2] = {-1, -1};
  if (::pipe(told) != 0) return 1;
  const pid_t server = ::fork();  // before gRPC has any thread
  if (server == 0) serve(mode, told[1]);
  int port = 0;
  if (server < 0 || ::read(told[0], &port, sizeof port) != sizeof port) return 1;

  int status = 0;
  try {
    const std::size_t bytes = std::strtoull(argv[2], nullptr, 10);
    yardstick::Tally tally(std::strtoll(argv[3], nullptr, 10));
    grpc::ChannelArguments arguments;
    arguments.SetMaxReceiveMessageSize(-1);
    const auto channel =
        grpc::CreateCustomChannel("127.0.0.1:" + std::to_string(port), grpc::InsecureChannelCredentials(), arguments);
    const std::unique_ptr<Probe::Stub> stub = Probe::NewStub(channel);
    if (mode == "sync") ask_sync(*stub, bytes, tally);
    if (mode == "stream") ask_stream(*stub, bytes, tally);
    if (mode == "async") ask_async(*stub, bytes, argc > 4 ? std::strtoll(argv[4], nullptr, 10) : 64, tally);
    tally.print();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "taskgraph-grpc_yardstick: %s\n", error.what());
    status = 1;
  }
  ::kill(server, SIGKILL);
  ::waitpid(server, nullptr, 0);
  return status;
}
