#include "host/config/topology_file.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "host/config/json_canonical.hpp"
#include "host/config/topology_links.hpp"
#include "host/config/topology_policies.hpp"
#include "host/config/topology_section.hpp"
#include "host/config/topology_tasks.hpp"
#include "host/config/words.hpp"

namespace taskgraph::config {
namespace {

constexpr std::int64_t kVersion = 1;
constexpr std::size_t kPluginPathBytesMax = 4'096;

/// Reads the whole document in the order of topologies/README.md.
class TopologyReader {
 public:
  explicit TopologyReader(Diagnostics& out) : reading_{out, {}} {}

  void run(JsonValue root, TopologyFile& file) {
    Section section(reading_, root, "");
    if (!root.is(JsonKind::object) || !read_version(section)) return;
    read_job(section, file);
    read_plugin(section.required("plugin", "{ \"path\": \"NAME.so\" }"), file);
    const auto tasks_value = section.required("tasks", "{ \"count\": 2 }");
    TasksSection tasks = tasks_value ? read_tasks(reading_, tasks_value) : TasksSection{};
    auto links = read_links(reading_, section.member("links"), tasks.count);
    read_coordinator(reading_, section.member("coordinator"));
    file.spec.failure = read_failure(reading_, section.member("failure"));
    file.spec.restart = read_restart(reading_, section.member("restart"));
    const auto checkpoint = section.member("checkpoint");
    if (checkpoint) section.error(*checkpoint, "checkpoint", "checkpoints are not in this version; remove the section");
    file.spec.limits = read_limits(reading_, section.member("limits"));
    file.start_timeout = read_placement(reading_, section.member("placement"));
    section.finish();
    file.spec.topology = std::make_shared<core::Topology>(tasks.count, std::move(links));
    file.spec.backups = std::move(tasks.backups);
    file.values = std::move(reading_.values);
  }

 private:
  bool read_version(Section& section) {
    const auto version = section.required("version", "1");
    if (!version) return false;
    if (version->integer() != kVersion) {
      section.error(*version, "version",
                    "version " + shown(*version) + " is not known to this host, which reads version 1");
      return false;
    }
    reading_.note("/version", std::to_string(kVersion), version);
    return true;
  }

  void read_job(Section& section, TopologyFile& file) {
    const auto job = section.required("job", "\"NAME\"");
    if (!job) return;
    if (!job->is(JsonKind::text) || !is_name(job->text())) {
      section.error(*job, "job", shown(*job) + " is no name for a job; take " + std::string(kNameRule));
      return;
    }
    file.spec.name = job->text();
    reading_.note("/job", file.spec.name, job);
  }

  void read_plugin(std::optional<JsonValue> value, TopologyFile& file) {
    if (!value) return;
    Section section(reading_, value, "/plugin");
    const auto path = section.required("path", "\"NAME.so\"");
    const bool is_path = path && path->is(JsonKind::text) && !path->text().empty() &&
                         path->text().size() <= kPluginPathBytesMax &&
                         path->text().find('\0') == std::string_view::npos;
    if (is_path) {
      file.plugin_path = path->text();
      reading_.note("/plugin/path", file.plugin_path, path);
    } else if (path) {
      section.error(*path, "path",
                    "expected the path of a plugin (1 to " + std::to_string(kPluginPathBytesMax) +
                        " bytes, no NUL) such as \"regression.so\", not " + shown(*path));
    }
    const auto args = section.member("args");
    section.finish();
    if (args && !args->is(JsonKind::object)) {
      section.error(*args, "args", "expected an object {...}, not " + shown(*args));
      return;
    }
    file.args_json = args ? canonical_json(*args) : "{}";
    if (!args || args->size() == 0) return reading_.note("/plugin/args", "{}", args);
    file.args = flatten_arguments(*args, "/plugin/args", reading_.out);
    const SourceText& source = reading_.out.source();
    for (const PluginArgument& argument : file.args) {
      const std::string origin = source.name() + ":" + std::to_string(source.line(argument.offset));
      reading_.values.push_back({"plugin.args." + argument.name, argument.text, origin});
    }
  }

