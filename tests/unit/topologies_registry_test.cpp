/// The list of shapes: for any parameters that it allows, opposite links are each other's inverse.
#include "topologies/shapes/registry.hpp"

#include <random>
#include <stdexcept>

#include "tests/support/catch.hpp"

namespace taskgraph::topologies {
namespace {

using Pair = std::pair<std::uint32_t, std::uint32_t>;

std::uint32_t below(std::uint32_t limit, std::mt19937& random) {
  return static_cast<std::uint32_t>(random() % limit);
}

std::set<Pair> pairs(const core::Shape& shape, std::uint32_t count) {
  std::set<Pair> out;
  for (std::uint32_t task = 0; task < count; ++task) {
    std::vector<core::TaskId> ids;
    shape.neighbours({task}, {}, ids);
    for (std::size_t i = 0; i < ids.size(); ++i) {
      REQUIRE(ids[i].value < count);
      REQUIRE(ids[i].value != task);
      if (i > 0) REQUIRE(ids[i - 1] < ids[i]);
      out.emplace(task, ids[i].value);
    }
  }
  return out;
}

std::set<Pair> turned(const std::set<Pair>& in) {
  std::set<Pair> out;
  for (const auto& [a, b] : in) out.emplace(b, a);
  return out;
}

ShapeChoice random_choice(const ShapeInfo& shape, std::uint32_t count, std::mt19937& random) {
  ShapeChoice choice;
  choice.shape = &shape;
  for (const Parameter& parameter : shape.parameters) {
    const std::uint32_t max = std::max(parameter.min, parameter_max(parameter, count));
    choice.numbers[parameter.name] = parameter.min + below(max - parameter.min + 1, random);
  }
  if (!shape.roles.empty()) choice.role = random() % shape.roles.size();
  std::set<Edge> edges;
  for (std::uint32_t i = 0; shape.takes_edges && count > 1 && i < 2 * count; ++i) {
    const Edge edge{below(count - 1, random), count - 1};
    edges.insert(edge);
  }
  choice.edges.assign(edges.begin(), edges.end());
  return choice;
}

TEST_CASE("an opposite link holds the same pairs the other way round", "[topologies]") {
  std::mt19937 random(11);
  int checked = 0;
  for (const ShapeInfo& shape : shapes()) {
    if (!shape.available) continue;
    for (int round = 0; round < 200; ++round) {
      const std::uint32_t count = 1 + below(50, random);
      const ShapeChoice choice = random_choice(shape, count, random);
      const auto own = pairs(*make_shape(choice, count), count);
      CAPTURE(std::string(shape.name), count, choice.role);
      if (is_own_inverse(choice)) REQUIRE(own == turned(own));
      int opposites = 0;
      for (std::size_t role = 0; role < std::max<std::size_t>(1, shape.roles.size()); ++role) {
        ShapeChoice other = choice;
        other.role = role;
        REQUIRE(are_opposite(choice, other) == are_opposite(other, choice));
        if (!are_opposite(choice, other)) continue;
        ++opposites;
        ++checked;
        REQUIRE(pairs(*make_shape(other, count), count) == turned(own));
      }
      REQUIRE(opposites == 1);
    }
  }
  CHECK(checked == 1'000);
}

TEST_CASE("other parameters or senses are no inverse", "[topologies]") {
  ShapeChoice up{find_shape("tree"), {{"arity", 2}, {"root", 0}}, 0, {}, EdgeSense::undirected};
  ShapeChoice down = up;
  down.role = 1;
  CHECK(are_opposite(up, down));
  down.numbers["root"] = 1;
  CHECK_FALSE(are_opposite(up, down));
  const ShapeChoice full{find_shape("full"), {}, 0, {}, EdgeSense::undirected};
  const ShapeChoice star{find_shape("star"), {}, 0, {}, EdgeSense::undirected};
  CHECK_FALSE(are_opposite(full, star));
  ShapeChoice one_way{find_shape("edges"), {}, 0, {{0, 1}}, EdgeSense::directed};
  CHECK_FALSE(is_own_inverse(one_way));
  ShapeChoice both_ways = one_way;
  both_ways.sense = EdgeSense::undirected;
  CHECK(is_own_inverse(both_ways));
  CHECK_FALSE(are_opposite(one_way, both_ways));
}

TEST_CASE("directed edges go one way", "[topologies]") {
  const ShapeChoice choice{find_shape("edges"), {}, 0, {{2, 0}, {0, 1}}, EdgeSense::directed};
  CHECK(pairs(*make_shape(choice, 3), 3) == std::set<Pair>{{0, 1}, {2, 0}});
}

TEST_CASE("the factory takes the limits and nothing beyond", "[topologies]") {
  const auto make = [](std::string_view name, std::map<std::string_view, std::uint32_t> numbers, std::size_t role,
                       std::uint32_t count) {
    return make_shape({find_shape(name), std::move(numbers), role, {}, EdgeSense::undirected}, count);
  };
  CHECK(make("tree", {{"arity", 1'000}, {"root", 4}}, 0, 5));
  CHECK_THROWS_AS(make("tree", {{"arity", 1'001}, {"root", 0}}, 0, 5), std::invalid_argument);
  CHECK_THROWS_AS(make("tree", {{"arity", 0}, {"root", 0}}, 0, 5), std::invalid_argument);
  CHECK_THROWS_AS(make("tree", {{"arity", 2}, {"root", 5}}, 0, 5), std::invalid_argument);
  CHECK_THROWS_AS(make("tree", {{"arity", 2}}, 0, 5), std::invalid_argument);
  CHECK(make("ring", {{"hops", 4}}, 2, 5));
  CHECK(make("ring", {{"hops", 1}}, 2, 1));
  CHECK_THROWS_AS(make("ring", {{"hops", 5}}, 2, 5), std::invalid_argument);
  CHECK_THROWS_AS(make("ring", {{"hops", 1}}, 3, 5), std::invalid_argument);
  CHECK(make("star", {{"hub", 0}}, 0, 1));
  CHECK_THROWS_AS(make("star", {{"hub", 1}}, 0, 1), std::invalid_argument);
  CHECK_THROWS_AS(make("full", {}, 0, 0), std::invalid_argument);
  CHECK_THROWS_AS(make("grid", {}, 0, 4), std::invalid_argument);
  CHECK(find_shape("treee") == nullptr);
}

TEST_CASE("every name of the format is known, some for later", "[topologies]") {
  std::vector<std::string_view> now;
  std::vector<std::string_view> later;
  for (const ShapeInfo& shape : shapes()) (shape.available ? now : later).push_back(shape.name);
  CHECK(now == std::vector<std::string_view>{"tree", "ring", "full", "star", "edges"});
  CHECK(later == std::vector<std::string_view>{"grid", "hypercube", "butterfly", "plugin"});
}

}  // namespace
}  // namespace taskgraph::topologies
