#include "host/config/topology_link.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "host/config/topology_tasks.hpp"
#include "host/config/words.hpp"

namespace taskgraph::config {
namespace {

using topologies::Edge;
using topologies::EdgeSense;
using topologies::Parameter;
using topologies::ShapeInfo;

std::string place(const TopologyReading& reading, std::size_t offset) {
  const Position position = reading.out.source().position(offset);
  return "line " + std::to_string(position.line) + ", column " + std::to_string(position.column);
}

/// Reads the list of `edges`. With a million of them a pointer or message is made for errors only.
class EdgesReader {
 public:
  EdgesReader(TopologyReading& reading, LinkDraft& link, std::uint32_t task_count)
      : reading_(reading), link_(link), task_count_(task_count), pointer_(pointer_to(link.pointer, "edges")) {}

  bool run(JsonValue list) {
    if (!list.is(JsonKind::array)) {
      reading_.out.error(list.offset(), pointer_,
                         "expected a list of pairs such as [[0, 1], [1, 2]], not " + shown(list));
      return false;
    }
    reading_.note(pointer_, std::to_string(list.size()) + (list.size() == 1 ? " pair" : " pairs"), list);
    link_.choice.edges.reserve(list.size());
    link_.edge_offsets.reserve(list.size());
    std::size_t index = 0;
    for (const JsonValue pair : list.elements()) read_pair(pair, index++);
    if (ok_) check_repeated();
    return ok_;
  }

 private:
  template <typename Message>
  void fail(std::size_t offset, std::size_t index, Message message) {
    ok_ = false;
    if (reading_.out.full()) return reading_.out.omit(1);
    reading_.out.error(offset, pointer_to(pointer_, index), message());
  }

  void read_pair(JsonValue pair, std::size_t index) {
    std::uint32_t ends[2] = {};
    std::size_t count = 0;
    for (const JsonValue end : pair.elements()) {
      const auto id = end.integer();
      if (!id || count == 2) break;
      if (*id < 0 || *id > UINT32_MAX || (task_count_ != 0 && *id >= task_count_)) {
        const auto message = [&] { return no_such_task(end, task_count_ == 0 ? kTasksMax : task_count_); };
        return fail(end.offset(), index, message);
      }
      ends[count++] = static_cast<std::uint32_t>(*id);
    }
    if (!pair.is(JsonKind::array) || pair.size() != 2 || count != 2) {
      return fail(pair.offset(), index, [&] {
        return "expected a pair of task ids such as [0, 1], not " +
               (pair.is(JsonKind::array) ? "a list of something else" : shown(pair));
      });
    }
    if (ends[0] == ends[1]) {
      return fail(pair.offset(), index, [&] { return "links task " + std::to_string(ends[0]) + " with itself"; });
    }
    link_.choice.edges.push_back({ends[0], ends[1]});
    link_.edge_offsets.push_back(static_cast<std::uint32_t>(pair.offset()));
  }

  void check_repeated() {
    struct Entry {
      Edge edge;
      std::uint32_t index;
    };
    const bool undirected = link_.choice.sense == EdgeSense::undirected;
    std::vector<Entry> entries;
    entries.reserve(link_.choice.edges.size());
    for (const Edge& edge : link_.choice.edges) {
      const bool swap = undirected && edge.from > edge.to;
      entries.push_back({swap ? Edge{edge.to, edge.from} : edge, static_cast<std::uint32_t>(entries.size())});
    }
    std::sort(entries.begin(), entries.end(),
              [](const Entry& a, const Entry& b) { return a.edge != b.edge ? a.edge < b.edge : a.index < b.index; });
    for (std::size_t i = 1; i < entries.size(); ++i) {
      if (entries[i].edge != entries[i - 1].edge) continue;
      const Edge& edge = link_.choice.edges[entries[i].index];
      const std::size_t before = link_.edge_offsets[entries[i - 1].index];
      fail(link_.edge_offsets[entries[i].index], entries[i].index, [&] {
        return fmt::format("[{}, {}] again; it stands at {} already{}", edge.from, edge.to, place(reading_, before),
                           undirected ? " (in either order: the link names no inverse)" : "");
      });
    }
  }

