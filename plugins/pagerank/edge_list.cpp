#include "plugins/pagerank/edge_list.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string_view>
#include <system_error>

namespace taskgraph::pagerank {
namespace {

constexpr std::size_t kReadBytes = 1 << 20;
constexpr std::size_t kShownBytesMax = 60;

[[noreturn]] void throw_system(const std::filesystem::path& path, int code) {
  throw std::invalid_argument(path.string() + ": " + std::generic_category().message(code));
}

class File {
 public:
  explicit File(const std::filesystem::path& path)
      : path_(path), fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
    if (fd_ < 0) throw_system(path_, errno);
    struct stat facts {};
    const bool known = ::fstat(fd_, &facts) == 0;
    if (known && S_ISREG(facts.st_mode)) return;
    ::close(fd_);
    throw std::invalid_argument(path_.string() + ": is no regular file");
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() { ::close(fd_); }

  /// 0 at the end.
  std::size_t read(char* to, std::size_t size) {
    for (;;) {
      const ssize_t got = ::read(fd_, to, size);
      if (got >= 0) return static_cast<std::size_t>(got);
      if (errno != EINTR) throw_system(path_, errno);
    }
  }

 private:
  const std::filesystem::path& path_;
  int fd_;
};

std::string quoted(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  std::string text = "\"";
  for (const char c : line.substr(0, kShownBytesMax)) text += c >= ' ' && c < 127 ? c : '?';
  return text + (line.size() > kShownBytesMax ? "...\"" : "\"");
}

bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

/// Moves `at` past the digits of a number; false when there is none, or one beyond 64 bits. The line ends in '\n'.
bool parse_id(const char*& at, VertexId& id) {
  const char* const begin = at;
  VertexId value = 0;
  for (; *at >= '0' && *at <= '9'; ++at) {
    const auto digit = static_cast<VertexId>(*at - '0');
    if (value > UINT64_MAX / 10 || (value == UINT64_MAX / 10 && digit > UINT64_MAX % 10)) return false;
    value = value * 10 + digit;
  }
  id = value;
  return at != begin;
}

enum class Line { edge, nothing, bad };

/// Reads the line at `at`, which ends in '\n'; leaves `at` anywhere in it.
Line parse_line(const char*& at, RawEdge& edge) {
  while (is_blank(*at)) ++at;
  if (*at == '\n' || *at == '#' || (*at == '\r' && at[1] == '\n')) return Line::nothing;
  if (!parse_id(at, edge.from) || !is_blank(*at)) return Line::bad;
  while (is_blank(*at)) ++at;
  if (!parse_id(at, edge.to)) return Line::bad;
  while (is_blank(*at) || *at == '\r') ++at;
  return *at == '\n' ? Line::edge : Line::bad;
}

/// Edges out of whole lines, one piece of the file after the other.
class Parser {
 public:
  explicit Parser(const std::filesystem::path& path) : path_(path) {}

  void take(const char* at, const char* end) {
    while (at != end) {
      ++line_;
      const char* const begin = at;
      RawEdge edge{};
      const Line line = parse_line(at, edge);
      if (line == Line::edge) {
        if (edges_.size() == kEdgesMax) fail("more than " + std::to_string(kEdgesMax) + " edges");
        edges_.push_back(edge);
      }
      if (*at != '\n') at = static_cast<const char*>(std::memchr(at, '\n', static_cast<std::size_t>(end - at)));
      if (line == Line::bad) {
        fail(
            "expected two vertex numbers from 0 to 18446744073709551615, separated by blanks or tabs, or a comment "
            "after #; found " +
            quoted({begin, static_cast<std::size_t>(at - begin)}));
      }
      ++at;
    }
  }
  void fail_at_next_line(const std::string& what) {
    ++line_;
    fail(what);
  }
  std::vector<RawEdge> edges() && { return std::move(edges_); }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw std::invalid_argument(path_.string() + ":" + std::to_string(line_) + ": " + what);
  }

  const std::filesystem::path& path_;
  std::uint64_t line_ = 0;
  std::vector<RawEdge> edges_;
};

}  // namespace

std::vector<RawEdge> read_edges(const std::filesystem::path& path) {
  File file(path);
  Parser parser(path);
  // The start of a line whose end has not been read yet stays in front; a byte more for the '\n' that the last line may
  // lack.
  std::vector<char> buffer(kLineBytesMax + kReadBytes + 1);
  std::size_t kept = 0;
  while (const std::size_t got = file.read(buffer.data() + kept, kReadBytes)) {
    const char* const begin = buffer.data();
    const std::size_t size = kept + got;
    const auto* last = static_cast<const char*>(::memrchr(begin + kept, '\n', got));
    const std::size_t whole = last == nullptr ? 0 : static_cast<std::size_t>(last - begin) + 1;
    parser.take(begin, begin + whole);
    kept = size - whole;
    if (kept > kLineBytesMax) parser.fail_at_next_line("longer than " + std::to_string(kLineBytesMax) + " bytes");
    std::memmove(buffer.data(), begin + whole, kept);
  }
  if (kept != 0) {
    buffer[kept] = '\n';
    parser.take(buffer.data(), buffer.data() + kept + 1);
  }
  return std::move(parser).edges();
}

}  // namespace taskgraph::pagerank
