/// What a user sees of a wrong topology file, to the letter.
#include "tests/support/catch.hpp"
#include "tests/support/topology_text.hpp"

namespace taskgraph::config {
namespace {

using test::seen;
using test::seen_with;
using test::topology_text;

struct Case {
  const char* story;
  std::string text;
  const char* message;
};

void check(const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    INFO(c.story);
    CHECK(seen(c.text) == c.message);
  }
}

/// A right text with its plugin or tasks replaced.
std::string with_plugin(const std::string& plugin) {
  return R"({"version": 1, "job": "j", "tasks": {"count": 4}, "plugin": )" + plugin + "}";
}
std::string with_tasks(const std::string& tasks) {
  return R"({"version": 1, "job": "j", "plugin": {"path": "p"}, "tasks": )" + tasks + "}";
}
std::string with_links(const std::string& links) {
  return topology_text(", \"links\": {" + links + "}");
}

TEST_CASE("errors of the document", "[config][topology]") {
  check({
      {"root", "[1]", "t.json:1:1: expected an object {...}, not a list"},
      {"required", "{}", "t.json:1:1: \"version\" is missing; write \"version\": 1"},
      {"all that is required", R"({"version": 1})",
       "t.json:1:1: \"job\" is missing; write \"job\": \"NAME\"\n"
       "t.json:1:1: \"plugin\" is missing; write \"plugin\": { \"path\": \"NAME.so\" }\n"
       "t.json:1:1: \"tasks\" is missing; write \"tasks\": { \"count\": 2 }"},
      {"version", R"({"version": 2, "nonsense": 1})",
       "t.json:1:13: /version: version 2 is not known to this host, which reads version 1"},
      {"version as text", R"({"version": "1"})",
       "t.json:1:13: /version: version \"1\" is not known to this host, which reads version 1"},
      {"unknown", topology_text(", \"linsk\": {}, \"x-free\": 1, \"zzzzzzz\": 2"),
       "t.json:2:3: /linsk: unknown key \"linsk\"; did you mean \"links\"? (keys: version job plugin tasks links "
       "coordinator "
       "failure restart checkpoint limits placement)\n"
       "t.json:2:29: /zzzzzzz: unknown key \"zzzzzzz\" (keys: version job plugin tasks links coordinator failure "
       "restart "
       "checkpoint limits placement)"},
      {"columns are characters", topology_text(", \"x-a\": \"äöü😀\", \"hoook\": 1"),
       "t.json:2:18: /hoook: unknown key \"hoook\" (keys: version job plugin tasks links coordinator failure restart "
       "checkpoint limits placement)"},
      {"job", R"({"version": 1, "job": "my job", "plugin": {"path": "p"}, "tasks": {"count": 1}})",
       "t.json:1:23: /job: \"my job\" is no name for a job; take 1 to 64 of A-Z a-z 0-9 . _ - and a letter or digit in "
       "front"},
      {"job of no text", R"({"version": 1, "job": 7, "plugin": {"path": "p"}, "tasks": {"count": 1}})",
       "t.json:1:23: /job: 7 is no name for a job; take 1 to 64 of A-Z a-z 0-9 . _ - and a letter or digit in front"},
      {"control characters and pointers", topology_text(", \"a/b~\\n\\u001b\": 1"),
       "t.json:2:3: /a~1b~0\\n\\x1b: unknown key \"a/b~\\n\\x1b\" (keys: version job plugin tasks links coordinator "
       "failure "
       "restart checkpoint limits placement)"},
  });
}

TEST_CASE("errors of plugin and tasks", "[config][topology]") {
  check({
      {"plugin", with_plugin("7"), "t.json:1:61: /plugin: expected an object {...}, not 7"},
      {"no path", with_plugin("{\"pth\": \"a\"}"),
       "t.json:1:61: /plugin: \"path\" is missing (is \"pth\" meant to be it?); write \"path\": \"NAME.so\"\n"
       "t.json:1:62: /plugin/pth: unknown key \"pth\"; did you mean \"path\"? (keys: path args)"},
      {"empty path", with_plugin("{\"path\": \"\"}"),
       "t.json:1:70: /plugin/path: expected the path of a plugin (1 to 4096 bytes, no NUL) such as \"regression.so\", "
       "not \"\""},
      {"NUL in the path", with_plugin("{\"path\": \"a\\u0000b\"}"),
       "t.json:1:70: /plugin/path: expected the path of a plugin (1 to 4096 bytes, no NUL) such as \"regression.so\", "
       "not "
       "\"a\\x00b\""},
      {"args", with_plugin("{\"path\": \"a\", \"args\": [1]}"),
       "t.json:1:83: /plugin/args: expected an object {...}, not a list"},
      {"args of one name", with_plugin("{\"path\": \"a\", \"args\": {\"a.b\": 1, \"a\": {\"b\": 2}}}"),
       "t.json:1:105: /plugin/args: two arguments are named \"a.b\" to the plugin; rename one"},
      {"no count", with_tasks("{\"cuont\": 3}"),
       "t.json:1:62: /tasks: \"count\" is missing (is \"cuont\" meant to be it?); write \"count\": 1\n"
       "t.json:1:63: /tasks/cuont: unknown key \"cuont\"; did you mean \"count\"? (keys: count backups groups)"},
      {"count 0", with_tasks("{\"count\": 0}"),
       "t.json:1:72: /tasks/count: expected a whole number from 1 to 100000, not 0"},
      {"count over", with_tasks("{\"count\": 100001}"),
       "t.json:1:72: /tasks/count: expected a whole number from 1 to 100000, not 100001"},
      {"half a task", with_tasks("{\"count\": 1.5}"),
       "t.json:1:72: /tasks/count: expected a whole number from 1 to 100000, not 1.5"},
      {"count as text", with_tasks("{\"count\": \"15\"}"),
       "t.json:1:72: /tasks/count: expected a whole number from 1 to 100000, not \"15\""},
      {"backups", with_tasks("{\"count\": 1, \"backups\": 3}"),
       "t.json:1:86: /tasks/backups: expected a whole number from 0 to 2, not 3"},
      {"negative", with_tasks("{\"count\": 1, \"backups\": -1}"),
       "t.json:1:86: /tasks/backups: expected a whole number from 0 to 2, not -1"},
  });
}

TEST_CASE("errors of groups", "[config][topology]") {
  const auto with_groups = [](const std::string& groups) {
    return with_tasks("{\"count\": 4, \"groups\": " + groups + "}");
  };
  check({
      {"no list", with_groups("{}"),
       "t.json:1:85: /tasks/groups: expected a list of groups [{\"ids\": ...}], not an object"},
      {"no ids", with_groups("[{}]"),
       "t.json:1:86: /tasks/groups/0: \"ids\" is missing; write \"ids\": [0, 1] or \"0-3\""},
      {"empty", with_groups("[{\"ids\": []}]"),
       "t.json:1:94: /tasks/groups/0/ids: the group has no task; name some or remove it"},
      {"dangling", with_groups("[{\"ids\": [1, 4]}]"),
       "t.json:1:98: /tasks/groups/0/ids/1: no task 4: tasks.count is 4, so ids go from 0 to 3"},
      {"dangling range", with_groups("[{\"ids\": \"2-4000000000\"}]"),
       "t.json:1:94: /tasks/groups/0/ids: no task \"2-4000000000\": tasks.count is 4, so ids go from 0 to 3"},
      {"range backwards", with_groups("[{\"ids\": [\"3-1\"]}]"),
       "t.json:1:95: /tasks/groups/0/ids/0: expected task ids such as [0, 7, \"2-5\"] or \"2-5\", not \"3-1\""},
      {"no range", with_groups("[{\"ids\": [\"1\"]}]"),
       "t.json:1:95: /tasks/groups/0/ids/0: expected task ids such as [0, 7, \"2-5\"] or \"2-5\", not \"1\""},
      {"a number alone", with_groups("[{\"ids\": 1}]"),
       "t.json:1:94: /tasks/groups/0/ids: expected task ids such as [0, 7, \"2-5\"] or \"2-5\", not 1"},
      {"twice", with_groups("[{\"ids\": \"0-2\"}, {\"ids\": [3, \"2-3\"]}]"),
       "t.json:1:114: /tasks/groups/1/ids/1: task 2 belongs to group 0 already"},
      {"later", with_groups("[{\"ids\": [0], \"args\": {}, \"placement\": {}, \"backups\": 3}]"),
       "t.json:1:107: /tasks/groups/0/args: a group's \"args\" is not in this version; remove it\n"
       "t.json:1:124: /tasks/groups/0/placement: a group's \"placement\" is not in this version; remove it\n"
       "t.json:1:139: /tasks/groups/0/backups: expected a whole number from 0 to 2, not 3"},
  });
  std::string many = "[{\"ids\": [0]}";
  for (int i = 0; i < 1'000; ++i) many += ", {\"ids\": [0]}";
  CHECK(seen(with_groups(many + "]")) == "t.json:1:85: /tasks/groups: 1001 groups; at most 1000");
}

TEST_CASE("errors of a link", "[config][topology]") {
  const char* const kShapes = " (shapes: tree ring full star edges)";
  check({
      {"misspelt", with_links(R"("a": {"shape": "treee", "arity": 2})"),
       "t.json:2:28: /links/a/shape: unknown shape \"treee\"; did you mean \"tree\"? (shapes: tree ring full star "
       "edges)"},
      {"not alike", with_links(R"("a": {"shape": "cloud"})"),
       "t.json:2:28: /links/a/shape: unknown shape \"cloud\" (shapes: tree ring full star edges)"},
      {"misspelt shape", with_links(R"("a": {"shap": "tree"})"),
       "t.json:2:18: /links/a: \"shape\" is missing (is \"shap\" meant to be it?); write \"shape\": \"tree\""},
      {"no shape", with_links(R"("a": {})"), "t.json:2:18: /links/a: \"shape\" is missing; write \"shape\": \"tree\""},
      {"shape of no text", with_links(R"("a": {"shape": 1})"),
       "t.json:2:28: /links/a/shape: expected a shape in double quotes, not 1 (shapes: tree ring full star edges)"},
      {"no link", with_links("\"a\": []"), "t.json:2:18: /links/a: expected an object {...}, not a list"},
      {"name", with_links(R"("a b": {"shape": "full"})"),
       "t.json:2:13: /links/a b: \"a b\" is no name for a link; take 1 to 64 of A-Z a-z 0-9 . _ - and a letter or "
       "digit in front"},
      {"parameter", with_links(R"("a": {"shape": "full", "hub": 1})"),
       "t.json:2:36: /links/a/hub: unknown key \"hub\" (keys: shape inverse)"},
      {"arity", with_links(R"("a": {"shape": "tree", "arity": 1001, "role": "parents"})"),
       "t.json:2:45: /links/a/arity: expected a whole number from 1 to 1000, not 1001"},
      {"no arity, no role", with_links(R"("a": {"shape": "tree"})"),
       "t.json:2:18: /links/a: \"arity\" is missing; write \"arity\": 1\n"
       "t.json:2:18: /links/a: \"role\" is missing; write \"role\": \"parents\""},
      {"root", with_links(R"("a": {"shape": "tree", "arity": 1, "root": 4, "role": "parents"})"),
       "t.json:2:56: /links/a/root: expected a whole number from 0 to 3 (tasks.count is 4), not 4"},
      {"role", with_links(R"("a": {"shape": "tree", "arity": 1, "role": "parent"})"),
       "t.json:2:56: /links/a/role: unknown role \"parent\"; did you mean \"parents\"? (roles: parents children)"},
      {"role of no text", with_links(R"("a": {"shape": "ring", "role": true})"),
       "t.json:2:44: /links/a/role: expected a role in double quotes, not true (roles: next prev both)"},
      {"hops", with_links(R"("a": {"shape": "ring", "hops": 4, "role": "both"})"),
       "t.json:2:44: /links/a/hops: expected a whole number from 1 to 3 (tasks.count is 4), not 4"},
      {"hub", with_links(R"("a": {"shape": "star", "hub": -1})"),
       "t.json:2:43: /links/a/hub: expected a whole number from 0 to 3 (tasks.count is 4), not -1"},
      {"links", topology_text(", \"links\": [1]"),
       "t.json:2:12: /links: expected an object {\"NAME\": {...}}, not a list"},
  });
  for (const std::string later : {"grid", "hypercube", "butterfly", "plugin"}) {
    CHECK(seen(with_links("\"a\": {\"shape\": \"" + later + "\", \"dims\": [2, 2]}")) ==
          "t.json:2:28: /links/a/shape: shape \"" + later + "\" is not in this version" + kShapes);
  }
  std::string many = "\"l0\": {\"shape\": \"full\"}";
  for (int i = 1; i < 256; ++i) many += ", \"l" + std::to_string(i) + "\": {\"shape\": \"full\"}";
  CHECK(seen(with_links(many)) == "ok");
  CHECK(seen(with_links(many + ", \"x-y\": 1")) == "ok");
  CHECK(seen(with_links(many + ", \"more\": {\"shape\": \"full\"}")) == "t.json:2:12: /links: 257 links; at most 256");
}

TEST_CASE("errors of edges", "[config][topology]") {
  const auto with_edges = [](const std::string& edges) {
    return with_links("\"e\": {\"shape\": \"edges\", \"edges\": " + edges + "}");
  };
  check({
      {"missing", with_links(R"("e": {"shape": "edges"})"),
       "t.json:2:18: /links/e: \"edges\" is missing; write \"edges\": [[0, 1], [1, 2]]"},
      {"no list", with_edges("{}"),
       "t.json:2:46: /links/e/edges: expected a list of pairs such as [[0, 1], [1, 2]], not an object"},
      {"no pair", with_edges("[[0, 1], 2]"),
       "t.json:2:55: /links/e/edges/1: expected a pair of task ids such as [0, 1], not 2"},
      {"three", with_edges("[[0, 1, 2]]"),
       "t.json:2:47: /links/e/edges/0: expected a pair of task ids such as [0, 1], not a list of something else"},
      {"one", with_edges("[[0]]"),
       "t.json:2:47: /links/e/edges/0: expected a pair of task ids such as [0, 1], not a list of something else"},
      {"no id", with_edges("[[0, \"1\"]]"),
       "t.json:2:47: /links/e/edges/0: expected a pair of task ids such as [0, 1], not a list of something else"},
      {"dangling", with_edges("[[0, 4]]"),
       "t.json:2:51: /links/e/edges/0: no task 4: tasks.count is 4, so ids go from 0 to 3"},
      {"negative", with_edges("[[-1, 0]]"),
       "t.json:2:48: /links/e/edges/0: no task -1: tasks.count is 4, so ids go from 0 to 3"},
      {"loop", with_edges("[[2, 2]]"), "t.json:2:47: /links/e/edges/0: links task 2 with itself"},
      {"again", with_edges("[[0, 1], [2, 3], [1, 0]]"),
       "t.json:2:63: /links/e/edges/2: [1, 0] again; it stands at line 2, column 47 already (in either order: the link "
       "names "
       "no inverse)"},
      {"three times", with_edges("[[0, 1], [0, 1], [0, 1]]"),
       "t.json:2:55: /links/e/edges/1: [0, 1] again; it stands at line 2, column 47 already (in either order: the link "
       "names "
       "no inverse)\n"
       "t.json:2:63: /links/e/edges/2: [0, 1] again; it stands at line 2, column 55 already (in either order: the link "
       "names "
       "no inverse)"},
  });
}

TEST_CASE("errors of inverses", "[config][topology]") {
  const std::string up = R"("shape": "tree", "arity": 2, "role": "parents")";
  const std::string down = R"("shape": "tree", "arity": 2, "role": "children")";
  check({
      {"missing", with_links("\"u\": {" + up + "}"),
       "t.json:2:18: /links/u: no link is its inverse; add one with shape tree, the same parameters, role children"},
      {"other parameters",
       with_links("\"u\": {" + up + "}, \"d\": {\"shape\": \"tree\", \"arity\": 3, \"role\": \"children\"}"),
       "t.json:2:18: /links/u: no link is its inverse; add one with shape tree, the same parameters, role children\n"
       "t.json:2:73: /links/d: no link is its inverse; add one with shape tree, the same parameters, role parents"},
      {"ambiguous", with_links("\"u\": {" + up + "}, \"d1\": {" + down + "}, \"d2\": {" + down + "}"),
       "t.json:2:18: /links/u: \"d1\" and \"d2\" may be its inverse; name one by \"inverse\"\n"
       "t.json:2:74: /links/d1: \"u\" may be the inverse of \"d1\" and \"d2\"; name them by \"inverse\"\n"
       "t.json:2:131: /links/d2: \"u\" may be the inverse of \"d1\" and \"d2\"; name them by \"inverse\""},
      {"unknown", with_links("\"up\": {" + up + ", \"inverse\": \"dowm\"}, \"down\": {" + down + "}"),
       "t.json:2:79: /links/up/inverse: no link \"dowm\"; did you mean \"down\"?"},
      {"no text", with_links(R"("a": {"shape": "full", "inverse": 1})"),
       "t.json:2:47: /links/a/inverse: expected the name of a link, not 1"},
      {"unfit", with_links("\"u\": {" + up + ", \"inverse\": \"f\"}, \"f\": {\"shape\": \"full\"}"),
       "t.json:2:78: /links/u/inverse: link \"f\" cannot be the inverse: it needs shape tree, the same parameters, "
       "role children"},
      {"itself", with_links("\"u\": {" + up + ", \"inverse\": \"u\"}"),
       "t.json:2:78: /links/u/inverse: link \"u\" cannot be the inverse: it needs shape tree, the same parameters, "
       "role children"},
      {"not mutual", with_links(R"("a": {"shape": "full", "inverse": "b"}, "b": {"shape": "full", "inverse": "b"})"),
       "t.json:2:47: /links/a/inverse: link \"b\" names another inverse: \"b\""},
      {"claimed twice",
       with_links("\"u1\": {" + up + ", \"inverse\": \"d\"}, \"u2\": {" + up + ", \"inverse\": \"d\"}, \"d\": {" +
                  down + "}"),
       "t.json:2:151: /links/u2/inverse: link \"d\" is the inverse of \"u1\" already"},
      {"one-way edges",
       with_links(
           R"("a": {"shape": "edges", "edges": [[0, 1]], "inverse": "b"}, "b": {"shape": "edges", "edges": [[1, 0]]})"),
       "t.json:2:67: /links/a/inverse: link \"b\" names no inverse and so goes both ways; give it \"inverse\": \"a\""},
      {"asymmetric edges",
       with_links(
           R"("a": {"shape": "edges", "edges": [[0, 1], [1, 2]], "inverse": "b"}, "b": {"shape": "edges", "edges": [[1, 0], [3, 1]], "inverse": "a"})"),
       "t.json:2:55: /links/a/edges/1: [1, 2] has no [2, 1] in its inverse \"b\"\n"
       "t.json:2:123: /links/b/edges/1: [3, 1] has no [1, 3] in its inverse \"a\""},
  });
}

TEST_CASE("errors of the policies", "[config][topology]") {
  check({
      {"no unit", topology_text(R"(, "failure": {"lease": 1500})"),
       "t.json:2:24: /failure/lease: expected a duration from 100ms to 10m such as \"500ms\" or \"1.5s\", not 1500"},
      {"range", topology_text(R"(, "failure": {"heartbeat": "9ms"})"),
       "t.json:2:28: /failure/heartbeat: expected a duration from 10ms to 1m such as \"500ms\" or \"1.5s\", not "
       "\"9ms\""},
      {"drain", topology_text(R"(, "failure": {"drain": "11s"})"),
       "t.json:2:24: /failure/drain: expected a duration from 0s to 10s such as \"500ms\" or \"1.5s\", not \"11s\""},
      {"suspect", topology_text(R"(, "failure": {"heartbeat": "300ms"})"),
       "t.json:2:14: /failure/suspect: 400ms is less than 2 times heartbeat (300ms)"},
      {"lease", topology_text(R"(, "failure": {"suspect": "2s", "lease": "1s"})"),
       "t.json:2:41: /failure/lease: 1s is less than suspect (2s)"},
      {"backoff", topology_text(R"(, "restart": {"backoff": "6s"})"),
       "t.json:2:14: /restart/backoff_max: 5s is less than backoff (6s)"},
      {"max", topology_text(R"(, "restart": {"max": 1000001})"),
       "t.json:2:22: /restart/max: expected a whole number from 0 to 1000000, not 1000001"},
      {"size", topology_text(R"(, "limits": {"flag_bytes": "64KB", "hooc": 1})"),
       "t.json:2:28: /limits/flag_bytes: expected a size from 0 to 64KiB as a number of bytes or such as \"64KiB\", "
       "not \"64KB\"\n"
       "t.json:2:36: /limits/hooc: unknown key \"hooc\"; did you mean \"hook\"? (keys: pulls_open serves_open "
       "flags_per_epoch "
       "channel_frames timers_open flag_bytes message_bytes channel_bytes pull_deadline hook)"},
      {"negative size", topology_text(R"(, "limits": {"flag_bytes": -1})"),
       "t.json:2:28: /limits/flag_bytes: expected a size from 0 to 64KiB as a number of bytes or such as \"64KiB\", "
       "not -1"},
      {"channel", topology_text(R"(, "limits": {"channel_bytes": "1MiB"})"),
       "t.json:2:31: /limits/channel_bytes: 1MiB is less than message_bytes (1GiB): the largest message could never be "
       "sent"},
      {"hosts", topology_text(R"(, "placement": {"hosts_min": 3})"),
       "t.json:2:30: /placement/hosts_min: expected 1 in this version, which runs a job on one host, not 3"},
      {"consul", topology_text(R"(, "coordinator": {"kind": "consul", "address": "127.0.0.1:8500"})"),
       "t.json:2:27: /coordinator/kind: coordinator \"consul\" is not in this version (kinds: embedded)"},
      {"coordinator", topology_text(R"(, "coordinator": {"kind": "embeded"})"),
       "t.json:2:27: /coordinator/kind: unknown kind \"embeded\"; did you mean \"embedded\"? (kinds: embedded)"},
      {"checkpoint", topology_text(R"(, "checkpoint": {"every": 5})"),
       "t.json:2:17: /checkpoint: checkpoints are not in this version; remove the section"},
      {"section", topology_text(R"(, "limits": [])"), "t.json:2:13: /limits: expected an object {...}, not a list"},
  });
}

TEST_CASE("a wrong count does not hide what else is wrong", "[config][topology]") {
  CHECK(seen(R"({"version": 1, "job": "j", "plugin": {"path": "p"}, "tasks": {"count": 0},
"links": {"e": {"shape": "edges", "edges": [[5, 5], [0, 9]]}, "r": {"shape": "ring", "role": "nxt"}}})") ==
        "t.json:1:72: /tasks/count: expected a whole number from 1 to 100000, not 0\n"
        "t.json:2:45: /links/e/edges/0: links task 5 with itself\n"
        "t.json:2:94: /links/r/role: unknown role \"nxt\"; did you mean \"next\"? (roles: next prev both)");
}

TEST_CASE("twenty errors are shown and the rest counted", "[config][topology]") {
  std::string keys;
  for (int i = 0; i < 25; ++i) keys += ", \"q" + std::to_string(i) + "\": 1";
  const std::string text = seen_with(keys);
  CHECK(std::count(text.begin(), text.end(), '\n') == 20);
  CHECK(text.ends_with("\nand 5 more"));
}

}  // namespace
}  // namespace taskgraph::config
