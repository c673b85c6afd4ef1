/// What right topology files mean.
#include "host/config/topology_file.hpp"

#include <algorithm>

#include "tests/support/catch.hpp"
#include "tests/support/topology_text.hpp"

namespace taskgraph::config {
namespace {

using test::good;
using test::seen_with;
using test::topology_text;

std::vector<std::uint32_t> neighbours(const TopologyFile& file, std::string_view link, std::uint32_t task) {
  const auto index = file.spec.topology->find(link);
  REQUIRE(index);
  std::vector<core::TaskId> ids;
  file.spec.topology->link(*index).shape->neighbours({task}, {}, ids);
  std::vector<std::uint32_t> out;
  for (const core::TaskId id : ids) out.push_back(id.value);
  return out;
}

std::string inverse_of(const TopologyFile& file, std::string_view link) {
  return file.spec.topology->link(file.spec.topology->link(*file.spec.topology->find(link)).inverse).name;
}

const ConfigValue& value_of(const TopologyFile& file, std::string_view name) {
  const auto found =
      std::find_if(file.values.begin(), file.values.end(), [&](const auto& v) { return v.name == name; });
  if (found == file.values.end()) throw std::runtime_error("no value " + std::string(name));
  return *found;
}

TopologyFile load(const std::filesystem::path& file) {
  auto result = load_topology_file(file);
  if (const auto* errors = std::get_if<TopologyErrors>(&result)) throw std::runtime_error(errors->text());
  return std::get<TopologyFile>(std::move(result));
}

TEST_CASE("the shipped regression job", "[config][topology]") {
  const auto folder = test::source_folder() / "topologies";
  const TopologyFile file = load(folder / "regression.json");
  CHECK(file.spec.name == "regression");
  CHECK(file.plugin_path == "regression.so");
  CHECK(file.args_json == R"({"epochs":10})");
  CHECK(file.directory == folder);
  CHECK(file.warnings.empty());
  CHECK(file.spec.topology->task_count() == 15);
  CHECK(file.spec.backups == std::vector<std::uint8_t>(15, 1));
  CHECK(neighbours(file, "children", 0) == std::vector<std::uint32_t>{1, 2});
  CHECK(neighbours(file, "parents", 14) == std::vector<std::uint32_t>{6});
  CHECK(inverse_of(file, "children") == "parents");
  CHECK(inverse_of(file, "parents") == "children");
}

TEST_CASE("the other shipped jobs", "[config][topology]") {
  const TopologyFile echo = load(test::source_folder() / "topologies/echo.json");
  CHECK(echo.spec.topology->task_count() == 2);
  CHECK(neighbours(echo, "peers", 0) == std::vector<std::uint32_t>{1});
  const TopologyFile pagerank = load(test::source_folder() / "topologies/pagerank.json");
  CHECK(pagerank.spec.backups == std::vector<std::uint8_t>(8, 1));
  CHECK(neighbours(pagerank, "peers", 3) == std::vector<std::uint32_t>{0, 1, 2, 4, 5, 6, 7});
  CHECK(inverse_of(pagerank, "peers") == "peers");
  CHECK(pagerank.args_json ==
        R"({"damping":0.85,"input":"graph.txt","iterations_max":200,"output":"ranks.tsv","tolerance":1e-10})");
}

TEST_CASE("every shipped topology file is right and has no warning", "[config][topology]") {
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(test::source_folder() / "topologies")) {
    const auto name = entry.path().filename();
    if (name.extension() != ".json" || name == "schema.json") continue;
    CAPTURE(name.string());
    CHECK(load(entry.path()).warnings.empty());
    ++files;
  }
  CHECK(files >= 3);
}

TEST_CASE("the least that a file must say gives all defaults", "[config][topology]") {
  const TopologyFile file = good(topology_text());
  const core::JobSpec defaults{};
  CHECK(file.spec.backups == std::vector<std::uint8_t>(4, 0));
  CHECK(file.spec.topology->links().empty());
  CHECK(file.args_json == "{}");
  CHECK(file.args.empty());
  CHECK(file.spec.limits.pulls_open == defaults.limits.pulls_open);
  CHECK(file.spec.limits.channel_bytes == defaults.limits.channel_bytes);
  CHECK(file.spec.limits.flag_bytes == defaults.limits.flag_bytes);
  CHECK(file.spec.limits.hook == defaults.limits.hook);
  CHECK(file.spec.restart.max == defaults.restart.max);
  CHECK(file.spec.restart.window == defaults.restart.window);
  CHECK(file.spec.failure.lease == defaults.failure.lease);
  CHECK(file.spec.failure.drain == defaults.failure.drain);
  CHECK(file.start_timeout == core::seconds(60));
  CHECK(file.directory == "/somewhere");
}

TEST_CASE("policies are read into the core's numbers", "[config][topology]") {
  const TopologyFile file = good(topology_text(R"(,
    "failure": {"heartbeat": "50ms", "suspect": "0.1s", "lease": "2s", "stall": "1s", "rejoin_window": "0s", "drain": "1.5s"},
    "restart": {"max": 0, "window": "2m", "backoff": "1ms", "backoff_max": "10ms"},
    "limits": {"pulls_open": 1, "serves_open": 2, "flags_per_epoch": 3, "flag_bytes": "1KiB", "message_bytes": 2048,
               "channel_bytes": "1MiB", "channel_frames": 16, "pull_deadline": "5s", "hook": "1h", "timers_open": 1e3},
    "placement": {"hosts_min": 1, "start_timeout": "5s"}, "coordinator": {"kind": "embedded"})"));
  const auto& failure = file.spec.failure;
  CHECK(failure.heartbeat == core::milliseconds(50));
  CHECK(failure.suspect == core::milliseconds(100));
  CHECK(failure.lease == core::seconds(2));
  CHECK(failure.stall == core::seconds(1));
  CHECK(failure.rejoin_window.ns == 0);
  CHECK(failure.drain == core::milliseconds(1'500));
  CHECK(file.spec.restart.max == 0);
  CHECK(file.spec.restart.window == core::seconds(120));
  CHECK(file.spec.restart.backoff == core::milliseconds(1));
  CHECK(file.spec.restart.backoff_max == core::milliseconds(10));
  const auto& limits = file.spec.limits;
  CHECK(limits.pulls_open == 1);
  CHECK(limits.serves_open == 2);
  CHECK(limits.flags_per_epoch == 3);
  CHECK(limits.flag_bytes == 1'024);
  CHECK(limits.message_bytes == 2'048);
  CHECK(limits.channel_bytes == 1'048'576);
  CHECK(limits.channel_frames == 16);
  CHECK(limits.pull_deadline == core::seconds(5));
  CHECK(limits.hook == core::seconds(3'600));
  CHECK(limits.timers_open == 1'000);
  CHECK(file.start_timeout == core::seconds(5));
}

TEST_CASE("groups set the backups of their tasks", "[config][topology]") {
  std::string text = topology_text({}, 8);
  text.replace(
      text.find("{\"count\": 8"), 11,
      R"({"count": 8, "backups": 1, "groups": [{"ids": [0, "2-3"], "backups": 2}, {"ids": "5-5", "backups": 0}, {"ids": [6]}])");
  CHECK(good(text).spec.backups == std::vector<std::uint8_t>{2, 1, 2, 2, 1, 0, 1, 1});
}

TEST_CASE("links stand by rising name, whatever the order in the file", "[config][topology]") {
  const TopologyFile a =
      good(topology_text(R"(, "links": {"z": {"shape": "full"}, "a": {"shape": "star", "hub": 3}})"));
  const TopologyFile b =
      good(topology_text(R"(, "links": {"a": {"hub": 3, "shape": "star"}, "z": {"shape": "full"}})"));
  CHECK(a.spec.topology->find("a") == core::LinkIndex{0});
  CHECK(b.spec.topology->find("a") == core::LinkIndex{0});
  CHECK(a.digest == b.digest);
  CHECK(neighbours(a, "a", 0) == std::vector<std::uint32_t>{3});
}

TEST_CASE("inverses are found, or named where two would do", "[config][topology]") {
  const TopologyFile ring = good(topology_text(
      R"(, "links": {"n": {"shape": "ring", "role": "next"}, "p": {"shape": "ring", "role": "prev"}, "b": {"shape": "ring", "role": "both"},
                     "n2": {"shape": "ring", "hops": 2, "role": "next"}, "p2": {"shape": "ring", "hops": 2, "role": "prev"}})"));
  CHECK(inverse_of(ring, "n") == "p");
  CHECK(inverse_of(ring, "p2") == "n2");
  CHECK(inverse_of(ring, "b") == "b");
  const std::string up = R"("shape": "tree", "arity": 2, "role": "parents")";
  const std::string down = R"("shape": "tree", "arity": 2, "role": "children")";
  const TopologyFile twice = good(topology_text(", \"links\": {\"u1\": {" + up + ", \"inverse\": \"d2\"}, \"u2\": {" +
                                                up + "}, \"d1\": {" + down + "}, \"d2\": {" + down + "}}"));
  CHECK(inverse_of(twice, "d2") == "u1");
  CHECK(inverse_of(twice, "u2") == "d1");
  const TopologyFile fulls = good(topology_text(
      R"(, "links": {"ask": {"shape": "full", "inverse": "answer"}, "answer": {"shape": "full"}, "own": {"shape": "full", "inverse": "own"}})"));
  CHECK(inverse_of(fulls, "answer") == "ask");
  CHECK(inverse_of(fulls, "own") == "own");
}

TEST_CASE("edges go both ways unless the link names its inverse", "[config][topology]") {
  const TopologyFile both =
      good(topology_text(R"(, "links": {"e": {"shape": "edges", "edges": [[3, 0], [1, 2], [1, 3]]}})"));
  CHECK(neighbours(both, "e", 3) == std::vector<std::uint32_t>{0, 1});
  CHECK(inverse_of(both, "e") == "e");
  const TopologyFile one_way = good(topology_text(
      R"(, "links": {"out": {"shape": "edges", "edges": [[0, 1], [1, 0], [2, 3]], "inverse": "in"},
                     "in": {"shape": "edges", "edges": [[3, 2], [1, 0], [0, 1]], "inverse": "out"}})"));
  CHECK(neighbours(one_way, "out", 2) == std::vector<std::uint32_t>{3});
  CHECK(neighbours(one_way, "out", 3).empty());
  CHECK(neighbours(one_way, "in", 3) == std::vector<std::uint32_t>{2});
  CHECK(inverse_of(one_way, "out") == "in");
}

TEST_CASE("a task that no link reaches is a warning", "[config][topology]") {
  CHECK(seen_with(R"(, "links": {"e": {"shape": "edges", "edges": [[0, 1]]}})") ==
        "ok\nt.json:2:12: /links: warning: 2 tasks have no neighbour on any link: 2 3");
  CHECK(seen_with(R"(, "links": {"e": {"shape": "edges", "edges": []}})", 9) ==
        "ok\nt.json:2:12: /links: warning: 9 tasks have no neighbour on any link: 0 1 2 3 4 ...");
  CHECK(seen_with(R"(, "links": {"e": {"shape": "full"}})", 1) == "ok");
  CHECK(seen_with(R"(, "links": {})") == "ok");
}

TEST_CASE("arguments reach the plugin as JSON and as a list by name", "[config][topology]") {
  std::string text = topology_text();
  text.replace(
      text.find("\"p.so\""), 6,
      R"("p.so", "args": {"x-own": true, "b": {"c": [7, -1.5, {"d": "e\n"}]}, "a": 1.0, "n": null, "o": {}, "big": 1e300})");
  const TopologyFile file = good(text);
  CHECK(file.args_json == R"({"a":1,"b":{"c":[7,-1.5,{"d":"e\n"}]},"big":1e+300,"n":null,"o":{},"x-own":true})");
  std::string list;
  for (const PluginArgument& arg : file.args) {
    list += arg.name + "=" + arg.text + ":" + std::to_string(static_cast<int>(arg.kind)) + ":" +
            std::to_string(arg.integer) + ";";
  }
  CHECK(list == "a=1:1:1;b.c.0=7:1:7;b.c.1=-1.5:2:0;b.c.2.d=e\n:0:0;big=1e+300:2:0;x-own=true:3:1;");
  CHECK(file.args[0].number == 1.0);
  CHECK(file.args[2].number == -1.5);
}

TEST_CASE("the number of arguments and the length of their names have limits", "[config][topology]") {
  const auto with_args = [](const std::string& args) {
    std::string text = topology_text();
    return text.replace(text.find("\"p.so\""), 6, "\"p.so\", \"args\": {" + args + "}");
  };
  const auto list = [](std::size_t size) {
    std::string out = "\"l\": [0";
    for (std::size_t i = 1; i < size; ++i) out += ",0";
    return out + "]";
  };
  CHECK(good(with_args(list(kPluginArgumentsMax))).args.size() == kPluginArgumentsMax);
  CHECK(test::seen(with_args(list(kPluginArgumentsMax + 1))) ==
        "t.json:1:20070: /plugin/args: more than 10000 arguments; put the data into a file of its own");
  const std::string name(kPluginArgumentNameBytesMax, 'n');
  CHECK(good(with_args("\"" + name + "\": 1")).args.size() == 1);
  CHECK(test::seen(with_args("\"" + name + "n\": 1")) ==
        "t.json:1:1093: /plugin/args: the argument's full name has 1025 bytes; at most 1024");
}

TEST_CASE("each effective value knows its line or that it is a default", "[config][topology]") {
  const TopologyFile file =
      good(topology_text(", \"links\": {\"r\":\n {\"shape\": \"ring\", \"role\": \"both\"}},\n\"limits\": {\"hook\": "
                         "\"90s\", \"flag_bytes\": 2048}"));
  const auto check = [&](std::string_view name, std::string_view value, std::string_view origin) {
    CAPTURE(std::string(name));
    CHECK(value_of(file, name).value == value);
    CHECK(value_of(file, name).origin == origin);
  };
  check("version", "1", "t.json:1");
  check("job", "j", "t.json:1");
  check("plugin.path", "p.so", "t.json:1");
  check("plugin.args", "{}", "default");
  check("tasks.count", "4", "t.json:1");
  check("tasks.backups", "0", "default");
  check("links.r.shape", "ring", "t.json:3");
  check("links.r.hops", "1", "default");
  check("links.r.role", "both", "t.json:3");
  check("links.r.inverse", "r", "default");
  check("limits.hook", "90s", "t.json:4");
  check("limits.flag_bytes", "2KiB", "t.json:4");
  check("limits.message_bytes", "1GiB", "default");
  check("failure.lease", "1.5s", "default");
  check("restart.max", "5", "default");
  check("placement.start_timeout", "1m", "default");
  check("coordinator.kind", "embedded", "default");
}

TEST_CASE("the digest sees what counts and nothing else", "[config][topology]") {
  const std::string digest = good(topology_text()).digest;
  CHECK(digest.size() == 64);
  CHECK(good("// a comment\n" + topology_text(R"(, "x-note": {"any": [1, null]})")).digest == digest);
  CHECK(good(R"({"tasks":{"count":4.0,"x-why":1},"plugin":{"path":"p.so"},"job":"j","version":1e0})").digest == digest);
  CHECK(good(topology_text({}, 5)).digest != digest);
  CHECK(good(topology_text(R"(, "restart": {"max": 5})")).digest != digest);  // defaults are not filled in
}

TEST_CASE("whole numbers may be written as fractions of zero", "[config][topology]") {
  std::string text = topology_text();
  text.replace(text.find("\"count\": 4"), 10, "\"count\": 4.0, \"backups\": -0");
  CHECK(good(text).spec.backups == std::vector<std::uint8_t>(4, 0));
  text.replace(text.find("4.0"), 3, "40e-1");
  CHECK(good(text).spec.topology->task_count() == 4);
}

}  // namespace
}  // namespace taskgraph::config
