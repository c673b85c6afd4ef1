// PageRank by plain loops in one thread: what the pagerank job is compared with, for its ranks and for its speed. It
// shares no code with the plugin, so that they cannot be wrong together; its messages are for people who know what it
// is for.
//
//     pagerank-serial INPUT OUTPUT [DAMPING [TOLERANCE [ITERATIONS_MAX]]]
//
// Same input, same output, same arithmetic as the plugin; prints a line of JSON with the seconds that each part took.
#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

namespace {

using Index = std::uint32_t;

[[noreturn]] void die(const std::string& text) {
  std::fprintf(stderr, "pagerank-serial: %s\n", text.c_str());
  std::exit(1);
}

std::vector<std::uint64_t> read_numbers(const char* path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) die(std::string("cannot read ") + path);
  std::string text(static_cast<std::size_t>(file.tellg()), '\0');
  file.seekg(0);
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  std::vector<std::uint64_t> numbers;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at != end) {
    if (*at == '#') {
      at = std::find(at, end, '\n');
    } else if (*at >= '0' && *at <= '9') {
      std::uint64_t number = 0;
      for (; at != end && *at >= '0' && *at <= '9'; ++at) number = number * 10 + static_cast<std::uint64_t>(*at - '0');
      numbers.push_back(number);
    } else {
      ++at;
    }
  }
  if (numbers.size() % 2 != 0 || numbers.size() / 2 >= UINT32_MAX) die("an odd number of ids, or too many");
  return numbers;
}

/// The sorted ids; `numbers` become places among them.
std::vector<std::uint64_t> compact(std::vector<std::uint64_t>& numbers) {
  std::vector<std::uint64_t> ids;
  const std::uint64_t largest = numbers.empty() ? 0 : *std::max_element(numbers.begin(), numbers.end());
  if (largest < 8 * numbers.size() + 8) {
    std::vector<Index> place(largest + 1, 0);
    for (const std::uint64_t number : numbers) place[number] = 1;
    for (std::uint64_t id = 0; id <= largest; ++id) {
      if (place[id] == 0) continue;
      place[id] = static_cast<Index>(ids.size());
      ids.push_back(id);
    }
    if (numbers.empty()) ids.clear();
    for (std::uint64_t& number : numbers) number = place[number];
    return ids;
  }
  ids = numbers;
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  for (std::uint64_t& number : numbers) {
    number = static_cast<std::uint64_t>(std::lower_bound(ids.begin(), ids.end(), number) - ids.begin());
  }
  return ids;
}

struct Graph {
  std::vector<std::uint64_t> ids;
  std::vector<std::size_t> begin;  // of the sources of each target; one more at the end
  std::vector<Index> sources;
  std::vector<Index> out_degree;
};

Graph load(const char* path) {
  std::vector<std::uint64_t> numbers = read_numbers(path);
  Graph graph;
  graph.ids = compact(numbers);
  const std::size_t count = graph.ids.size();
  std::vector<std::size_t> begin(count + 1, 0);
  for (std::size_t i = 1; i < numbers.size(); i += 2) ++begin[numbers[i] + 1];
  std::partial_sum(begin.begin(), begin.end(), begin.begin());
  std::vector<Index> sources(numbers.size() / 2);
  std::vector<std::size_t> place(begin.begin(), begin.end() - 1);
  for (std::size_t i = 0; i < numbers.size(); i += 2) sources[place[numbers[i + 1]]++] = static_cast<Index>(numbers[i]);
  graph.begin.push_back(0);
  graph.out_degree.assign(count, 0);
  for (std::size_t v = 0; v < count; ++v) {
    const auto first = sources.begin() + static_cast<std::ptrdiff_t>(begin[v]);
    const auto last = sources.begin() + static_cast<std::ptrdiff_t>(begin[v + 1]);
    std::sort(first, last);
    graph.sources.insert(graph.sources.end(), first, std::unique(first, last));
    for (std::size_t i = graph.begin.back(); i < graph.sources.size(); ++i) ++graph.out_degree[graph.sources[i]];
    graph.begin.push_back(graph.sources.size());
  }
  return graph;
}

struct Result {
  std::vector<double> ranks;
  double step = 0;
  long iterations = 0;
};

Result rank(const Graph& graph, double damping, double tolerance, long iterations_max) {
  const std::size_t count = graph.ids.size();
  const auto n = static_cast<double>(count);
  Result result;
  result.ranks.assign(count, 1.0 / n);
  std::vector<double> next(count);
  std::vector<double> share(count, 0.0);
  do {
    double dangling = 0;
    for (std::size_t v = 0; v < count; ++v) {
      if (graph.out_degree[v] == 0) {
        dangling += result.ranks[v];
      } else {
        share[v] = result.ranks[v] / graph.out_degree[v];
      }
    }
    const double base = (1.0 - damping) / n + damping * dangling / n;
    result.step = 0;
    for (std::size_t v = 0; v < count; ++v) {
      double sum = 0;
      for (std::size_t i = graph.begin[v]; i < graph.begin[v + 1]; ++i) sum += share[graph.sources[i]];
      next[v] = base + damping * sum;
      result.step += std::abs(next[v] - result.ranks[v]);
    }
    result.ranks.swap(next);
    ++result.iterations;
  } while (result.step >= tolerance && result.iterations < iterations_max);
  return result;
}

void write(const char* path, const Graph& graph, const std::vector<double>& ranks) {
  std::vector<std::pair<double, std::uint64_t>> order;
  for (std::size_t v = 0; v < ranks.size(); ++v) order.emplace_back(-ranks[v], graph.ids[v]);
  std::sort(order.begin(), order.end());
  std::string text;
  char number[64];
  for (const auto& [negative, id] : order) {
    text.append(number, std::to_chars(number, number + sizeof(number), id).ptr) += '\t';
    text.append(number,
                std::to_chars(number, number + sizeof(number), -negative, std::chars_format::general, 17).ptr) += '\n';
  }
  std::ofstream file(path, std::ios::binary);
  file << text;
  if (!file.flush()) die(std::string("cannot write ") + path);
}

double now_s() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3 || argc > 6) die("usage: pagerank-serial INPUT OUTPUT [DAMPING [TOLERANCE [ITERATIONS_MAX]]]");
  const double damping = argc > 3 ? std::atof(argv[3]) : 0.85;
  const double tolerance = argc > 4 ? std::atof(argv[4]) : 1e-10;
  const long iterations_max = argc > 5 ? std::atol(argv[5]) : 1000;
  const double start = now_s();
  const Graph graph = load(argv[1]);
  const double loaded = now_s();
  const Result result = rank(graph, damping, tolerance, iterations_max);
  const double ranked = now_s();
  write(argv[2], graph, result.ranks);
  std::printf(
      "{\"iterations\":%ld,\"vertices\":%zu,\"edges\":%zu,\"step\":%.17g,\"converged\":%s,"
      "\"load_s\":%.4f,\"rank_s\":%.4f,\"write_s\":%.4f}\n",
      result.iterations, graph.ids.size(), graph.sources.size(), result.step,
      result.step < tolerance ? "true" : "false", loaded - start, ranked - loaded, now_s() - ranked);
  return 0;
}
