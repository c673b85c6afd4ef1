#include <algorithm>

#include "host/config/topology_link.hpp"

#include <fmt/format.h>
#include "host/config/words.hpp"

namespace taskgraph::config {
namespace {

using topologies::Edge;
using topologies::EdgeSense;
using topologies::ShapeInfo;

/// Edges that two lists disagree about are named up to this many.
constexpr std::size_t kMismatchesMax = 3;

std::string pair_text(const Edge& edge) {
  return fmt::format("[{}, {}]", edge.from, edge.to);
}

class Pairing {
 public:
  Pairing(TopologyReading& reading, std::vector<LinkDraft>& links)
      : reading_(reading), links_(links), all_valid_(true), named_(links.size()) {
    for (const LinkDraft& link : links_) all_valid_ = all_valid_ && link.valid;
  }

  bool run() {
    for (std::size_t i = 0; i < links_.size(); ++i) resolve_name(i);
    for (std::size_t i = 0; i < links_.size(); ++i) claim(i);
    names_ok_ = ok_;
    for (std::size_t i = 0; i < links_.size(); ++i) search(i);
    if (!ok_ || !all_valid_) return false;
    for (std::size_t i = 0; i < links_.size(); ++i) {
      const LinkDraft& link = links_[i];
      if (link.choice.sense == EdgeSense::directed && i < *link.inverse) check_transposed(link, links_[*link.inverse]);
    }
    return ok_;
  }

 private:
  void fail(const LinkDraft& link, std::string message) {
    ok_ = false;
    if (link.inverse_value) {
      reading_.out.error(link.inverse_value->offset(), pointer_to(link.pointer, "inverse"), std::move(message));
    } else {
      reading_.out.error(link.offset, link.pointer, std::move(message));
    }
  }

  /// What a link's inverse must look like.
  static std::string wanted(const LinkDraft& link) {
    const ShapeInfo& shape = *link.choice.shape;
    std::string out = "shape " + std::string(shape.name);
    if (!shape.parameters.empty()) out += ", the same parameters";
    if (!shape.roles.empty()) out += ", role " + std::string(shape.roles[shape.opposites[link.choice.role]]);
    return out;
  }

  /// `inverse` as an index, when it names a link that can be it.
  void resolve_name(std::size_t i) {
    const LinkDraft& link = links_[i];
    if (!link.valid || !link.inverse_value) return;
    const std::string_view name = link.inverse_value->text();
    const auto target = std::find_if(links_.begin(), links_.end(), [&](const LinkDraft& l) { return l.name == name; });
    if (target == links_.end()) {
      std::vector<std::string_view> names;
      for (const LinkDraft& other : links_) names.push_back(other.name);
      return fail(link, "no link " + quote(name) + did_you_mean(name, names));
    }
    if (!target->valid) {
      ok_ = false;
      return;
    }
    const bool fits = &*target == &link ? is_own_inverse(link.choice) : fits_as_inverse(link, *target);
    if (!fits) return fail(link, "link " + quote(name) + " cannot be the inverse: it needs " + wanted(link));
    named_[i] = static_cast<std::size_t>(target - links_.begin());
  }

  static bool fits_as_inverse(const LinkDraft& link, const LinkDraft& other) {
    // Edges that do not name an inverse have another sense; that is told more exactly below.
    if (link.choice.shape->takes_edges && other.choice.shape->takes_edges) return true;
    return are_opposite(link.choice, other.choice);
  }

  /// Ties a link to the one that it names. Both must agree; one that names none follows, unless it is a list of edges,
  /// where it would mean something else.
  void claim(std::size_t i) {
    if (!named_[i]) return;
    LinkDraft& link = links_[i];
    LinkDraft& target = links_[*named_[i]];
    if (target.inverse_value) {
      if (named_[*named_[i]] == i) {
        link.inverse = named_[i];
      } else if (named_[*named_[i]]) {
        fail(link, "link " + quote(target.name) + " names another inverse: " + shown(*target.inverse_value));
      }
      return;
    }
    if (link.choice.shape->takes_edges) {
      return fail(link, "link " + quote(target.name) +
                            " names no inverse and so goes both ways; give it \"inverse\": " + quote(link.name));
    }
    if (target.inverse && *target.inverse != i) {
      return fail(link, "link " + quote(target.name) + " is the inverse of " + quote(links_[*target.inverse].name) +
                            " already");
    }
    target.inverse = i;
    link.inverse = named_[i];
  }

  std::vector<std::size_t> candidates(std::size_t i) const {
    std::vector<std::size_t> found;
    for (std::size_t j = 0; j < links_.size(); ++j) {
      const LinkDraft& other = links_[j];
      const bool is_free = other.valid && !other.inverse && !other.inverse_value;
      if (is_free && are_opposite(links_[i].choice, other.choice)) found.push_back(j);
    }
    return found;
  }

  std::string names(const std::vector<std::size_t>& list) const {
    std::string out;
    for (const std::size_t i : list) out += (out.empty() ? "" : " and ") + quote(links_[i].name);
    return out;
  }

  /// For a link that nobody tied.
  void search(std::size_t i) {
    LinkDraft& link = links_[i];
    if (!link.valid || link.inverse || link.inverse_value) return;
    if (is_own_inverse(link.choice)) {
      link.inverse = i;
      return;
    }
    const auto found = candidates(i);
    if (found.empty()) {
      // A link that is wrong itself may be the one that seems to be missing.
      if (all_valid_ && names_ok_) fail(link, "no link is its inverse; add one with " + wanted(link));
      return;
    }
    if (found.size() > 1) {
      return fail(link, names(found) + " may be its inverse; name one by \"inverse\"");
    }
    const auto rivals = candidates(found.front());
    if (rivals.size() > 1) {
      return fail(link, names(found) + " may be the inverse of " + names(rivals) + "; name them by \"inverse\"");
    }
    link.inverse = found.front();
    links_[found.front()].inverse = i;
  }

  /// Directed edges: each pair of one list must stand the other way round in the other.
  void check_transposed(const LinkDraft& a, const LinkDraft& b) {
    report_missing(a, b);
    report_missing(b, a);
  }

  void report_missing(const LinkDraft& from, const LinkDraft& to) {
    std::vector<Edge> turned;
    turned.reserve(to.choice.edges.size());
    for (const Edge& edge : to.choice.edges) turned.push_back({edge.to, edge.from});
    std::sort(turned.begin(), turned.end());
    std::size_t found = 0;
    for (std::size_t i = 0; i < from.choice.edges.size() && found < kMismatchesMax; ++i) {
      const Edge& edge = from.choice.edges[i];
      if (std::binary_search(turned.begin(), turned.end(), edge)) continue;
      ++found;
      ok_ = false;
      reading_.out.error(
          from.edge_offsets[i], pointer_to(pointer_to(from.pointer, "edges"), i),
          pair_text(edge) + " has no " + pair_text({edge.to, edge.from}) + " in its inverse " + quote(to.name));
    }
  }

  TopologyReading& reading_;
  std::vector<LinkDraft>& links_;
  bool all_valid_;
  std::vector<std::optional<std::size_t>> named_;  ///< by each link's `inverse`, where that can be
  bool ok_ = true;
  bool names_ok_ = true;  ///< of the links' `inverse`
};

}  // namespace

bool pair_links(TopologyReading& reading, std::vector<LinkDraft>& links) {
  return Pairing(reading, links).run();
}

}  // namespace taskgraph::config
