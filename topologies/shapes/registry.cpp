#include "topologies/shapes/registry.hpp"

#include <algorithm>
#include <stdexcept>

#include "topologies/shapes/full.hpp"
#include "topologies/shapes/ring.hpp"
#include "topologies/shapes/star.hpp"
#include "topologies/shapes/tree.hpp"

namespace taskgraph::topologies {
namespace {

constexpr std::uint32_t kArityMax = 1'000;
constexpr std::uint32_t kHopsMax = 1'000;

std::vector<ShapeInfo> make_list() {
  using Kind = Parameter::Kind;
  const auto unavailable = [](std::string_view name) { return ShapeInfo{name, false, {}, {}, {}, false}; };
  return {
      {"tree",
       true,
       {{"arity", Kind::number, 1, kArityMax, std::nullopt}, {"root", Kind::task_id, 0, 0, 0}},
       {"parents", "children"},
       {1, 0},
       false},
      {"ring", true, {{"hops", Kind::steps, 1, kHopsMax, 1}}, {"next", "prev", "both"}, {1, 0, 2}, false},
      {"full", true, {}, {}, {}, false},
      {"star", true, {{"hub", Kind::task_id, 0, 0, 0}}, {}, {}, false},
      {"edges", true, {}, {}, {}, true},
      unavailable("grid"),
      unavailable("hypercube"),
      unavailable("butterfly"),
      unavailable("plugin"),
  };
}

std::uint32_t number(const ShapeChoice& choice, std::string_view name, std::uint32_t count) {
  const auto& parameters = choice.shape->parameters;
  const auto parameter =
      std::find_if(parameters.begin(), parameters.end(), [&](const Parameter& p) { return p.name == name; });
  const auto found = choice.numbers.find(name);
  if (parameter == parameters.end() || found == choice.numbers.end() || found->second < parameter->min ||
      found->second > parameter_max(*parameter, count)) {
    throw std::invalid_argument("parameter " + std::string(name) + " of shape " + std::string(choice.shape->name) +
                                " is missing or out of its range");
  }
  return found->second;
}

}  // namespace

std::span<const ShapeInfo> shapes() {
  static const std::vector<ShapeInfo> list = make_list();
  return list;
}

const ShapeInfo* find_shape(std::string_view name) {
  const auto list = shapes();
  const auto found = std::find_if(list.begin(), list.end(), [&](const ShapeInfo& shape) { return shape.name == name; });
  return found == list.end() ? nullptr : &*found;
}

std::uint32_t parameter_max(const Parameter& parameter, std::uint32_t count) {
  switch (parameter.kind) {
    case Parameter::Kind::task_id:
      return count - 1;
    case Parameter::Kind::steps:
      return std::clamp(count - 1, 1U, parameter.max);
    case Parameter::Kind::number:
      break;
  }
  return parameter.max;
}

bool is_own_inverse(const ShapeChoice& choice) {
  if (choice.shape->takes_edges) return choice.sense == EdgeSense::undirected;
  return choice.shape->roles.empty() || choice.shape->opposites[choice.role] == choice.role;
}

bool are_opposite(const ShapeChoice& a, const ShapeChoice& b) {
  if (a.shape != b.shape || a.numbers != b.numbers || a.sense != b.sense) return false;
  return a.shape->roles.empty() || a.shape->opposites[a.role] == b.role;
}

std::shared_ptr<const StaticShape> make_shape(const ShapeChoice& choice, std::uint32_t count) {
  if (choice.shape == nullptr || !choice.shape->available) throw std::invalid_argument("no shape of this version");
  if (count == 0) throw std::invalid_argument("a shape needs a task");
  const std::string_view name = choice.shape->name;
  if (name == "tree") {
    const auto role = choice.role == 0 ? TreeRole::parents : TreeRole::children;
    return std::make_shared<Tree>(count, number(choice, "arity", count), number(choice, "root", count), role);
  }
  if (name == "ring") {
    constexpr RingRole kRoles[] = {RingRole::next, RingRole::prev, RingRole::both};
    if (choice.role >= std::size(kRoles)) throw std::invalid_argument("a ring has no such role");
    return std::make_shared<Ring>(count, number(choice, "hops", count), kRoles[choice.role]);
  }
  if (name == "star") return std::make_shared<Star>(count, number(choice, "hub", count));
  if (name == "edges") return std::make_shared<Edges>(count, choice.edges, choice.sense);
  return std::make_shared<Full>(count);
}

}  // namespace taskgraph::topologies