  TopologyReading& reading_;
  LinkDraft& link_;
  std::uint32_t task_count_;
  std::string pointer_;
  bool ok_ = true;
};

std::string shapes_list() {
  std::string out;
  for (const ShapeInfo& shape : topologies::shapes()) {
    if (!shape.available) continue;
    if (!out.empty()) out += ' ';
    out += shape.name;
  }
  return fmt::format("(shapes: {})", out);
}

const ShapeInfo* read_shape(TopologyReading& reading, Section& section) {
  const auto value = section.required("shape", "\"tree\"");
  if (!value) return nullptr;
  if (!value->is(JsonKind::text)) {
    section.error(*value, "shape", "expected a shape in double quotes, not " + shown(*value) + " " + shapes_list());
    return nullptr;
  }
  const ShapeInfo* shape = topologies::find_shape(value->text());
  if (shape != nullptr && shape->available) {
    reading.note(section.pointer_to_member("shape"), std::string(shape->name), value);
    return shape;
  }
  if (shape != nullptr) {
    section.error(*value, "shape", "shape " + shown(*value) + " is not in this version " + shapes_list());
    return nullptr;
  }
  std::vector<std::string_view> names;
  for (const ShapeInfo& known : topologies::shapes()) names.push_back(known.name);
  section.error(*value, "shape",
                "unknown shape " + shown(*value) + did_you_mean(value->text(), names) + " " + shapes_list());
  return nullptr;
}

bool read_parameters(Section& section, std::uint32_t task_count, topologies::ShapeChoice& choice) {
  bool ok = true;
  for (const Parameter& parameter : choice.shape->parameters) {
    const std::uint32_t count = task_count == 0 ? kTasksMax : task_count;
    const std::uint32_t max = topologies::parameter_max(parameter, count);
    const bool by_count = task_count != 0 && (parameter.kind == Parameter::Kind::task_id || max < parameter.max);
    const std::string why = by_count ? " (tasks.count is " + std::to_string(task_count) + ")" : "";
    const auto value = section.number(
        parameter.name, parameter.min, max,
        parameter.default_value ? std::optional<std::uint64_t>(*parameter.default_value) : std::nullopt, why);
    if (value) choice.numbers[parameter.name] = static_cast<std::uint32_t>(*value);
    ok = ok && value.has_value();
  }
  if (!choice.shape->roles.empty()) {
    const auto role = section.word("role", "role", choice.shape->roles, std::nullopt);
    choice.role = role.value_or(0);
    ok = ok && role.has_value();
  }
  return ok;
}

}  // namespace

LinkDraft read_link(TopologyReading& reading, const JsonMember& member, std::uint32_t task_count) {
  LinkDraft link;
  link.name = member.name;
  link.pointer = pointer_to("/links", member.name);
  link.offset = member.value.offset();
  const bool has_name = is_name(member.name);
  if (!has_name) {
    reading.out.error(member.name_offset, link.pointer,
                      quote(member.name) + " is no name for a link; take " + std::string(kNameRule));
  }
  Section section(reading, member.value, link.pointer);
  link.choice.shape = read_shape(reading, section);
  if (link.choice.shape == nullptr) return link;  // which members it may have is not known
  link.inverse_value = section.member("inverse");
  bool ok = read_parameters(section, task_count, link.choice);
  if (link.inverse_value && !link.inverse_value->is(JsonKind::text)) {
    section.error(*link.inverse_value, "inverse", "expected the name of a link, not " + shown(*link.inverse_value));
    ok = false;
  }
  if (link.choice.shape->takes_edges) {
    const bool directed = ok && link.inverse_value && link.inverse_value->text() != link.name;
    link.choice.sense = directed ? EdgeSense::directed : EdgeSense::undirected;
    const auto edges = section.required("edges", "[[0, 1], [1, 2]]");
    ok = edges && EdgesReader(reading, link, task_count).run(*edges) && ok;
  }
  section.finish();
  link.valid = ok && has_name;
  return link;
}

}  // namespace taskgraph::config
