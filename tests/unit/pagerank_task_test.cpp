#include "plugins/pagerank/task.hpp"

#include <cmath>
#include <cstdlib>
#include <map>
#include <random>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/catch.hpp"
#include "tests/support/plugin_driver.hpp"
#include "tests/support/temporary_folder.hpp"

namespace taskgraph::pagerank {
namespace {

using tests::DrivenArgs;
using tests::DrivenJob;
using tests::DrivenLink;
using tests::PluginDriver;
using tests::TemporaryFolder;

using Edges = std::vector<std::pair<VertexId, VertexId>>;
using Ranks = std::map<VertexId, double>;

/// The definition, over maps of ids: what a surfer of probability 1 does, `iterations` times from a uniform start.
Ranks surf(const Edges& edges, double damping, int iterations) {
  std::map<VertexId, std::map<VertexId, bool>> leads_to;
  for (const auto& [from, to] : edges) {
    leads_to[from][to] = true;
    leads_to[to];
  }
  const auto count = static_cast<double>(leads_to.size());
  Ranks ranks;
  for (const auto& [id, targets] : leads_to) ranks[id] = 1 / count;
  for (int i = 0; i < iterations; ++i) {
    Ranks next;
    for (const auto& [id, rank] : ranks) next[id] += (1 - damping) / count;
    for (const auto& [id, targets] : leads_to) {
      for (const auto& [target, yes] : targets)
        next[target] += damping * ranks[id] / static_cast<double>(targets.size());
      if (!targets.empty()) continue;
      for (auto& [target, rank] : next) rank += damping * ranks[id] / count;
    }
    ranks = std::move(next);
  }
  return ranks;
}

/// Reads an output file, and checks its order.
Ranks parse(const std::string& text) {
  Ranks ranks;
  std::istringstream lines(text);
  VertexId id = 0;
  std::string number;
  double last = INFINITY;
  VertexId last_id = 0;
  while (lines >> id >> number) {
    const double rank = std::strtod(number.c_str(), nullptr);
    CHECK((rank < last || (rank == last && id > last_id)));
    CHECK(ranks.emplace(id, rank).second);
    last = rank;
    last_id = id;
  }
  return ranks;
}

double distance(const Ranks& a, const Ranks& b) {
  REQUIRE(a.size() == b.size());
  double sum = 0;
  for (const auto& [id, rank] : a) sum += std::abs(rank - b.at(id));
  return sum;
}

std::string print(const Edges& edges) {
  std::string text = "# from to\n";
  for (const auto& [from, to] : edges) text += std::to_string(from) + "\t" + std::to_string(to) + "\n";
  return text;
}

/// With dangling vertices, loops and repeated edges.
Edges random_graph(std::mt19937_64& random, std::uint64_t vertices, std::uint64_t edges) {
  Edges result{{5, 5}};
  for (std::uint64_t i = 0; i < edges; ++i) {
    result.emplace_back(random() % (vertices * 2 / 3 + 1), UINT64_MAX - random() % vertices);
    if (random() % 3 == 0) std::swap(result.back().first, result.back().second);
    if (random() % 5 == 0) result.push_back(result.back());
  }
  return result;
}

DrivenJob job(const TemporaryFolder& folder, std::uint64_t tasks, DrivenArgs args = {}) {
  DrivenLink peers{"peers", "peers", std::vector<std::vector<std::uint64_t>>(tasks)};
  for (std::uint64_t a = 0; a < tasks; ++a) {
    for (std::uint64_t b = 0; b < tasks; ++b) {
      if (a != b) peers.neighbours[a].push_back(b);
    }
  }
  args.text("input", "edges.txt").text("output", "ranks.tsv");
  return {.task_count = tasks, .links = {peers}, .args = std::move(args), .directory = folder.path().string()};
}

PluginDriver::Entry entry() {
  return PluginDriver::entry<PagerankBuilder>();
}

std::string refusal(const TemporaryFolder& folder, DrivenArgs args, std::uint64_t tasks = 2) {
  try {
    DrivenJob refused{.task_count = tasks, .links = {}, .args = std::move(args), .directory = folder.path().string()};
    PluginDriver driver(entry(), std::move(refused), 1);
  } catch (const std::invalid_argument& e) {
    return e.what();
  }
  return "";
}

DrivenArgs paths() {
  return DrivenArgs().text("input", "edges.txt").text("output", "ranks.tsv");
}

void check_done(PluginDriver& driver) {
  REQUIRE(driver.run());
  CHECK(driver.failures().empty());
  CHECK(driver.finished()->status == TG_JOB_DONE);
}

}  // namespace

TEST_CASE("pagerank: a graph small enough to be solved by hand") {
  // a -> b with a, b <- teleport; b dangles: a = t + d b/2, b = t + d a + d b/2 with t = 0.075.
  const TemporaryFolder folder;
  folder.write("edges.txt", "10 20\n10 20\n");
  // More parts than vertices, too.
  const std::uint64_t tasks = GENERATE(std::uint64_t{1}, 2, 8);
  PluginDriver driver(entry(), job(folder, tasks), 1);
  check_done(driver);
  const double b = (0.075 + 0.85 * 0.075) / (1 - 0.85 / 2 - 0.85 * 0.85 / 2);
  const Ranks ranks = parse(folder.read("ranks.tsv"));
  CHECK(ranks.at(20) == Approx(b).margin(1e-9));
  CHECK(ranks.at(10) == Approx(1 - b).margin(1e-9));
  CHECK(folder.read("ranks.tsv").rfind("20\t0.64", 0) == 0);
  CHECK(driver.finished()->result.rfind("{\"iterations\":", 0) == 0);
  CHECK(driver.finished()->result.find(",\"vertices\":2,\"edges\":1,\"step\":") != std::string::npos);
  CHECK(driver.finished()->result.find(",\"converged\":true,\"restarts\":0}") != std::string::npos);
}

TEST_CASE("pagerank: any number of parts gives the ranks of the definition") {
  std::mt19937_64 random(3);
  for (const std::uint64_t tasks : std::vector<std::uint64_t>{1, 2, 3, 8, 13}) {
    const TemporaryFolder folder;
    const Edges edges = random_graph(random, 30, 60);
    folder.write("edges.txt", print(edges));
    PluginDriver driver(entry(), job(folder, tasks), tasks);
    check_done(driver);
    INFO(tasks << " tasks");
    CHECK(distance(parse(folder.read("ranks.tsv")), surf(edges, 0.85, 300)) < 1e-9);
  }
}

TEST_CASE("pagerank: it stops after iterations_max, and says that it has not converged") {
  std::mt19937_64 random(4);
  const TemporaryFolder folder;
  const Edges edges = random_graph(random, 20, 50);
  folder.write("edges.txt", print(edges));
  PluginDriver driver(entry(), job(folder, 3, DrivenArgs().integer("iterations_max", 4).number("damping", 0.5)), 1);
  check_done(driver);
  CHECK(driver.epoch() == 3);
  CHECK(driver.finished()->result.rfind("{\"iterations\":4,", 0) == 0);
  CHECK(driver.finished()->result.find(",\"converged\":false,\"restarts\":0}") != std::string::npos);
  CHECK(distance(parse(folder.read("ranks.tsv")), surf(edges, 0.5, 4)) < 1e-14);
}

TEST_CASE("pagerank: a graph that is uniform from the start takes one iteration") {
  const TemporaryFolder folder;
  folder.write("edges.txt", "1 2\n2 3\n3 1\n");
  PluginDriver driver(entry(), job(folder, 2), 1);
  check_done(driver);
  CHECK(driver.finished()->result.rfind("{\"iterations\":1,\"vertices\":3,\"edges\":3,\"step\":", 0) == 0);
}

TEST_CASE("pagerank: no edges, no ranks") {
  const TemporaryFolder folder;
  folder.write("edges.txt", "# nobody\n");
  PluginDriver driver(entry(), job(folder, 3), 1);
  check_done(driver);
  CHECK(driver.finished()->result ==
        "{\"iterations\":1,\"vertices\":0,\"edges\":0,\"step\":0,\"converged\":true,\"restarts\":0}");
  CHECK(folder.read("ranks.tsv").empty());
}

TEST_CASE("pagerank: a kill of any task at any event leads to the same ranks") {
  // Two graphs in one that do not meet: the slowest there is to forget what a fault has changed.
  const TemporaryFolder folder;
  const Edges edges{{1, 2}, {2, 1}, {2, 3}, {3, 1}, {10, 11}, {11, 10}, {11, 12}, {12, 12}, {3, 3}};
  folder.write("edges.txt", print(edges));
  const Ranks expected = surf(edges, 0.6, 200);
  const DrivenJob described = job(folder, 3, DrivenArgs().number("damping", 0.6));
  PluginDriver calm(entry(), described, 21);
  check_done(calm);
  CHECK(distance(parse(folder.read("ranks.tsv")), expected) < 1e-9);
  const std::uint64_t events = calm.events();
  std::uint64_t kills = 0;
  for (std::uint64_t event = 0; event < events; ++event) {
    PluginDriver driver(entry(), described, 21);
    driver.kill_at(event, event % 3);
    INFO("task " << event % 3 << " killed at event " << event << " of " << events);
    check_done(driver);
    kills += driver.kills();
    CHECK(distance(parse(folder.read("ranks.tsv")), expected) < 1e-9);
    const std::string& result = driver.finished()->result;
    CHECK(result.find("\"converged\":true") != std::string::npos);
    // After a fault it goes on a little longer.
    const double step = std::strtod(result.c_str() + result.find("\"step\":") + 7, nullptr);
    const std::string restarts = "\"restarts\":" + std::to_string(driver.kills());
    CHECK((result.find(restarts) != std::string::npos || event > events / 2));
    CHECK((step < 1e-10 / 8 || event > events / 2 || driver.kills() == 0));
  }
  CHECK(kills > events * 9 / 10);
}

TEST_CASE("pagerank: many kills, on many graphs") {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    std::mt19937_64 random(seed);
    const TemporaryFolder folder;
    const Edges edges = random_graph(random, 5 + random() % 30, 5 + random() % 80);
    folder.write("edges.txt", print(edges));
    const std::uint64_t tasks = 1 + random() % 6;
    PluginDriver driver(entry(), job(folder, tasks), seed);
    for (int i = 0; i < 20; ++i) driver.kill_at(random() % (300 * tasks), random() % tasks);
    INFO("seed " << seed);
    check_done(driver);
    CHECK(distance(parse(folder.read("ranks.tsv")), surf(edges, 0.85, 300)) < 1e-9);
  }
}

