// Where a plugin's file is looked for.
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include <unistd.h>

#include "host/plugin/search.hpp"
#include "tests/support/catch.hpp"

namespace {

namespace fs = std::filesystem;
using namespace taskgraph::plugin;

/// A folder of its own that goes when the test ends.
class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "taskgraph-search-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  fs::path operator/(const std::string& name) const { return path_ / name; }
  void put(const std::string& name) const {
    fs::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name) << "x";
  }

 private:
  fs::path path_;
};

/// The path found, or the message.
std::string search(std::string_view name, const SearchPlaces& places) {
  const auto found = find_plugin(name, places);
  return found ? found->string() : found.error().message;
}

}  // namespace

TEST_CASE("the first file that exists counts, in the order of the places", "[plugin][search]") {
  const Folder at;
  const SearchPlaces places{
      at / "topology", {at / "dir1", at / "dir2"}, (at / "env1").string() + "::" + (at / "env2").string(), at / "lib"};
  const char* const order[] = {"lib", "env2", "env1", "dir2", "dir1", "topology"};
  for (const std::string place : order) {
    at.put(place + "/x.so");
    CHECK(search("x.so", places) == at / (place + "/x.so"));
  }
}

TEST_CASE("an absolute path is taken as it is, there or not", "[plugin][search]") {
  const Folder at;
  at.put("topology/x.so");
  const SearchPlaces places{at / "topology", {}, "", {}};
  CHECK(search((at / "x.so").string(), places) == at / "x.so");
}

TEST_CASE("a path with folders in it is looked up below each place", "[plugin][search]") {
  const Folder at;
  at.put("dir/sub/x.so");
  const SearchPlaces places{at / "topology", {at / "dir"}, "", {}};
  CHECK(search("sub/x.so", places) == at / "dir/sub/x.so");
  CHECK(search("../dir/sub/x.so", places) == at / "dir/sub/x.so");
}

TEST_CASE("when there is none, every place that was tried is named", "[plugin][search]") {
  const Folder at;
  fs::create_directories(at / "dir/x.so");
  const SearchPlaces places{at / "topology", {at / "dir"}, (at / "env").string(), at / "lib"};
  CHECK(search("x.so", places) ==
        "plugin \"x.so\" not found; tried:\n  " + (at / "topology/x.so").string() + " (beside the topology file)\n  " +
            (at / "dir/x.so").string() + " (--plugin-dir, a folder)\n  " + (at / "env/x.so").string() +
            " (TASKGRAPH_PLUGIN_PATH)\n  " + (at / "lib/x.so").string() +
            " (installed)\nbuild it, correct plugin.path in the topology file, or name its folder by "
            "--plugin-dir or TASKGRAPH_PLUGIN_PATH");
  CHECK(search("x.so", SearchPlaces{}).find("tried: nothing") != std::string::npos);
}

TEST_CASE("a dangling symbolic link and a folder below a file do not count", "[plugin][search]") {
  const Folder at;
  at.put("file");
  fs::create_directories(at / "links");
  fs::create_symlink(at / "nowhere", at / "links/x.so");
  at.put("last/x.so");
  const SearchPlaces places{at / "file", {at / "links", at / "last"}, "", {}};
  CHECK(search("x.so", places) == at / "last/x.so");
}

TEST_CASE("the installed folder is seen from the executable", "[plugin][search]") {
  const fs::path self = fs::read_symlink("/proc/self/exe");
  CHECK(installed_plugins() == self.parent_path().parent_path() / "lib/taskgraph/plugins");
}