  TopologyReading reading_;
};

TopologyErrors whole_file(TopologyErrors::Kind kind, const std::filesystem::path& file, std::string message) {
  return {kind, {{Severity::error, file.string(), {}, {}, std::move(message)}}, 0};
}

/// Owns a file descriptor.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

std::string error_text(int code) {
  return std::generic_category().message(code);
}

/// The whole of a regular file.
std::variant<std::string, TopologyErrors> read_text(const std::filesystem::path& file) {
  using Kind = TopologyErrors::Kind;
  // O_NONBLOCK: a pipe that nobody writes to must not stop us before we see that it is one.
  const Descriptor descriptor(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (descriptor.get() < 0) {
    const int code = errno;
    if (code == ENOENT || code == ENOTDIR) return whole_file(Kind::missing, file, "no such file");
    return whole_file(Kind::unreadable, file, "cannot be opened: " + error_text(code));
  }
  struct stat status {};
  if (::fstat(descriptor.get(), &status) != 0) {
    return whole_file(Kind::unreadable, file, "cannot be read: " + error_text(errno));
  }
  if (S_ISDIR(status.st_mode)) return whole_file(Kind::unreadable, file, "is a folder; name a file");
  if (!S_ISREG(status.st_mode)) return whole_file(Kind::unreadable, file, "is no regular file but a pipe or device");
  const std::string too_long = "longer than " + std::to_string(kTopologyFileBytesMax) + " bytes (16 MiB)";
  if (static_cast<std::uint64_t>(status.st_size) > kTopologyFileBytesMax)
    return whole_file(Kind::invalid, file, too_long);
  std::string text(static_cast<std::size_t>(status.st_size) + 1, '\0');  // one more, to see that the end is the end
  std::size_t size = 0;
  for (;;) {
    const ::ssize_t got = ::read(descriptor.get(), text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return whole_file(Kind::unreadable, file, "cannot be read: " + error_text(errno));
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
    if (size > kTopologyFileBytesMax) return whole_file(Kind::invalid, file, too_long);
    if (size == text.size()) text.resize(size * 2);  // it grew meanwhile
  }
  text.resize(size);
  return text;
}

}  // namespace

std::string TopologyErrors::text() const {
  std::string out;
  for (const Diagnostic& diagnostic : diagnostics) {
    if (!out.empty()) out += '\n';
    out += to_text(diagnostic);
  }
  if (omitted != 0) out += fmt::format("\nand {} more", omitted);
  return out;
}

Failure TopologyErrors::failure() const {
  return {kind == Kind::invalid ? ExitCode::topology_invalid : ExitCode::file_missing, text()};
}

TopologyResult parse_topology(std::string name, std::string text, std::filesystem::path directory) {
  const SourceText source(std::move(name), std::move(text));
  Diagnostics out(source);
  const auto document = JsonDocument::parse(out);
  TopologyFile file;
  if (document) TopologyReader(out).run(document->root(), file);
  if (!document || out.has_errors()) {
    return TopologyErrors{TopologyErrors::Kind::invalid, out.take_errors(), out.omitted()};
  }
  file.directory = std::move(directory);
  file.canonical = canonical_topology(document->root());
  file.digest = sha256_hex(file.canonical);
  file.warnings = out.take_warnings();
  return file;
}

TopologyResult load_topology_file(const std::filesystem::path& file) {
  auto text = read_text(file);
  if (auto* errors = std::get_if<TopologyErrors>(&text)) return std::move(*errors);
  std::error_code error;
  const auto absolute = std::filesystem::absolute(file, error);
  if (error) return whole_file(TopologyErrors::Kind::unreadable, file, "has no absolute path: " + error.message());
  return parse_topology(file.string(), std::move(std::get<std::string>(text)),
                        absolute.lexically_normal().parent_path());
}

}  // namespace taskgraph::config
