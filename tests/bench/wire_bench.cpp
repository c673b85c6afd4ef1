/// What a pull request with a body of 64 bytes costs on the wire, as one of many in its batch.
#include <benchmark/benchmark.h>

#include <string>

#include "host/wire/frame_codec.hpp"

namespace {

using namespace taskgraph;

constexpr int kMessages = 1'000;
constexpr wire::BatchHeader kHeader{{1, 2}, {3, 4}, {5, 6}};

core::Frame request() {
  // Numbers as they are some hours into a job.
  const core::Stamp stamp{kHeader.job, {117}, {3}, {1'234}, {5}, {100'000}, 7'777'777, 7'777'770};
  return {stamp,
          core::PullRequest{(std::uint64_t{700'000} << 32U) | 12U, "gradient", core::Bytes(std::string(64, 'x'))}};
}

void encode(benchmark::State& state) {
  const core::Frame frame = request();
  std::string out;
  for (auto _ : state) {
    out.clear();
    wire::BatchWriter writer(out, kHeader);
    for (int i = 0; i < kMessages; ++i) benchmark::DoNotOptimize(writer.add(frame));
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * kMessages);
}
BENCHMARK(encode)->Name("wire/encode");

void decode(benchmark::State& state) {
  std::string batch;
  wire::BatchWriter writer(batch, kHeader);
  for (int i = 0; i < kMessages; ++i) writer.add(request());
  for (auto _ : state) {
    wire::BatchReader reader(batch);
    while (auto message = reader.next()) benchmark::DoNotOptimize(message);
    if (reader.error().has_value()) state.SkipWithError(reader.error()->text.c_str());
  }
  state.SetItemsProcessed(state.iterations() * kMessages);
}
BENCHMARK(decode)->Name("wire/decode");

}  // namespace

BENCHMARK_MAIN();
