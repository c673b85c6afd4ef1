// Loading a plugin: each way to be broken, its step and the words a user sees.
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <utility>

#include "host/plugin/library.hpp"
#include "tests/support/catch.hpp"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TASKGRAPH_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define TASKGRAPH_SANITIZED 1
#endif
#endif

namespace {

using namespace taskgraph::plugin;
using std::chrono::milliseconds;

const std::string kFolder = TASKGRAPH_TEST_PLUGINS;
const ProbeOptions kProbe{kFolder + "/taskgraph-probe-test", milliseconds(60'000)};
const std::string kMove =
    "; move that work from global objects into the TaskBuilder's constructor, where a throw refuses the plugin by its "
    "text";

std::string path_of(const std::string& name) {
  return kFolder + "/" + name + ".so";
}

/// The refusal of steps 1 to 5 without the constant front, "STEP: REASON".
std::string refusal_of(const std::string& name, const ProbeOptions& options = kProbe) {
  const Result<Library> library = Library::open(path_of(name), options);
  if (library) return "(none)";
  CHECK(library.error().path == path_of(name));
  CHECK(library.error().file_missing == (name == "missing"));
  return std::to_string(static_cast<int>(library.error().step)) + ": " + library.error().reason;
}

std::string init_refusal_of(const std::string& name) {
  static const tg_host_api api{};
  static const tg_job job{sizeof(tg_job), 0, nullptr, {"test", 4}, {"{}", 2}, 1, {"/", 1}};
  const Result<Library> library = Library::open(path_of(name), kProbe);
  REQUIRE(library.has_value());
  const auto refused = library->init(api, job);
  return refused ? std::to_string(static_cast<int>(refused->step)) + ": " + refused->reason : "";
}

}  // namespace

TEST_CASE("a good plugin is loaded and stays", "[plugin][library]") {
  const Result<Library> library = Library::open(path_of("minimal"), kProbe);
  REQUIRE(library.has_value());
  CHECK(library->plugin().name == std::string("minimal"));
  CHECK(library->path() == path_of("minimal"));
  CHECK(init_refusal_of("minimal") == "");
  library->deinit();  // it has none
  // A relative path is one from the working directory.
  const Result<Library> again = Library::open(std::filesystem::relative(path_of("minimal")), kProbe);
  REQUIRE(again.has_value());
  CHECK(&again->plugin() == &library->plugin());
}

TEST_CASE("step 1: what is no whole library for this machine", "[plugin][library]") {
  CHECK(refusal_of("missing") == "1: there is no such file; check plugin.path in the topology file");
  CHECK(refusal_of("folder") == "1: it is a folder; name the .so file in it");
  CHECK(refusal_of("empty") == "1: the file is empty; copy or build it again");
  CHECK(refusal_of("text") ==
        "1: no ELF file: begins with 54 68 69 73, a shared library with 7f 45 4c 46; name the .so file itself");
  CHECK(refusal_of("truncated_header") ==
        "1: truncated: its ELF header ends at byte 64, the file ends at byte 40; copy or build it again");
  CHECK(refusal_of("truncated").substr(0, 16) == "1: truncated: it");
  CHECK(refusal_of("class32") == "1: built for 32-bit, this host is 64-bit; build it for x86-64");
  CHECK(refusal_of("big_endian") == "1: built for big-endian, this host is little-endian; build it for x86-64");
  CHECK(refusal_of("other_machine") == "1: built for AArch64, this host is x86-64; build it for x86-64");
  CHECK(refusal_of("object_file") ==
        "1: an object file (.o), not a shared library; link it with -shared (taskgraph_add_plugin does)");
  CHECK(refusal_of("executable_file") ==
        "1: an executable, not a shared library; link it with -shared (taskgraph_add_plugin does)");
  const Result<Library> device = Library::open("/dev/null", kProbe);
  REQUIRE(device.has_error());
  CHECK(device.error().message() ==
        "plugin /dev/null refused at step 1 of 6: it is no regular file; name the .so file itself");
  const Result<Library> below = Library::open(path_of("minimal") + "/x.so", kProbe);
  REQUIRE(below.has_error());
  CHECK(below.error().file_missing);
  const std::string loop =
      (std::filesystem::temp_directory_path() / ("taskgraph-loop-" + std::to_string(::getpid()) + ".so")).string();
  std::filesystem::create_symlink(loop, loop);
  const Result<Library> round = Library::open(loop, kProbe);
  std::filesystem::remove(loop);
  REQUIRE(round.has_error());
  CHECK(round.error().reason ==
        "cannot be read: Too many levels of symbolic links; check the permissions of the file and of its folders");
  const Result<Library> cut = Library::open(std::string("/dev/null\0.so", 13), kProbe);
  REQUIRE(cut.has_error());
  CHECK(cut.error().reason == "its path has a NUL byte in it; correct plugin.path in the topology file");
}

TEST_CASE("step 2: the loader's own reason", "[plugin][library]") {
  CHECK(refusal_of("undefined_symbol") ==
        "2: the loader says: undefined symbol: forgotten_library_function; link what defines it (taskgraph_add_plugin "
        "links "
        "with -z defs, so that this is found at build time)");
}

TEST_CASE("step 2: a constructor that ends the process costs the probe only", "[plugin][library]") {
  const std::string ended = "2: its constructors ended the process: ";
  CHECK(refusal_of("constructor_exits") == ended + "exit status 0 before the plugin was loaded" + kMove);
  CHECK(refusal_of("constructor_exits_at_once") == ended + "exit status 0 before the plugin was loaded" + kMove);
  CHECK(refusal_of("constructor_aborts") ==
        ended + "killed by signal 6 (Aborted) before the plugin was loaded" + kMove);
  CHECK(refusal_of("constructor_asserts") == ended +
                                                 "killed by signal 6 (Aborted) before the plugin was loaded, after it "
                                                 "wrote \"my_table.c:7: the table is empty\"" +
                                                 kMove);
  // By how the plugin was compiled, a throw ends the process or reaches the loader's caller.
  const std::string threw = refusal_of("constructor_throws");
  const bool died = threw.find(" (Aborted) ") != std::string::npos;
  CHECK(threw == (died ? ended +
                             "killed by signal 6 (Aborted) before the plugin was loaded, after it wrote \"what():  no "
                             "table for row 17\"" +
                             kMove
                       : "2: one of its constructors threw \"no table for row 17\"" + kMove));
#if !defined(TASKGRAPH_SANITIZED)  // a sanitizer turns this signal into an exit status
  CHECK(refusal_of("constructor_crashes") == ended +
                                                 "killed by signal 11 (Segmentation fault) before the plugin was "
                                                 "loaded; build it again in case the file is damaged, then debug "
                                                 "the constructors of its global objects");
#endif
}

TEST_CASE("step 2: a constructor that hangs is ended at the limit", "[plugin][library]") {
  const ProbeOptions impatient{kProbe.executable, milliseconds(250)};
  CHECK(refusal_of("constructor_hangs", impatient) == "2: its constructors did not return within 0.25 s" + kMove);
}

TEST_CASE("what a constructor has started ends with the probe, and does not keep it", "[plugin][library]") {
  const auto start = std::chrono::steady_clock::now();
  const std::string reason = refusal_of("constructor_forks");
  CHECK(std::chrono::steady_clock::now() - start < kProbe.limit / 2);
  const std::string before = ", after it wrote \"";
  const std::size_t at = reason.find(before);
  REQUIRE(at != std::string::npos);
  const pid_t child = std::stoi(reason.substr(at + before.size()));
  const long pidfd = ::syscall(SYS_pidfd_open, child, 0);
  if (pidfd >= 0) {  // not gone and reaped already
    pollfd ended{static_cast<int>(pidfd), POLLIN, 0};
    CHECK(::poll(&ended, 1, 10'000) == 1);
    ::close(static_cast<int>(pidfd));
  } else {
    CHECK(errno == ESRCH);
  }
}

TEST_CASE("a probe that cannot run is not the plugin's fault, and says so", "[plugin][library]") {
  CHECK(refusal_of("minimal", {kFolder + "/no_such_program", milliseconds(1'000)}) ==
        "2: the process that tries it, " + kFolder +
            "/no_such_program, cannot be started: No such file or directory; the plugin has not run");
  CHECK(refusal_of("minimal", {"/bin/false", milliseconds(60'000)}) ==
        "2: the process that tries it ended before it began: exit status 1; the plugin has not run");
}

TEST_CASE("a parent that ignores the end of its children still gets an answer", "[plugin][library]") {
  struct sigaction ignore {};
  struct sigaction before {};
  ignore.sa_handler = SIG_IGN;
  REQUIRE(::sigaction(SIGCHLD, &ignore, &before) == 0);
  const std::string good = refusal_of("minimal");
  const std::string bad = refusal_of("constructor_aborts");
  REQUIRE(::sigaction(SIGCHLD, &before, nullptr) == 0);
  CHECK(good == "(none)");
  CHECK(bad == "2: its constructors ended the process: its status is not known before the plugin was loaded" + kMove);
}

TEST_CASE("steps 3 to 5: what is no plugin, or one of another time", "[plugin][library]") {
  // The constructor of no_entry.so aborts: that it does not show means that it was not run.
  CHECK(refusal_of("no_entry") ==
        "3: it exports no symbol \"taskgraph_plugin\"; write TASKGRAPH_PLUGIN(YourTaskBuilder) once at file scope");
  CHECK(refusal_of("wrong_magic") ==
        "4: its \"taskgraph_plugin\" begins with 0x3130474e4f525721 (\"!WRONG01\"), a plugin with 0x313047554c504754 "
        "(\"TGPLUG01\"); define "
        "that symbol by TASKGRAPH_PLUGIN(...) only");
  CHECK(refusal_of("abi_too_new") ==
        "5: built for plugin ABI 2.1, this host speaks 1.0; rebuild it with the headers of taskgraph 1.x or run a "
        "newer host");
  CHECK(refusal_of("abi_too_old") ==
        "5: built for plugin ABI 0.9, this host speaks 1.0; rebuild it with the headers of taskgraph 1.x");
  CHECK(refusal_of("struct_too_small") ==
        "5: its tg_plugin has 40 bytes, plugin ABI 1.0 needs at least 72; set struct_size to sizeof(tg_plugin) and "
        "rebuild it "
        "with the headers of taskgraph 1.x");
  const std::string required =
      " is NULL; every plugin gives name, version, init and create_task (TASKGRAPH_PLUGIN(...) does)";
  CHECK(refusal_of("null_create_task") == "5: its tg_plugin.create_task" + required);
  CHECK(refusal_of("null_name") == "5: its tg_plugin.name" + required);
}

TEST_CASE("step 6: the plugin's own words", "[plugin][library]") {
  CHECK(init_refusal_of("init_refuses") == "6: its init says: no input file is named;   give \"input\" in plugin.args");
  CHECK(init_refusal_of("init_throws") == "6: its init says: argument \"rows\" must be above 0");
  CHECK(init_refusal_of("init_refuses_silently") ==
        "6: its init answered status 2 without a text; ask the plugin's author");
  CHECK(init_refusal_of("init_throws_raw") ==
        "6: its init threw \"no table\" across the C border, which the ABI forbids; TASKGRAPH_PLUGIN(...) catches it");
  CHECK(init_refusal_of("init_long_text") == "6: its init says: " + std::string(TG_ERROR_BYTES_MAX, 'x'));
}

TEST_CASE("a damaged file never costs more than its probe", "[plugin][library]") {
  std::ifstream in(path_of("minimal"), std::ios::binary);
  const std::string good{std::istreambuf_iterator<char>(in), {}};
  REQUIRE(good.size() > 4'096);
  const std::string path =
      (std::filesystem::temp_directory_path() / ("taskgraph-damaged-" + std::to_string(::getpid()) + ".so")).string();
  unsigned loaded = 0;
  unsigned refused = 0;
  for (std::uint32_t seed = 0; seed < 60; ++seed) {
    INFO("seed " << seed);
    std::mt19937 random(seed);
    std::string bytes = good;
    // The first pages: dynamic symbols, relocations, hashes, code; what the loader believes blindly.
    for (int i = 0; i < 24; ++i) bytes[64 + random() % (bytes.size() - 64)] = static_cast<char>(random());
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
    const auto verdict = probe(path, {kProbe.executable, milliseconds(10'000)});
    verdict ? ++refused : ++loaded;
    if (verdict && verdict->reason.empty()) FAIL("refused without a reason");
  }
  std::filesystem::remove(path);
  CHECK(loaded + refused == 60);
  CHECK(refused > 0);
}