TEST_CASE("pagerank: kills in the last iteration leave a whole result") {
  std::mt19937_64 random(8);
  const TemporaryFolder folder;
  const Edges edges = random_graph(random, 20, 50);
  folder.write("edges.txt", print(edges));
  const DrivenJob described = job(folder, 4, DrivenArgs().integer("iterations_max", 3));
  PluginDriver calm(entry(), described, 1);
  check_done(calm);
  for (std::uint64_t event = 0; event < calm.events(); ++event) {
    PluginDriver driver(entry(), described, 1);
    for (std::uint64_t i = 0; i < 3; ++i) driver.kill_at(event + 10 * i, (event + i) % 4);
    INFO("from event " << event);
    check_done(driver);
    CHECK(driver.epoch() == 2);
    const Ranks ranks = parse(folder.read("ranks.tsv"));
    REQUIRE(ranks.size() == surf(edges, 0.85, 0).size());
  }
}

TEST_CASE("pagerank: what cannot be written ends the job with the reason") {
  const TemporaryFolder folder;
  folder.write("edges.txt", "1 2\n");
  PluginDriver driver(entry(), job(folder, 2), 1);
  std::filesystem::create_directory(folder.path() / "ranks.tsv");
  REQUIRE(driver.run());
  CHECK(driver.finished()->status == TG_JOB_FAILED);
  CHECK(driver.finished()->result ==
        "{\"error\":\"" + (folder.path() / "ranks.tsv").string() + ": could not be written: Is a directory\"}");
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), std::filesystem::directory_iterator()) == 2);
}

