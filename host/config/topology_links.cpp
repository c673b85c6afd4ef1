#include "host/config/topology_links.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "host/config/topology_link.hpp"
#include "host/config/words.hpp"

namespace taskgraph::config {
namespace {

using topologies::StaticShape;

constexpr std::size_t kIsolatedShownMax = 5;

/// A task that no link reaches is legal and rarely meant.
void warn_of_isolated(TopologyReading& reading, JsonValue section, std::uint32_t task_count,
                      const std::vector<std::shared_ptr<const StaticShape>>& shapes) {
  if (task_count == 1 || shapes.empty()) return;
  std::string shown_ids;
  std::size_t count = 0;
  for (std::uint32_t task = 0; task < task_count; ++task) {
    const auto has_neighbour = [&](const auto& shape) { return shape->degree({task}) != 0; };
    if (std::any_of(shapes.begin(), shapes.end(), has_neighbour)) continue;
    if (++count <= kIsolatedShownMax) shown_ids += fmt::format(" {}", task);
  }
  if (count == 0) return;
  if (count > kIsolatedShownMax) shown_ids += " ...";
  reading.out.warning(
      section.offset(), "/links",
      std::to_string(count) + (count == 1 ? " task has" : " tasks have") + " no neighbour on any link:" + shown_ids);
}

std::vector<LinkDraft> read_drafts(TopologyReading& reading, JsonValue section, std::uint32_t task_count, bool& ok) {
  std::vector<LinkDraft> drafts;
  std::size_t count = 0;
  for (const JsonMember& member : section.members()) count += member.name.starts_with("x-") ? 0 : 1;
  if (count > kLinksMax) {
    reading.out.error(section.offset(), "/links",
                      std::to_string(count) + " links; at most " + std::to_string(kLinksMax));
    ok = false;
    return drafts;
  }
  for (const JsonMember& member : section.members()) {
    if (member.name.starts_with("x-")) continue;
    drafts.push_back(read_link(reading, member, task_count));
    ok = ok && drafts.back().valid;
  }
  std::sort(drafts.begin(), drafts.end(), [](const LinkDraft& a, const LinkDraft& b) { return a.name < b.name; });
  return drafts;
}

}  // namespace

std::vector<core::Link> read_links(TopologyReading& reading, std::optional<JsonValue> section,
                                   std::uint32_t task_count) {
  if (!section) return {};
  if (!section->is(JsonKind::object)) {
    reading.out.error(section->offset(), "/links", "expected an object {\"NAME\": {...}}, not " + shown(*section));
    return {};
  }
  bool ok = true;
  const std::size_t values_before = reading.values.size();
  std::vector<LinkDraft> drafts = read_drafts(reading, *section, task_count, ok);
  const bool paired = pair_links(reading, drafts);
  if (!ok || !paired || task_count == 0) return {};
  std::vector<core::Link> links;
  std::vector<std::shared_ptr<const StaticShape>> shapes;
  for (LinkDraft& draft : drafts) {
    shapes.push_back(topologies::make_shape(draft.choice, task_count));
    links.push_back({draft.name, {static_cast<std::uint16_t>(*draft.inverse)}, shapes.back()});
    reading.note(pointer_to(draft.pointer, "inverse"), drafts[*draft.inverse].name, draft.inverse_value);
  }
  std::stable_sort(reading.values.begin() + static_cast<std::ptrdiff_t>(values_before), reading.values.end(),
                   [](const ConfigValue& a, const ConfigValue& b) { return a.name < b.name; });
  warn_of_isolated(reading, *section, task_count, shapes);
  return links;
}

}  // namespace taskgraph::config
