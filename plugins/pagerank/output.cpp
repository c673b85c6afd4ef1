#include "plugins/pagerank/output.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <limits>
#include <memory>
#include <stdexcept>
#include <system_error>

namespace taskgraph::pagerank {
namespace {

constexpr std::size_t kWriteBytes = 1 << 20;
/// Of one line: 20 digits, a tab, 24 characters of a number, a line feed.
constexpr std::size_t kLineBytesWritten = 64;

struct Ranked {
  double rank;
  VertexId id;
};

/// `number` as printf's %.17g prints it in the C locale, whatever the locale is.
char* print_number(char* to, char* end, double number) {
  return std::to_chars(to, end, number, std::chars_format::general, std::numeric_limits<double>::max_digits10).ptr;
}

bool write_lines(std::FILE* file, const std::vector<Ranked>& ranked) {
  std::vector<char> buffer(kWriteBytes);
  char* const end = buffer.data() + buffer.size();
  char* at = buffer.data();
  const auto flush = [&] {
    const auto size = static_cast<std::size_t>(at - buffer.data());
    at = buffer.data();
    return std::fwrite(buffer.data(), 1, size, file) == size;
  };
  for (const Ranked& one : ranked) {
    if (static_cast<std::size_t>(end - at) < kLineBytesWritten && !flush()) return false;
    at = std::to_chars(at, end, one.id).ptr;
    *at++ = '\t';
    at = print_number(at, end, one.rank);
    *at++ = '\n';
  }
  return flush();
}

}  // namespace

void write_ranks(const std::filesystem::path& path, const std::string& suffix, const std::vector<VertexId>& ids,
                 const std::vector<double>& ranks) {
  std::vector<Ranked> ranked(ids.size());
  for (std::size_t i = 0; i < ids.size(); ++i) ranked[i] = {ranks[i], ids[i]};
  std::sort(ranked.begin(), ranked.end(),
            [](const Ranked& a, const Ranked& b) { return a.rank != b.rank ? a.rank > b.rank : a.id < b.id; });

  std::filesystem::path unfinished = path;
  unfinished += suffix;
  std::FILE* const file = std::fopen(unfinished.c_str(), "we");
  const auto fail = [&](int code) {
    throw std::runtime_error(path.string() + ": could not be written: " + std::generic_category().message(code));
  };
  if (file == nullptr) fail(errno);
  errno = 0;
  bool written = write_lines(file, ranked);
  int code = errno;
  if (std::fclose(file) != 0 && written) {
    written = false;
    code = errno;
  }
  if (written && std::rename(unfinished.c_str(), path.c_str()) != 0) {
    written = false;
    code = errno;
  }
  if (written) return;
  std::remove(unfinished.c_str());
  fail(code);
}

std::string print_summary(const Summary& summary) {
  char step[32];
  char* const end = print_number(step, step + sizeof(step), summary.step);
  return "{\"iterations\":" + std::to_string(summary.iterations) + ",\"vertices\":" + std::to_string(summary.vertices) +
         ",\"edges\":" + std::to_string(summary.edges) + ",\"step\":" + std::string(step, end) +
         ",\"converged\":" + (summary.converged ? "true" : "false") +
         ",\"restarts\":" + std::to_string(summary.restarts) + "}";
}

std::string print_error(const std::string& text) {
  std::string json = "{\"error\":\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') json += '\\';
    json += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
  }
  return json + "\"}";
}

}  // namespace taskgraph::pagerank
