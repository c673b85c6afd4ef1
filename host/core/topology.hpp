/// The graph of a job as the core sees it: how many tasks, and who is whose neighbour on which link.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/core/ids.hpp"

namespace taskgraph::core {

/// Who is whose neighbour on one link. Immutable after construction; any thread. Pure: the same question has the same
/// answer on every host, for ever.
class Shape {
 public:
  virtual ~Shape() = default;
  /// Appends the neighbours of `task` in `epoch` by rising id, each once, never `task` itself.
  virtual void neighbours(TaskId task, Epoch epoch, std::vector<TaskId>& out) const = 0;
  /// True when the answer may differ between epochs.
  virtual bool differs_per_epoch() const { return false; }
};

/// A named relation. If b is a neighbour of a on a link, then a is one of b on its inverse (which may be itself).
struct Link {
  std::string name;
  LinkIndex inverse;
  std::shared_ptr<const Shape> shape;
};

/// Immutable after construction; any thread.
class Topology {
 public:
  Topology(std::uint32_t task_count, std::vector<Link> links) : task_count_(task_count), links_(std::move(links)) {}

  std::uint32_t task_count() const { return task_count_; }
  const std::vector<Link>& links() const { return links_; }
  const Link& link(LinkIndex index) const { return links_.at(index.value); }
  std::optional<LinkIndex> find(std::string_view name) const {
    for (std::size_t i = 0; i < links_.size(); ++i) {
      if (links_[i].name == name) return LinkIndex{static_cast<std::uint16_t>(i)};
    }
    return std::nullopt;
  }
  bool contains(TaskId task) const { return task.value < task_count_; }

 private:
  std::uint32_t task_count_;
  std::vector<Link> links_;
};

}  // namespace taskgraph::core
