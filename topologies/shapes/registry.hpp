/// The list of shapes: their names, parameters and roles, which links are each other's inverse, and the factory.
/// Checks, error messages and suggestions of the topology file all read this list; a new shape is added here and
/// nowhere else.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "topologies/shapes/edges.hpp"
#include "topologies/shapes/static_shape.hpp"

namespace taskgraph::topologies {

/// A parameter that is a number. What is no number (`role`, `edges`) is told by ShapeInfo's other members.
struct Parameter {
  enum class Kind { number, task_id, steps };
  std::string_view name;
  Kind kind;
  std::uint32_t min;
  std::uint32_t max;                           ///< but see parameter_max
  std::optional<std::uint32_t> default_value;  ///< without one the parameter must be given
};

struct ShapeInfo {
  std::string_view name;
  bool available;  ///< false: a name of the format that this version does not implement
  std::vector<Parameter> parameters;
  /// Values of `role`, pairwise each other's opposite: the i-th role's opposite is roles[opposites[i]]. Empty: no
  /// `role`.
  std::vector<std::string_view> roles;
  std::vector<std::size_t> opposites;
  bool takes_edges;
};

/// All names of the format, the available ones first.
std::span<const ShapeInfo> shapes();
const ShapeInfo* find_shape(std::string_view name);

/// One link's shape with all parameters filled in.
struct ShapeChoice {
  const ShapeInfo* shape = nullptr;
  std::map<std::string_view, std::uint32_t> numbers;  ///< by Parameter::name
  std::size_t role = 0;                               ///< index of ShapeInfo::roles
  std::vector<Edge> edges;
  EdgeSense sense = EdgeSense::undirected;
};

/// True when two links of these choices may be each other's inverse: same shape, same parameters, opposite roles. For
/// directed edges it is true of any two; that the lists are transposes is the caller's to check, as their order is
/// free.
bool are_opposite(const ShapeChoice& a, const ShapeChoice& b);
/// True when a link is its own inverse.
bool is_own_inverse(const ShapeChoice& choice);

/// The shape of `count` tasks. Throws std::invalid_argument when a parameter is missing or out of its range; the ends
/// of `edges` have been checked by the caller.
std::shared_ptr<const StaticShape> make_shape(const ShapeChoice& choice, std::uint32_t count);

/// The largest value of a parameter in a job of `count` tasks: of a task_id the last id; of steps no further than round
/// the ring.
std::uint32_t parameter_max(const Parameter& parameter, std::uint32_t count);

}  // namespace taskgraph::topologies