TEST_CASE("pagerank: tasks that are not all linked to all say so") {
  const TemporaryFolder folder;
  folder.write("edges.txt", "1 2\n");
  DrivenJob described = job(folder, 3);
  described.links[0].neighbours = {{1}, {0, 2}, {1}};
  PluginDriver driver(entry(), described, 1);
  CHECK_FALSE(driver.run(20));
  REQUIRE_FALSE(driver.failures().empty());
  CHECK(driver.failures()[0] == "the link \"peers\" must join each task to all others (shape \"full\")");
}

TEST_CASE("pagerank: methods and bodies that it does not know are refused") {
  const TemporaryFolder folder;
  folder.write("edges.txt", "1 2\n2 1\n1 3\n");
  PluginDriver driver(entry(), job(folder, 2, DrivenArgs().integer("iterations_max", 30).number("tolerance", 0)), 1);
  const auto unknown = driver.ask(1, "rank", "");
  const auto odd = driver.ask(1, "ranks", "x");
  const auto shares = driver.ask(1, "shares", "");
  const auto other = driver.ask(1, "ranks", std::string("\7\0\0\0\0\0\0\0", 8));
  driver.run();
  CHECK(driver.answers().at(unknown).code == TG_CODE_NO_SUCH_METHOD);
  CHECK(driver.answers().at(odd).body == "ranks: expected a term or nothing");
  CHECK(driver.answers().at(shares).body == "shares: for the tasks of this job only");
  CHECK(driver.answers().at(other).code == TG_CODE_USER);
}

TEST_CASE("pagerank: arguments that cannot be are refused with what would be right") {
  const TemporaryFolder folder;
  folder.write("edges.txt", "1 2\n");
  CHECK(refusal(folder, paths()).empty());
  CHECK(refusal(folder, DrivenArgs().text("output", "ranks.tsv")).find("\"input\" is missing") != std::string::npos);
  CHECK(refusal(folder, DrivenArgs().text("input", "edges.txt")).find("\"output\" is missing") != std::string::npos);
  CHECK(refusal(folder, paths().number("damping", 1.0))
            .find("\"damping\" is 1.000000; expected 0 or more, and less than 1") != std::string::npos);
  CHECK(refusal(folder, paths().number("damping", -0.1)).find("expected 0 or more") != std::string::npos);
  CHECK(refusal(folder, paths().number("tolerance", -1e-9)).find("\"tolerance\"") != std::string::npos);
  CHECK(refusal(folder, paths().integer("iterations_max", 0)).find("expected 1 to 1000000000") != std::string::npos);
  CHECK(refusal(folder, paths().integer("iterations", 5)).find("unknown argument \"iterations\"") != std::string::npos);
  CHECK(refusal(folder, paths(), 1'001).find("for at most 1000") != std::string::npos);
  CHECK(refusal(folder, paths(), 1'000).empty());
  const auto with_output = [&](const std::string& output) {
    return refusal(folder, DrivenArgs().text("input", "edges.txt").text("output", output));
  };
  CHECK(with_output("none/ranks.tsv") ==
        "argument \"output\": there is no folder " + (folder.path() / "none").string() + "; make it first");
  CHECK(with_output(".").find("the name of a file") != std::string::npos);
  CHECK(with_output("").find("is no path") != std::string::npos);
  folder.write("bad.txt", "1 2\nx\n");
  CHECK(refusal(folder, DrivenArgs().text("input", "bad.txt").text("output", "ranks.tsv"))
            .find("bad.txt:2: expected two vertex numbers") != std::string::npos);
}

}  // namespace taskgraph::pagerank
